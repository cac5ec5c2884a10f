"""How attention, its masks and its heads may be made otherwise; rules as in `rules`."""

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
    own = operation["scale"] or width**-0.5
    scales = {
        "not scaled": 1.0,
        "divided by the width of a head, not its root": 1 / width,
        "divided by the root of the width of all heads": (width * heads) ** -0.5,
        "multiplied by the root of the width, not divided": width**0.5,
        "divided by the root of the width twice": 1 / width,
    }
    for said, scale in scales.items():
        if scale != own:
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
        yield causes.CAUSAL_MASK, "attention has no mask", instead(attn_mask=None)
    yield causes.SOFTMAX, "the softmax of attention is along the queries", _by_queries
    names = ("query", "key", "value")
    yield from _swapped(names, "attention")


def _swapped(names, said):
    for order in list(permutations(names))[1:]:

        def change(operation, order=order):
            values = {name: operation[other] for name, other in zip(names, order, strict=True)}
            return operation(**values)

        yield causes.INPUTS, f"{said} takes {', '.join(order)} as {', '.join(names)}", change


def _scores(operation):
    query, key = operation["query"], operation["key"]
    return query @ key.mT * (operation["scale"] or query.shape[-1] ** -0.5)


def _masked(diagonal, value):
    """Return attention that sees the keys up to a diagonal; other scores are a value."""

    def change(operation):
        scores = _scores(operation)
        seen = torch.ones(scores.shape[-2:], dtype=torch.bool).tril(diagonal)
        scores = scores * seen if value == 0 else scores.masked_fill(~seen, value)
        return scores.softmax(-1) @ operation["value"]

    return change


def _anticausal(operation):
    scores = _scores(operation)
    seen = torch.ones(scores.shape[-2:], dtype=torch.bool).triu()
    return scores.masked_fill(~seen, -torch.inf).softmax(-1) @ operation["value"]


def _by_queries(operation):
    scores = _scores(operation)
    if operation["is_causal"]:
        seen = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
        scores = scores.masked_fill(~seen, -torch.inf)
    return scores.softmax(-2) @ operation["value"]


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


RULES = {
    **{name: [softmax] for name in ("softmax", "log_softmax")},
    **{name: [diagonals] for name in ("tril", "triu")},
    "chunk": [chunked],
    "scaled_dot_product_attention": [attention],
    "unflatten": [heads],
}
