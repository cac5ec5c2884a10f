"""How products may be computed with fewer digits; rules as in `rules`."""

import torch

from shared import variants as causes

FACTORS = {
    **dict.fromkeys(("bmm", "mm"), ("input", "mat2")),
    **dict.fromkeys(("__matmul__", "matmul"), ("input", "other")),
    **dict.fromkeys(("conv1d", "conv2d", "linear"), ("input", "weight")),
    "scaled_dot_product_attention": ("query", "key", "value"),
}
ADDED = {"scaled_dot_product_attention": "attn_mask"}  # elsewhere, a bias
# Half a unit, in bits of float32: GPUs leave out the rest of numbers that nobody has rounded.
TF32 = {"TF32": 0x1000, "TF32, toward 0": 0}
FORMATS = {
    **dict.fromkeys((*TF32, "float16"), causes.HALF),
    "bfloat16": causes.BFLOAT16,
}


def products(operation):
    """Round the factors of products, or compute these in a format, what is added to them or not."""
    factors, added = FACTORS[operation.name], ADDED.get(operation.name, "bias")
    if not operation[factors[0]].is_floating_point():
        return
    for name, cause in FORMATS.items():
        claim = f"the factors of each product are rounded to {name}"
        yield cause, claim, lambda o, own=name: o(**_each(o, factors, _rounding(own)))
        if name not in TF32:  # in which no array is kept
            within = _computed_in(getattr(torch, name), (*factors, added))
            yield cause, f"each product, with what is added, is computed in {name}", within
    if "bias" in operation.names and operation["bias"] is not None:
        for name in ("float16", "bfloat16"):
            alone = _computed_in(getattr(torch, name), factors)
            yield FORMATS[name], f"each product is computed in {name}", _then_biased(alone)


def _each(operation, names, change):
    """Return real arguments, changed."""
    given = {name: operation[name] for name in names if name in operation.names}
    return {name: change(x) for name, x in given.items() if x is not None and x.is_floating_point()}


def _rounding(name):
    """Return how numbers are rounded to a format, in their own precision."""
    if name not in TF32:
        return lambda x: x.to(getattr(torch, name)).to(x.dtype)

    def rounded(x):
        bits = x.detach().to(torch.float32).view(torch.int32)
        near = ((bits + TF32[name]) & ~0x1FFF).view(torch.float32).to(x.dtype)
        return x + (near - x).detach()  # the slope is 1

    return rounded


def _computed_in(dtype, names):
    """Return an operation whose arguments of those names, and whose result, are in a format."""

    def change(operation, **others):
        own = _each(operation, names, lambda x: x.to(dtype))
        return operation(**own | others).to(operation[names[0]].dtype)

    return change


def _then_biased(product):
    def change(operation):
        bias = operation["bias"]
        of_channels = (-1, *(1,) * (operation["weight"].ndim - 2))
        return product(operation, bias=None) + bias.reshape(of_channels)

    return change


RULES = {name: [products] for name in FACTORS}
