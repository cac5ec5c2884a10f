"""The rungs: what a port is asked on each, and how its answers are held to the standard."""
