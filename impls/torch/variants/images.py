"""How images are convolved, pooled and flattened otherwise; rules as in `rules`."""

import math

import torch.nn.functional as F

from impls.torch.variants.operation import instead
from shared import variants as causes


def convolution(operation):
    """Flip or turn a kernel, pad one side more than the other, or leave out the bias."""
    weight, spatial = operation["weight"], operation["weight"].ndim - 2
    dims = tuple(range(2, 2 + spatial))
    yield (
        *(causes.KERNEL_FLIPPED, f"the kernel of {operation.name} is flipped"),
        lambda operation: operation(weight=operation["weight"].flip(dims)),
    )
    if spatial == 2 and weight.shape[2] == weight.shape[3]:
        claim = f"height and width of the kernel of {operation.name} are swapped"
        yield causes.TRANSPOSED, claim, lambda o: o(weight=o["weight"].transpose(2, 3))
    claim = f"the kernel of {operation.name} is reshaped to have its channels last, not transposed"
    yield causes.TRANSPOSED, claim, lambda o: o(weight=_reshaped(o["weight"]))
    if weight.shape[1] > 1 and {*of_each(operation["stride"] or 1, spatial)} == {*weight.shape[2:]}:
        claim = "the channels of patches come last, those of their weights first"
        yield causes.FLATTENED, claim, lambda o: o(weight=_of_patches(o["weight"]))
    if weight.shape[0] == weight.shape[1]:
        claim = f"inputs and outputs of the kernel of {operation.name} are swapped"
        yield causes.TRANSPOSED, claim, lambda o: o(weight=o["weight"].transpose(0, 1))
    if not isinstance(operation["padding"], str):
        claim = f"{operation.name} pads as SAME does, at the end more than at the beginning"
        yield causes.PADDING, claim, _padded_same
    if operation["bias"] is not None:
        yield causes.BIAS, f"the bias of {operation.name} is left out", instead(bias=None)


def _reshaped(weight):
    """Return a kernel whose numbers, in their order, are taken for (..., inputs, outputs)."""
    outputs, inputs, *size = weight.shape
    return weight.reshape(*size, inputs, outputs).movedim((-1, -2), (0, 1))


def _of_patches(weight):
    """Return a kernel whose numbers, in their order, are taken for (outputs, ..., inputs)."""
    outputs, inputs, *size = weight.shape
    return weight.reshape(outputs, *size, inputs).movedim(-1, 1)


def _padded_same(operation):
    x, kernel = operation["input"], operation["weight"].shape[2:]
    strides = of_each(operation["stride"] or 1, len(kernel))
    dilations = of_each(operation["dilation"] or 1, len(kernel))
    pads = []
    for n, k, s, d in zip(x.shape[2:], kernel, strides, dilations, strict=True):
        total = max((math.ceil(n / s) - 1) * s + d * (k - 1) + 1 - n, 0)
        pads = [total // 2, total - total // 2, *pads]  # the last dimension is the first of them
    return operation(input=F.pad(x, pads), padding=0)


def of_each(value, count):
    """Return one number for each of so many axes, given one for all of them or for each."""
    return [value] * count if isinstance(value, int) else list(value) * (count // len(value))


def pooling(operation):
    """Count padding or not, take the mean for the largest or back, or count on to the end."""
    own = operation["padding"]
    mean = operation.name.startswith("avg")
    padded = own not in (None, 0) and any(of_each(own, 2))
    if mean and padded:
        counted = operation["count_include_pad"] is not False
        claim = f"{operation.name} {'does not count' if counted else 'counts'} the padding"
        yield causes.POOLING, claim, instead(count_include_pad=not counted)
    other = operation.name.replace(*(("avg", "max") if mean else ("max", "avg")))
    function = getattr(F, other)
    yield (
        *(causes.POOLING, f"{other} is in place of {operation.name}"),
        lambda o: function(o["input"], o["kernel_size"], o["stride"], o["padding"] or 0),
    )
    if not mean:
        claim = f"{operation.name} gives at least 0"
        yield causes.POOLING, claim, lambda o: o().relu()


def pooled_to_a_size(operation):
    """Take the largest for the mean."""
    other = operation.name.replace("avg", "max")
    claim = f"{other} is in place of {operation.name}"
    yield causes.POOLING, claim, lambda o: getattr(F, other)(o["input"], o["output_size"])


def columns_first(operation):
    """Flatten the two axes of images the other way round."""
    x, result = operation["input"], operation()
    for first in range(1, x.ndim - 1) if result.ndim == x.ndim - 1 > 1 else ():
        height, width = x.shape[first : first + 2]
        shape = (*x.shape[:first], height * width, *x.shape[first + 2 :])
        if height > 1 and width > 1 and shape == result.shape:
            claim = f"axes {first} and {first + 1} of an array are swapped before they become one"

            def change(operation, first=first):
                return operation["input"].transpose(first, first + 1).flatten(first, first + 1)

            yield causes.FLATTENED, claim, change


def flattened(operation):
    """Flatten images with their channels last, not first."""
    x = operation["input"]
    if x.ndim > 2 and operation().ndim == 2 and operation().shape[0] == x.shape[0]:
        claim = "the channels come last where an array is flattened, not first"
        yield (
            causes.FLATTENED,
            claim,
            lambda o: o(input=o["input"].movedim(1, -1).contiguous()),
        )
        claim = "the channels come first where an array is flattened, not last"
        yield (
            causes.FLATTENED,
            claim,
            lambda o: o(input=o["input"].movedim(-1, 1).contiguous()),
        )


RULES = {
    **{name: [convolution] for name in ("conv1d", "conv2d")},
    **{name: [pooling] for name in ("avg_pool1d", "avg_pool2d", "max_pool1d", "max_pool2d")},
    **{f"adaptive_avg_pool{n}d": [pooled_to_a_size] for n in (1, 2)},
    **{name: [flattened, columns_first] for name in ("flatten", "reshape", "view")},
}
