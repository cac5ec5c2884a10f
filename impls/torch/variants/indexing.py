"""How what is taken out of arrays may be another part of them; rules as in `rules`."""

import torch

from shared import variants as causes

OTHER = {-1: (0, "the first"), 0: (-1, "the last")}


def taken(operation):
    """Take the first along an axis in place of the last, or the last in place of the first."""
    array, index = operation.args
    index = index if isinstance(index, tuple) else (index,)
    if not isinstance(array, torch.Tensor) or len(index) < 2:
        return  # rows of a batch, or of a list
    for number, at in enumerate(index):
        if type(at) is int and at in OTHER:
            other, said = OTHER[at]
            changed = (*index[:number], other, *index[number + 1 :])
            claim = f"{said} along axis {number} of an array is taken, not index {at}"
            yield causes.STATE, claim, lambda o, i=changed: o.func(o.args[0], i)


RULES = {"__getitem__": [taken]}
