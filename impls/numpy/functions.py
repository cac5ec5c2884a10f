"""What a function of a user's needs to be judged by itself, in NumPy: hardly anything."""

from contextlib import nullcontext


def precision(dtype):
    """Do nothing: NumPy has no default precision, every array carries its own."""
    return nullcontext()


def eagerly():
    """Do nothing: NumPy has no compiler."""
    return nullcontext()


def owns(value):
    """Whether a value holds weights of its own, in a precision that an operation insists on."""
    return False


def holding(owners, working, dtype):
    """Do nothing: there are no such owners."""
    return nullcontext()
