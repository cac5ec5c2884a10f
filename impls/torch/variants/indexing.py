"""How what is taken out of arrays may be another part of them; rules as in `rules`."""

import torch

from shared import variants as causes

LEAVING = {(1, None, None): "the first", (None, -1, None): "the last"}  # by slices
OTHER = {-1: (0, "the first"), 0: (-1, "the last")}


def taken(operation):
    """Take the first along an axis in place of the last, or the last in place of the first."""
    array, index = operation["input"], operation["index"]
    index = index if isinstance(index, tuple) else (index,)
    if not isinstance(array, torch.Tensor) or len(index) < 2:
        return  # rows of a batch, or of a list
    for number, at in enumerate(index):
        if type(at) is int and at in OTHER:
            axis = _axis(array, index, number)
            other, said = OTHER[at]
            changed = (*index[:number], other, *index[number + 1 :])
            claim = f"{said} along axis {axis} of an array is taken, not index {at}"
            yield causes.STATE, claim, lambda o, i=changed: o(index=i)
        elif (of := _slice(at)) in LEAVING and array.ndim > 2:
            changed = (*index[:number], slice(None), *index[number + 1 :])
            claim = f"{LEAVING[of]} along axis {_axis(array, index, number)} is not left out"
            yield causes.TAKEN, claim, lambda o, i=changed: o(index=i)


def _slice(at):
    return (at.start, at.stop, at.step) if isinstance(at, slice) else None


def _axis(array, index, number):
    """Return along which axis of an array one part of an index is."""
    before = sum(map(_axes, index[:number]))
    if any(at is ... for at in index[:number]):
        before += array.ndim - sum(map(_axes, index))
    return before


def _axes(at):
    """Return how many axes a part of an index is for; of `...`, which is for all others, none."""
    if at is None or at is ... or isinstance(at, bool):
        return 0
    return at.ndim if getattr(at, "dtype", None) == torch.bool else 1


RULES = {"__getitem__": [taken]}
