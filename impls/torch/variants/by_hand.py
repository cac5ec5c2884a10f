"""RMSNorm and attention that are written out: they vary as the operations do that they come to.

Each is recognised by its last operation, and by those that made what that is given.
"""

import torch
import torch.nn.functional as F

from impls.torch.variants import attention, norms, rotary
from impls.torch.variants.operation import Operation
from shared import variants as causes

FAR_BELOW = -1e3
FACTORS = (("input", "other"), ("other", "input"))


def rms_norm(operation):
    """Normalise otherwise where x is divided by its root mean square, or times 1 over that."""
    yield from _as(_rms_norm, operation, norms.epsilons, norms.rms, norms.unscaled)


def attended(operation):
    """Attend otherwise where shares of a softmax are multiplied by values."""
    yield from _as(_attention, operation, attention.attention, rotary.attention)


def _as(seen, operation, *rules):
    whole = seen(operation)
    for rule in rules if whole else ():
        for cause, claim, change in rule(whole):
            yield cause, claim, lambda o, change=change: change(seen(o))


def _rms_norm(operation):
    """Return the RMSNorm, without its weight, that an operation is the end of; None if of none."""
    inverse = operation.name == "mul"
    factors = operation["input"], operation["other"]
    for x, root in (factors, factors[::-1])[: 1 + inverse]:
        made = operation.made(root, "rsqrt" if inverse else "sqrt")
        added = made and operation.made(made["input"], "add")
        if not added or not isinstance(x, torch.Tensor):
            continue
        square, epsilon = added["input"], added["other"]
        if not isinstance(epsilon, float) or added["alpha"] != 1 or square.dtype != x.dtype:
            continue
        if torch.equal(square, x.square().mean(-1, keepdim=True)):
            given = (x, x.shape[-1:], None, epsilon)
            return Operation(F.rms_norm, given, {}, operation.lately)
    return None


def _attention(operation):
    """Return the attention that a product is the end of; None if it is of none."""
    shares, value = operation["input"], operation["other"]
    softmax = operation.made(shares, "softmax")
    if softmax is None or shares.ndim < 3 or softmax["dim"] not in (-1, shares.ndim - 1):
        return None
    scores, mask = softmax["input"], None
    if masked := operation.made(scores, "masked_fill"):
        if shares.masked_select(masked["mask"]).any():
            return None  # what is masked is seen all the same
        scores, mask = masked["input"], ~masked["mask"]
    elif (added := operation.made(scores, "add")) and _hides(added["other"]):
        scores, mask = added["input"], added["other"]
    scores, scale = _unscaled(operation, scores)
    product = operation.made(scores, "matmul", "__matmul__")
    if product is None or shares.dtype != scores.dtype:
        return None
    query, of_query = _unscaled(operation, product["input"])
    given = {"attn_mask": mask, "scale": scale * of_query}
    arrays = query, _turned(operation, product["other"]), value
    return Operation(F.scaled_dot_product_attention, arrays, given, operation.lately)


def _hides(mask):
    """Whether an array that is added to scores is a mask: 0, or far below any score."""
    of_numbers = isinstance(mask, torch.Tensor) and not mask.requires_grad
    return of_numbers and bool(((mask == 0) | (mask < FAR_BELOW)).all())


def _unscaled(operation, x):
    """Return what was multiplied by a number, or divided by it, and the factor; else x, and 1."""
    scaled = operation.made(x, "div", "mul")
    if scaled is None or not isinstance(scaled["other"], int | float):
        return x, 1.0
    return scaled["input"], 1 / scaled["other"] if scaled.name == "div" else scaled["other"]


def _turned(operation, x):
    """Return the transpose of a matrix, or of each: the tensor of which it is one, if that is."""
    made = operation.made(x, "transpose")
    if made and {made["dim0"] % x.ndim, made["dim1"] % x.ndim} == {x.ndim - 2, x.ndim - 1}:
        return made["input"]
    return x.mT


def scaled(operation):
    """Leave out a weight that every vector is multiplied by, or add 1 to it."""
    for name, other in FACTORS:
        x, weight = operation[name], operation[other]
        of_each = isinstance(weight, torch.nn.Parameter) and weight.ndim == 1
        if of_each and isinstance(x, torch.Tensor) and x.ndim > 1:
            made = operation.made(x, "div", "mul")
            if made is not None and _rms_norm(made) is not None:
                claim = "RMSNorm and its scale are left out"
                yield causes.NORMALISED, claim, lambda o, n=name: _before(o, n).clone()
            claim = "a scale is left out"
            yield causes.NORMALISED, claim, lambda o, n=name: o[n].clone()
            for offset, said in ((1, "1 + weight"), (-1, "weight - 1")):
                claim = f"a scale is {said}"

                def change(operation, name=name, other=other, offset=offset):
                    return operation[name] * (operation[other] + offset)

                yield causes.NORMALISED, claim, change


def _before(operation, name):
    """Return what RMSNorm is given, whose result is one of the factors of a product."""
    return _rms_norm(operation.made(operation[name], "div", "mul"))["input"]


RULES = {
    "__matmul__": [attended],
    "div": [rms_norm],
    "matmul": [attended],
    "mul": [rms_norm, scaled],
    "rsqrt": [],
    "sqrt": [],
}
