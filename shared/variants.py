"""Operations as frameworks and people make them otherwise: what a variant is, and common numbers.

`impls/<framework>/variants.py` says how a program of that framework is run with one of them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

EPSILONS = (1e-5, 1e-6, 1e-3, 1e-8, 1e-12, 1e-7, 0.0)  # of norms, and of roots
MOMENTA = (0.1, 0.9, 0.01, 0.99, 0.001, 0.999, 0.0)  # of BatchNorm, the share of what is new

ACTIVATION = "another activation"
ATTENTION_SCALE = "another attention scale"
BATCH_NORM_MODE = "BatchNorm in the other mode"
BATCH_NORM_MOMENTUM = "another momentum in BatchNorm"
BIAS = "bias left out"
CELL = "another recurrent cell"
CUT = "a gradient is cut off"
CAUSAL_MASK = "another causal mask"
EMBEDDING = "another embedding"
EPSILON = "another epsilon"
FLATTENED = "flattened in another order"
GATES = "gates in another order"
GELU = "another form of GELU"
GRADIENT = "no gradient reaches a weight"
HEADS = "attention heads split otherwise"
IGNORED = "an ignored label counts"
INPUTS = "inputs of an operation swapped"
KERNEL_FLIPPED = "a kernel is flipped"
LABELS = "labels smoothed"
MEAN = "another mean of the loss"
NORMALISED = "normalised otherwise"
PADDING = "padding on other sides"
POOLING = "pooled otherwise"
RESIDUAL = "a term left out"
SOFTMAX = "softmax along the wrong axis"
STATE = "another state of a sequence"
TRANSPOSED = "a tensor is transposed"
VARIANCE = "variance over another number"

Change = Callable[[Any], Any]  # given a framework's own call of an operation, returns its result


@dataclass(frozen=True)
class Variant:
    """One operation made otherwise, at one place or at several.

    cause: in a few fixed words. claim: a clause with the numbers. places: names of layers, or lines
    of a user's. change: how.
    """

    cause: str
    claim: str
    places: tuple[str, ...]
    change: Change

    def __str__(self) -> str:
        shown = ", ".join(self.places[:3])
        others = len(self.places) - 3
        return f"{self.claim}, at {shown}" + (f" and {others} more" if others > 0 else "")


def gathered(found: Iterable[Variant]) -> list[Variant]:
    """Return variants as they are tried: each everywhere, then, where it is at several, alone.

    found: of one place each, in the order in which they came up.
    """
    alike: dict[tuple[str, str], dict[str, Variant]] = {}
    for each in found:
        alike.setdefault((each.cause, each.claim), {}).setdefault(each.places[0], each)
    everywhere = [
        Variant(cause, claim, tuple(own), next(iter(own.values())).change)
        for (cause, claim), own in alike.items()
    ]
    return everywhere + [each for own in alike.values() if len(own) > 1 for each in own.values()]
