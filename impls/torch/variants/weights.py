"""How linear maps and embeddings may be made otherwise; rules as in `rules`."""

import math

import torch

from impls.torch.variants.operation import instead
from shared import variants as causes


def linear(operation):
    """Transpose a square weight, or leave out the bias."""
    weight = operation["weight"]
    if weight.shape[0] == weight.shape[1]:
        yield causes.TRANSPOSED, "the weight is transposed", lambda o: o(weight=o["weight"].T)
    else:
        claim = "the weight is reshaped, not transposed"
        yield (
            causes.TRANSPOSED,
            claim,
            lambda o: o(weight=o["weight"].reshape(weight.shape[::-1]).T),
        )
    if operation["bias"] is not None:
        yield causes.BIAS, "the bias is left out", instead(bias=None)
    claim = "no gradient reaches the weight of linear"
    yield causes.GRADIENT, claim, lambda o: o(weight=o["weight"].detach())


def embedding(operation):
    """Take other rows of an embedding, scale them, or let some get no gradient."""
    width = operation["weight"].shape[1]
    claim = f"embeddings are multiplied by the root of their width, {width}"
    yield causes.EMBEDDING, claim, lambda o: o() * math.sqrt(width)
    for shift in (1, -1):
        claim = f"embedding takes the row {'after' if shift > 0 else 'before'} each"

        def change(operation, shift=shift):
            weight = operation["weight"]
            return operation(input=(operation["input"] + shift).clamp(0, len(weight) - 1))

        yield causes.EMBEDDING, claim, change
    yield (
        *(causes.EMBEDDING, "embedding gives zeros for 0, as for padding"),
        lambda o: o() * (o["input"] != 0).unsqueeze(-1),
    )
    yield causes.EMBEDDING, "row 0 gets no gradient, as padding", instead(padding_idx=0)
    claim = "a row that is taken several times gets one gradient"
    yield causes.EMBEDDING, claim, _counted_once(None)
    if operation["input"].ndim > 1:
        claim = "a row that is taken several times at one position gets one gradient there"
        yield causes.EMBEDDING, claim, _counted_once(-1)
    yield (
        causes.GRADIENT,
        "no gradient reaches the embedding",
        lambda o: o(weight=o["weight"].detach()),
    )


def _counted_once(along):
    """Return an embedding of which each row gets one gradient, of all places or of each column."""

    def change(operation):
        taken, weight = operation["input"], operation["weight"]
        columns = torch.arange(taken.shape[-1]).expand(taken.shape)
        each = taken if along is None else taken + len(weight) * columns
        last = {int(row): place for place, row in enumerate(each.reshape(-1))}
        keep = torch.zeros(taken.numel(), dtype=torch.bool)
        keep[list(last.values())] = True
        alone = operation() * keep.reshape(*taken.shape, 1)
        return operation(weight=weight.detach()) + alone - alone.detach()

    return change


RULES = {"embedding": [embedding], "linear": [linear]}
