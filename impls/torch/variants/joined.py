"""How arrays are joined or taken apart otherwise; rules as in `rules`."""

from itertools import permutations

from shared import variants as causes

FEW = 3  # arrays, of which all orders are tried


def joined(operation):
    """Join arrays in another order."""
    arrays = operation["tensors"]
    if not 1 < len(arrays) <= FEW or not all(each.is_floating_point() for each in arrays):
        return
    for order in list(permutations(range(len(arrays))))[1:]:
        claim = f"arrays are joined in the order {', '.join(map(str, order))}"

        def change(operation, order=order):
            return operation(tensors=[operation["tensors"][i] for i in order])

        yield causes.INPUTS, claim, change


def apart(operation):
    """Give the parts of an array in another order."""
    parts = operation()
    if not 1 < len(parts) <= FEW or len({part.shape for part in parts}) > 1:
        return
    for order in list(permutations(range(len(parts))))[1:]:
        claim = f"the parts of an array are taken in the order {', '.join(map(str, order))}"
        yield causes.INPUTS, claim, lambda o, order=order: tuple(o()[i] for i in order)


def interleaved(operation):
    """Take parts that lie between one another, not behind."""
    dim, parts = operation["dim"] or 0, operation()
    if len(parts) > 1 and len({part.shape for part in parts}) == 1:

        def change(operation):
            x = operation["input"].unflatten(dim, (-1, len(parts)))
            return x.unbind(dim + 1 if dim >= 0 else dim)

        claim = "the parts of an array lie between one another, not behind"
        yield causes.HEADS, claim, change


def reshaped(operation):
    """Split the last axis into three whose numbers lie in another order."""
    x, result = operation["input"], operation()
    if result.ndim != x.ndim + 2 or result.shape[:-3] != x.shape[:-1]:
        return
    sizes = result.shape[-3:]
    for order in list(permutations(range(3)))[1:]:
        into, laid_in = (", ".join(map(str, each)) for each in (sizes, order))
        claim = f"an axis is split into {into} as if these lay in the order {laid_in}"

        def change(operation, order=order):
            laid = operation["input"].unflatten(-1, [sizes[i] for i in order])
            back = [order.index(i) - 3 for i in range(3)]
            return laid.permute(*range(x.ndim - 1), *(laid.ndim + axis for axis in back))

        yield causes.HEADS, claim, change


RULES = {
    **{name: [joined] for name in ("cat", "concat", "concatenate", "stack")},
    **{name: [apart, interleaved] for name in ("split", "unbind")},
    **{name: [reshaped] for name in ("reshape", "view")},
    "chunk": [interleaved],
}
