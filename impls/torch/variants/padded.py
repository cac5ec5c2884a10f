"""How what convolutions are given is padded otherwise, and kernels dilated; rules as in `rules`."""

import torch.nn.functional as F

from impls.torch.variants.images import of_each
from shared import variants as causes


def padded(operation):
    """Pad one axis at its other end, or at both."""
    sizes = operation["pad"]
    if len(sizes) != 2 or sizes[0] == sizes[1] or min(sizes) < 0:
        return
    before, after = sizes
    both = (before + after) // 2
    for said, other in (
        ("the other end of an axis is padded", (after, before)),
        ("both ends of an axis are padded", (both, before + after - both)),
    ):
        yield causes.PADDING, said, lambda o, other=other: o(pad=other)


def dilated(operation):
    """Let kernels reach less or further, and what they are given be padded to match."""
    spatial = operation["weight"].ndim - 2
    own, reach = of_each(operation["dilation"] or 1, spatial), operation["weight"].shape[2:]
    if {*own} == {1} or isinstance(operation["padding"], str):
        return
    for said, change in {
        "not dilated": lambda d: 1,
        "dilated half as far": lambda d: d // 2,
        "dilated twice as far": lambda d: 2 * d,
    }.items():
        other = [change(d) for d in own]
        if other != own and min(other) > 0:
            further = [(k - 1) * (b - a) for k, a, b in zip(reach, own, other, strict=True)]
            claim = f"the kernel of {operation.name} is {said}"
            yield causes.DILATION, claim, _reaching(other, further)


def _reaching(dilation, further):
    """Return a convolution of another dilation, whose input is padded by so much more."""

    def change(operation):
        inside = of_each(operation["padding"] or 0, len(further))
        if any(inside):
            padding = [p + more // 2 for p, more in zip(inside, further, strict=True)]
            return operation(dilation=dilation, padding=padding)
        x = F.pad(operation["input"], [n for more in reversed(further) for n in (more, 0)])
        return operation(input=x, dilation=dilation)

    return change


RULES = {**{f"conv{n}d": [dilated] for n in (1, 2)}, "pad": [padded]}
