"""RMSNorm and attention that are written out: they vary as the operations do that they come to.

Each is recognised by its last operation, and by those that made what that is given.
"""

import torch
import torch.nn.functional as F

from impls.torch.variants import attention, norms, rotary
from impls.torch.variants.operation import Operation
from shared import variants as causes


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
    for x, root in (operation.args[:2], operation.args[1::-1])[: 1 + inverse]:
        made = operation.made(root, "rsqrt" if inverse else "sqrt")
        added = made and operation.made(made.args[0], "add")
        if not added or not isinstance(x, torch.Tensor):
            continue
        square, epsilon = added.args[:2]
        if not isinstance(epsilon, float) or square.shape != (*x.shape[:-1], 1):
            continue
        if torch.allclose(square, x.square().mean(-1, keepdim=True)):
            given = (x, x.shape[-1:], None, epsilon)
            return Operation(F.rms_norm, given, {}, operation.lately)
    return None


def _attention(operation):
    """Return the attention that a product is the end of; None if it is of none."""
    shares, value = operation.args[:2]
    softmax = operation.made(shares, "softmax")
    if softmax is None or shares.ndim < 3:
        return None
    scores, mask = softmax.args[0], None
    if masked := operation.made(scores, "masked_fill"):
        scores, mask = masked.args[0], ~masked.args[1]
    scale = 1.0
    if scaled := operation.made(scores, "div", "mul"):
        scores, scale = scaled.args[:2]
        if not isinstance(scale, int | float):
            return None
        scale = 1 / scale if scaled.name == "div" else scale
    product = operation.made(scores, "matmul")
    if product is None:
        return None
    query, key = product.args[:2]
    turned = operation.made(key, "transpose")
    key = turned.args[0] if turned else key.mT
    given = {"attn_mask": mask, "scale": scale}
    return Operation(F.scaled_dot_product_attention, (query, key, value), given, operation.lately)


def scaled(operation):
    """Leave out a weight that every vector is multiplied by, or add 1 to it."""
    for number, weight in enumerate(operation.args[:2]):
        x = operation.args[1 - number]
        if isinstance(weight, torch.nn.Parameter) and weight.ndim == 1 and x.ndim > 1:
            made = operation.made(x, "div", "mul")
            if made is not None and _rms_norm(made) is not None:
                claim = "RMSNorm and its scale are left out"
                yield causes.NORMALISED, claim, lambda o, n=number: _before(o, n).clone()
            claim = "a scale is left out"
            yield causes.NORMALISED, claim, lambda o, n=number: o.args[1 - n].clone()
            for offset, said in ((1, "1 + weight"), (-1, "weight - 1")):
                claim = f"a scale is {said}"

                def change(operation, number=number, offset=offset):
                    return operation.args[1 - number] * (operation.args[number] + offset)

                yield causes.NORMALISED, claim, change


def _before(operation, number):
    """Return what RMSNorm is given, whose scale is one of the factors of a product."""
    return _rms_norm(operation.made(operation.args[1 - number], "div", "mul"))["input"]


RULES = {
    "__matmul__": [attended],
    "div": [rms_norm],
    "matmul": [attended],
    "mul": [rms_norm, scaled],
    "rsqrt": [],
    "sqrt": [],
}
