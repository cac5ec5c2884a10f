"""How attention, its masks and its heads may be made otherwise; rules as in `rules`."""

import math
from itertools import permutations

import torch

from impls.torch.variants.operation import instead
from shared import variants as causes

HEADS = (2, 3, 4, 6, 8, 12, 16, 20, 24, 32)


def softmax(operation):
    """Take the softmax along another axis."""
    x, dim = operation["input"], operation["dim"]
    for other in range(x.ndim):
        if dim is not None and other != dim % x.ndim:
            claim = f"{operation.name} is along axis {other}, not {dim % x.ndim}"
            yield causes.SOFTMAX, claim, instead(dim=other)


def attention(operation):
    """Scale or mask attention otherwise, or give it its inputs in another order."""
    query = operation["query"]
    width, heads = query.shape[-1], query.shape[-3] if query.ndim > 3 else 1
    usual = width**-0.5, 1 / math.sqrt(width)  # which may differ in the last bit
    own = usual[0] if operation["scale"] is None else operation["scale"]
    scales = {
        "not scaled": 1.0,
        "divided by the width of a head, not its root": 1 / width,
        "divided by the root of the width of all heads": (width * heads) ** -0.5,
        "multiplied by the root of the width, not divided": width**0.5,
        "divided by the root of the width twice": 1 / width,
    }
    if own not in usual:  # then none of these says how they differ
        scales = {"not scaled": 1.0, "divided by the root of the width of a head": usual[0]}
    for said, scale in scales.items():
        if scale not in (usual if own in usual else (own,)):
            yield causes.ATTENTION_SCALE, f"attention scores are {said}", instead(scale=scale)
    if operation["is_causal"]:
        yield (
            *(causes.CAUSAL_MASK, "attention has no causal mask"),
            instead(is_causal=False),
        )
        yield causes.CAUSAL_MASK, "each query sees the next key, too", _masked(1, -torch.inf)
        yield causes.CAUSAL_MASK, "no query sees its own key", _masked(-1, -1e9)
        yield causes.CAUSAL_MASK, "queries see the keys after them, not those before", _anticausal
        yield causes.CAUSAL_MASK, "what is masked is 0 before the softmax", _masked(0, 0.0)
    else:
        yield causes.CAUSAL_MASK, "attention has a causal mask", _masked(0, -torch.inf)
    if operation["attn_mask"] is not None:
        yield causes.PADDING_MASK, "attention has no mask", instead(attn_mask=None)
        yield from _other_masks(operation["attn_mask"])
    yield causes.SOFTMAX, "the softmax of attention is along the queries", _by_queries
    if operation["enable_gqa"]:
        claim = "heads of keys and values follow one another again, in place of each being repeated"
        yield causes.HEADS, claim, _tiled
    names = ("query", "key", "value")
    yield from _swapped(names, "attention")


def _other_masks(mask):
    """Yield what else is done by masks that say which keys are seen."""
    if _seen(mask) is None:
        return
    least = -1e9  # where a query sees no key, -inf would give NaN

    def by(change):
        return lambda o: _attended(o, change(_scores(o), _seen(o["attn_mask"])).softmax(-1))

    others = {
        "the mask of attention is inverted": lambda z, m: z.masked_fill(m, least),
        "the mask of attention is added as zeros and ones": lambda z, m: z + m,
        "what the mask of attention hides is 0 before the softmax": lambda z, m: z * m,
    }
    for claim, other in others.items():
        yield causes.PADDING_MASK, claim, by(other)
    if _hides_keys(_seen(mask)):
        claim = "the mask of attention hides queries, not keys"
        yield causes.PADDING_MASK, claim, by(lambda z, m: z.masked_fill(~m.mT, least))
    claim = "the mask of attention is applied after the softmax"
    yield (
        causes.PADDING_MASK,
        claim,
        lambda o: _attended(o, _scores(o).softmax(-1) * _seen(o["attn_mask"])),
    )


def _seen(mask):
    """Return where a mask of attention lets keys be seen; None if it does more than that."""
    if mask.dtype == torch.bool:
        return mask
    return mask == 0 if ((mask == 0) | (mask == -torch.inf)).all() else None


def masks(operation):
    """Invert a mask before a softmax, fill in another number, or mask another axis or nothing."""
    x, mask, value = (operation[name] for name in operation.names)
    if isinstance(value, torch.Tensor) or x.ndim < 3 or mask.dtype != torch.bool or value > -1e3:
        return
    least = max(value, -1e9)
    others = {
        "a mask is inverted": lambda x, m: x.masked_fill(~m, least),
        "what a mask hides is 0, not minus infinity": lambda x, m: x.masked_fill(m, 0.0),
        "nothing is masked": lambda x, m: x.clone(),
        "a mask is added as zeros and ones": lambda x, m: x + ~m,
    }
    if _hides_keys(mask):
        others["a mask hides queries, not keys"] = lambda x, m: x.masked_fill(m.mT, least)
    for claim, other in others.items():
        yield causes.PADDING_MASK, claim, lambda o, f=other: f(o["input"], o["mask"])


def _hides_keys(mask):
    """Whether a mask differs from key to key, and can be turned to do so from query to query."""
    return mask.ndim > 1 and mask.shape[-1] > 1


def repeated(operation):
    """Let heads of keys or values follow one another again, in place of each being repeated."""
    x, repeats, dim = (operation[name] for name in operation.names)
    if isinstance(repeats, int) and dim is not None and x.ndim > 3 and repeats > 1:
        claim = "heads follow one another again, in place of each being repeated"
        yield causes.HEADS, claim, lambda o: torch.cat([o["input"]] * repeats, dim)


