"""How each of PyTorch's operations may be made otherwise.

A rule is given an `Operation`, and yields causes, claims, and functions of an operation that return
what is then its result.
"""

from collections import defaultdict
from contextlib import suppress

from impls.torch.variants import (
    attention,
    by_hand,
    cells,
    dropout,
    elementwise,
    group_norms,
    images,
    indexing,
    joined,
    losses,
    norms,
    padded,
    pooled,
    products,
    resized,
    rotary,
    sinusoids,
    weight_norms,
    weights,
)

SUBJECTS = (
    *(attention, by_hand, cells, dropout, elementwise, images, indexing, joined, losses, norms),
    *(group_norms, padded, pooled, products, resized, rotary, sinusoids, weight_norms, weights),
)
RULES = defaultdict(list)
for subject in SUBJECTS:
    for name, own in subject.RULES.items():
        RULES[name] += own


def knows(func):
    """Whether there are rules for a function."""
    return getattr(func, "__name__", None) in RULES


def of(operation):
    """Yield the variants of an operation: cause, claim, and how its result is then made."""
    for rule in RULES[operation.name]:
        with suppress(Exception):  # of calls that a rule does not foresee
            yield from rule(operation)
