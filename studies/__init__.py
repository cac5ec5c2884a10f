"""Studies of the judge itself: how often it is wrong, and how small an error it still sees."""
