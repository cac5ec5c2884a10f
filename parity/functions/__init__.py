"""Holding one function of a user's to another, in this process, with no recipe about them."""
