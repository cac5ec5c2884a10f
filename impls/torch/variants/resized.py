"""How images are made larger otherwise; rules as in `rules`."""

import torch.nn.functional as F

from impls.torch.variants.images import of_each
from impls.torch.variants.operation import instead
from shared import variants as causes

MODES = {  # by how many axes lie behind those of the batch and the channels
    1: {
        "nearest": {"mode": "nearest"},
        "linear": {"mode": "linear"},
        "linear with its corners aligned": {"mode": "linear", "align_corners": True},
    },
    2: {
        "nearest": {"mode": "nearest"},
        "bilinear": {"mode": "bilinear"},
        "bilinear with its corners aligned": {"mode": "bilinear", "align_corners": True},
        "bilinear, smoothed before images shrink": {"mode": "bilinear", "antialias": True},
        "bicubic": {"mode": "bicubic"},
        "bicubic with its corners aligned": {"mode": "bicubic", "align_corners": True},
        "bicubic by a slope of -0.5, not -0.75": {"mode": "bicubic", "antialias": True},
    },
}


def interpolated(operation):
    """Interpolate in another mode, or from other corners."""
    keys = ("mode", "align_corners", "antialias")
    own = {key: operation[key] for key in keys if operation[key]}
    modes = MODES.get(operation["input"].ndim - 2, {})
    said = next((said for said, mode in modes.items() if mode == own), own.get("mode"))
    for other, mode in modes.items():
        if mode != own:
            claim = f"interpolate is {other}, not {said}"
            usual = {"align_corners": None, "antialias": False}
            yield causes.INTERPOLATED, claim, instead(**usual | mode)


def transposed_convolution(operation):
    """Flip or turn a kernel, cut what it makes off elsewhere, or leave out the bias."""
    weight, name = operation["weight"], operation.name
    spatial = weight.ndim - 2
    dims = tuple(range(2, 2 + spatial))
    claim = f"the kernel of {name} is flipped"
    yield causes.KERNEL_FLIPPED, claim, lambda o: o(weight=o["weight"].flip(dims))
    if spatial == 2 and weight.shape[2] == weight.shape[3]:
        claim = f"height and width of the kernel of {name} are swapped"
        yield causes.TRANSPOSED, claim, lambda o: o(weight=o["weight"].transpose(2, 3))
    if weight.shape[0] == weight.shape[1]:
        claim = f"inputs and outputs of the kernel of {name} are swapped"
        yield causes.TRANSPOSED, claim, lambda o: o(weight=o["weight"].transpose(0, 1))
    if operation["bias"] is not None:
        yield causes.BIAS, f"the bias of {name} is left out", instead(bias=None)
    own = {*of_each(operation["padding"] or 0, spatial)}
    for start in range(max(weight.shape[2:])):
        if own != {start}:
            claim = f"{name} cuts {start} off where arrays begin, not {min(own)}"
            yield causes.PADDING, claim, _cut_from(start)


def _cut_from(start):
    """Return a transposed convolution whose result begins later or earlier in the whole of it."""

    def change(operation):
        due, spatial = operation().shape[2:], operation["weight"].ndim - 2
        whole = operation(bias=None, padding=0, output_padding=0)
        missing = [max(start + n - m, 0) for n, m in zip(due, whole.shape[2:], strict=True)]
        whole = F.pad(whole, [pad for n in reversed(missing) for pad in (0, n)])
        cut = whole[(..., *(slice(start, start + n) for n in due))]
        bias = operation["bias"]
        return cut if bias is None else cut + bias.reshape(-1, *(1,) * spatial)

    return change


RULES = {
    **{f"conv_transpose{n}d": [transposed_convolution] for n in (1, 2)},
    "interpolate": [interpolated],
}
