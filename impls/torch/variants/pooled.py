"""How the tokens of a text are made one otherwise; rules as in `rules`.

Tokens lie along an axis between the first and the last. A mask is an array of zeros and ones.
"""

import torch

from shared import variants as causes


def means(operation):
    """Take the first, the last, the largest or the sum of tokens in place of their mean."""
    dim = _axis(operation)
    if dim is None:
        return
    others = {
        "the first": lambda x: x.select(dim, 0),
        "the last": lambda x: x.select(dim, -1),
        "the largest": lambda x: x.amax(dim),
        "the sum": lambda x: x.sum(dim),
    }
    for said, other in others.items():
        claim = f"{said} along axis {dim} of an array is taken, not the mean"
        yield causes.POOLING, claim, lambda o, f=other: f(o["input"]).reshape(o().shape)


def quotients(operation):
    """Count padded tokens in a mean, or take one token in place of it."""
    summed = operation.made(operation["input"], "sum")
    own = _masked(summed) if summed else None
    if own is None or not isinstance(operation["other"], torch.Tensor):
        return
    dim = _axis(summed)
    others = {
        (causes.PADDED, "padded tokens count in the mean"): lambda x, m: x.mean(dim),
        (causes.PADDED, "the sum without padded tokens is divided by the number of all"): (
            lambda x, m: (x * m).mean(dim)
        ),
        (causes.PADDED, "padded tokens are in the sum, but not in the number it is divided by"): (
            lambda x, m: x.sum(dim) / m.sum(dim)
        ),
        (causes.POOLING, "the first token is taken, not the mean"): lambda x, m: x.select(dim, 0),
        (causes.POOLING, "the last token is taken, not the mean"): lambda x, m: x.select(dim, -1),
        (causes.POOLING, "the largest of all tokens is taken, not the mean"): (
            lambda x, m: x.amax(dim)
        ),
        (causes.POOLING, "the largest of those not padded is taken, not the mean"): (
            lambda x, m: x.masked_fill(m == 0, -torch.inf).amax(dim)
        ),
        (causes.POOLING, "tokens are summed, not averaged"): lambda x, m: (x * m).sum(dim),
    }
    for (cause, claim), other in others.items():

        def change(operation, other=other):
            x, mask = _masked(operation.made(operation["input"], "sum"))
            return other(x, mask).reshape(operation().shape)

        yield cause, claim, change


def _axis(operation):
    """Return the axis between the first and the last that an operation is along; None if none."""
    x, dim = operation["input"], operation["dim"]
    if isinstance(dim, list | tuple) and len(dim) == 1:
        (dim,) = dim
    if type(dim) is not int or not isinstance(x, torch.Tensor) or x.ndim < 3:
        return None
    dim %= x.ndim
    return dim if 0 < dim < x.ndim - 1 and x.is_floating_point() else None


def _masked(summed):
    """Return what was multiplied by a mask before it was summed, and the mask."""
    product = summed.made(summed["input"], "mul") if _axis(summed) is not None else None
    factors = (product["input"], product["other"]) if product else ()
    for x, mask in (factors, factors[::-1]) if product else ():
        tensors = isinstance(x, torch.Tensor) and isinstance(mask, torch.Tensor)
        if not tensors or mask.ndim != x.ndim or mask.shape[-1] > 1 or x.shape[-1] == 1:
            continue
        if ((mask == 0) | (mask == 1)).all():
            return x, mask
    return None


RULES = {"div": [quotients], "mean": [means], "mul": [], "sum": []}
