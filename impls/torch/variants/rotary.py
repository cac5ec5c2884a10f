"""How rotary positions may be made otherwise; rules as in `rules`.

Where x cos + r sin is added and r is x with each pair (a, b) made (-b, a), x is rotated.
"""

from typing import NamedTuple

import torch

from shared import variants as causes

BASES = (1e4, 5e5, 1e6, 1e3, 1e5)  # of the frequencies
REPEATS = ("expand", "repeat_interleave", "reshape")  # what is done to keys once they are rotated


def halves(x):
    """Rotate pairs by a quarter turn, each a number of the first half and one of the second."""
    a, b = x.chunk(2, -1)
    return torch.cat((-b, a), -1)


def neighbours(x):
    """Rotate pairs by a quarter turn, each of two numbers that lie next to each other."""
    return torch.stack((-x[..., 1::2], x[..., ::2]), -1).flatten(-2)


def _apart(x):
    return torch.cat((x[..., ::2], x[..., 1::2]), -1)


def _together(x):
    return torch.stack(x.chunk(2, -1), -1).flatten(-2)


QUARTERS = {  # its name: the turn, and how numbers are put in the order of the other, and back
    "halves": (halves, _apart, _together),
    "neighbours": (neighbours, _together, _apart),
}


class Rotation(NamedTuple):
    """How x is rotated: x cos + quarter(x) sin."""

    x: torch.Tensor
    cos: torch.Tensor
    sin: torch.Tensor
    pairs: str

    def of(self, x):
        """Return another tensor, rotated likewise."""
        return x * self.cos + QUARTERS[self.pairs][0](x) * self.sin


def rotation(added):
    """Return the rotation that an addition is the end of; None if it is none."""
    made = [added.made(added[name], "mul") for name in ("input", "other")]
    if None in made or added["alpha"] != 1:
        return None
    (x, cos), (turned, sin) = ((product["input"], product["other"]) for product in made)
    if not all(isinstance(each, torch.Tensor) for each in (cos, sin)):
        return None
    if x.shape != turned.shape or x.ndim < 3 or x.shape[-1] % 2:
        return None
    for pairs, (quarter, _, _) in QUARTERS.items():
        if torch.equal(quarter(x), turned):
            return Rotation(x, cos, sin, pairs)
    return None


def added(operation):
    """Rotate other pairs, the other way, or not at all."""
    own = rotation(operation)
    if own is None:
        return
    (other,) = QUARTERS.keys() - {own.pairs}
    claim = f"rotary positions rotate pairs of {other}, not of {own.pairs}"
    yield causes.ROTARY, claim, _pairs
    claim = f"rotary positions rotate pairs of {other} by the angles of pairs of {own.pairs}"
    yield causes.ROTARY, claim, _turned_as_others
    claim = "rotary positions rotate the other way"
    yield causes.ROTARY, claim, lambda o: o["input"] - o["other"]
    if _along_heads(own) is not None:
        claim = "rotary positions go along the heads, not along the positions"
        yield causes.ROTARY, claim, lambda o: _along_heads(rotation(o)).of(rotation(o).x)
    claim = "rotary positions are left out"
    yield causes.ROTARY, claim, lambda o: rotation(o).x.clone()


def _along_heads(rotation):
    """Return a rotation whose angles go along the heads, not the positions; None if none can.

    For that, arrays have four axes, of which the first is the batch and the last that of pairs.
    """
    angles = []
    for each in (rotation.cos, rotation.sin):
        each = each.reshape((1,) * (4 - each.ndim) + each.shape)
        along = [axis for axis in range(3) if each.shape[axis] > 1]
        if rotation.x.ndim != 4 or along not in ([1], [2]):
            return None
        heads = rotation.x.shape[3 - along[0]]
        if heads > each.shape[along[0]]:
            return None
        angles.append(each.narrow(along[0], 0, heads).transpose(1, 2))
    return rotation._replace(cos=angles[0], sin=angles[1])


def _turned_as_others(operation):
    own = rotation(operation)
    (other,) = QUARTERS.keys() - {own.pairs}
    return operation["input"] + QUARTERS[other][0](own.x) * own.sin


def _pairs(operation):
    own = rotation(operation)
    _, ordered, back = QUARTERS[own.pairs]
    return back(own.of(ordered(own.x)))


def turned(operation):
    """Likewise where pairs of neighbours are complex numbers, which are turned by others."""
    pairs, turn = operation["input"], operation["other"]
    tensors = isinstance(pairs, torch.Tensor) and isinstance(turn, torch.Tensor)
    if not tensors or not pairs.is_complex() or not turn.is_complex() or pairs.ndim < 3:
        return
    if not torch.allclose(turn.abs(), torch.ones_like(turn.real)):
        return

    def of_halves(operation):
        x = torch.view_as_real(operation["input"]).flatten(-2)
        a, b = x.chunk(2, -1)
        z = operation(input=torch.complex(a, b))
        return torch.view_as_complex(torch.cat((z.real, z.imag), -1).unflatten(-1, (-1, 2)))

    claim = "rotary positions rotate pairs of halves, not of neighbours"
    yield causes.ROTARY, claim, of_halves
    claim = "rotary positions rotate the other way"
    yield causes.ROTARY, claim, lambda o: o(other=o["other"].conj())
    yield causes.ROTARY, "rotary positions are left out", lambda o: o["input"].clone()


def bases(operation):
    """Take another base of the frequencies, or other exponents of it."""
    base, _ = _power_of(operation)
    if not isinstance(base, int | float) or base < min(BASES):
        return
    for other in BASES:
        if other != base:
            claim = f"the base of the frequencies is {other:g}, not {base:g}"
            yield causes.ROTARY, claim, lambda o, b=other: b ** _power_of(o)[1]
    for factor, said in ((2, "doubled"), (0.5, "halved")):
        claim = f"the exponents of the base of the frequencies are {said}"
        yield causes.ROTARY, claim, lambda o, f=factor: base ** (f * _power_of(o)[1])


def _power_of(operation):
    """Return a base and its exponents."""
    if operation.name == "__rpow__":
        return operation["other"], operation["input"]
    return operation["input"], operation["exponent"]


def attention(operation):
    """Rotate the values, too, or not both queries and keys."""
    for name, said in (("query", "queries"), ("key", "keys")):
        if _unrotated(operation, operation[name]) is not None:
            claim = f"{said} are not rotated"
            yield causes.ROTARY, claim, lambda o, n=name: o(**{n: _unrotated(o, o[n])})
    if _rotation(operation, operation["query"]) is not None:
        claim = "values are rotated, as queries and keys are"

        def change(operation):
            return operation(value=_rotation(operation, operation["query"]).of(operation["value"]))

        yield causes.ROTARY, claim, change


def _rotation(operation, tensor):
    """Return the rotation that a tensor is the result of; None if it is of none."""
    made = operation.made(tensor, "add")
    return rotation(made) if made else None


def _unrotated(operation, tensor):
    """Return a tensor as it is without its rotation; None if it has none."""
    own = _rotation(operation, tensor)
    if own is not None:
        return own.x
    repeated = operation.made(tensor, *REPEATS)
    before = _unrotated(operation, repeated["input"]) if repeated else None
    return None if before is None else repeated(input=before)


RULES = {
    "__rpow__": [bases],
    "add": [added],
    "mul": [turned],
    "pow": [bases],
    "scaled_dot_product_attention": [attention],
}
