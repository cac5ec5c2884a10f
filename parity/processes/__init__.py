"""Processes in which ports and the reference run, and what the judge and they say to each other."""
