"""The result of a comparison, as people and other programs read it. All of one set of results."""