def expanded(operation):
    """Likewise, where heads are repeated along a new axis, as by Llama."""
    x = operation["input"]
    result = operation()
    new = [d for d in range(result.ndim) if x.ndim == result.ndim and x.shape[d] < result.shape[d]]
    if len(new) == 1 and result.ndim == 5 and new[0] > 1:
        claim = "heads follow one another again, in place of each being repeated"
        (dim,) = new

        def change(operation):
            result = operation()
            return result.transpose(dim - 1, dim).reshape(result.shape)

        yield causes.HEADS, claim, change


def transposed(operation):
    """Only call the axes of heads and of tokens by the other's names."""
    x, one, other = (operation[name] for name in operation.names)
    if x.ndim == 4 and {one % 4, other % 4} == {1, 2}:
        claim = "heads and tokens are reshaped, not transposed"
        yield causes.HEADS, claim, lambda o: o["input"].reshape(o().shape)


def _swapped(names, said):
    for order in list(permutations(names))[1:]:

        def change(operation, order=order):
            values = {name: operation[other] for name, other in zip(names, order, strict=True)}
            return operation(**values)

        yield causes.INPUTS, f"{said} takes {', '.join(order)} as {', '.join(names)}", change


def _of_queries(operation, name):
    """Return keys or values, with as many heads as queries."""
    own, heads = operation[name], operation["query"].shape[-3] if operation["enable_gqa"] else None
    return own if heads is None else own.repeat_interleave(heads // own.shape[-3], -3)


def _attended(operation, shares):
    return shares @ _of_queries(operation, "value")


def _scores(operation):
    query, key = operation["query"], _of_queries(operation, "key")
    return query @ key.mT * (operation["scale"] or query.shape[-1] ** -0.5)


def _unmasked(operation):
    """Return the scores, to which nothing has been done for causality; and which keys are seen."""
    scores, mask = _scores(operation), operation["attn_mask"]
    if mask is not None:
        scores = (
            scores.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else scores + mask
        )
    return scores, torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device)


def _masked(diagonal, value):
    """Return attention that sees the keys up to a diagonal; other scores are a value."""

    def change(operation):
        scores, seen = _unmasked(operation)
        seen = seen.tril(diagonal)
        scores = scores * seen if value == 0 else scores.masked_fill(~seen, value)
        return _attended(operation, scores.softmax(-1))

    return change


def _tiled(operation):
    """Return attention whose queries see the heads of keys and values by turns."""
    many = operation["query"].shape[-3] // operation["key"].shape[-3]
    key, value = (torch.cat([operation[name]] * many, -3) for name in ("key", "value"))
    return operation(key=key, value=value)


def _anticausal(operation):
    scores, seen = _unmasked(operation)
    return _attended(operation, scores.masked_fill(~seen.triu(), -torch.inf).softmax(-1))


def _by_queries(operation):
    scores, seen = _unmasked(operation)
    if operation["is_causal"]:
        scores = scores.masked_fill(~seen.tril(), -torch.inf)
    return _attended(operation, scores.softmax(-2))


def diagonals(operation):
    """Cut a triangle off at the next diagonal."""
    own = operation["diagonal"]
    for diagonal in (own - 1, own + 1):
        claim = f"the diagonal of {operation.name} is {diagonal}, not {own}"
        yield causes.CAUSAL_MASK, claim, instead(diagonal=diagonal)


def chunked(operation):
    """Give parts in another order, or interleaved."""
    chunks = operation()
    if not 1 < len(chunks) <= 4 or len({chunk.shape for chunk in chunks}) > 1:
        return
    for order in list(permutations(range(len(chunks))))[1:]:
        claim = f"the parts of an array are taken in the order {', '.join(map(str, order))}"
        yield causes.INPUTS, claim, lambda o, order=order: tuple(o()[i] for i in order)
    dim = operation["dim"] or 0
    for parts in (*HEADS, chunks[0].shape[dim]):
        if chunks[0].shape[dim] % parts == 0:
            claim = f"the parts of an array lie behind one another in each of {parts} heads"

            def change(operation, parts=parts):
                x, of = operation["input"], dim % operation["input"].ndim
                heads = x.unflatten(of, (parts, operation["chunks"], -1)).unbind(of + 1)
                return tuple(head.flatten(of, of + 1) for head in heads)

            yield causes.HEADS, claim, change


def heads(operation):
    """Split an axis the other way round, as heads that lie between one another."""
    sizes, x = operation["sizes"], operation["input"]
    if len(sizes) == 2 and x.ndim > 2:
        dim = operation["dim"] % x.ndim

        def change(operation):
            return operation(sizes=tuple(reversed(operation["sizes"]))).transpose(dim, dim + 1)

        yield causes.HEADS, "heads lie between one another, not behind", change


def parted(operation):
    """Split the last axis into heads the other way round, by a new shape."""
    x, result = operation["input"], operation()
    width = result.shape[-1]
    if x.ndim > 2 and 1 < width < x.shape[-1] and x.shape[-1] % width == 0:

        def change(operation):
            x = operation["input"].unflatten(-1, (width, -1))
            return x.transpose(-1, -2).reshape(operation().shape)

        claim = "heads made by another shape lie between one another, not behind"
        yield causes.HEADS, claim, change


RULES = {
    **{name: [softmax] for name in ("softmax", "log_softmax")},
    **{name: [diagonals] for name in ("tril", "triu")},
    **{name: [parted] for name in ("reshape", "view")},
    "chunk": [chunked],
    "expand": [expanded],
    "masked_fill": [masks],
    "repeat_interleave": [repeated],
    "scaled_dot_product_attention": [attention],
    "transpose": [transposed],
    "unflatten": [heads],
}
