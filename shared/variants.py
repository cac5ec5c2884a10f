"""Operations as frameworks and people make them otherwise: what a variant is, and common numbers.

`impls/<framework>/variants` says how a program of that framework is run with one of them.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

EPSILONS = (1e-5, 1e-6, 1e-3, 1e-8, 1e-12, 1e-7)  # of norms, and of roots
SMALLEST = (2.0**-52, 2.0**-23)  # of float64 and float32: epsilons of RMSNorms that have none
NEGLIGIBLE = 0.02  # a number up to it that is added is there to keep a root or a quotient finite
MOMENTA = (0.1, 0.9, 0.01, 0.99, 0.001, 0.999, 0.0)  # of BatchNorm, the share of what is new

ACTIVATION = "another activation"
ATTENTION_SCALE = "another attention scale"
BATCH_NORM_MODE = "BatchNorm in the other mode"
BATCH_NORM_MOMENTUM = "another momentum in BatchNorm"
BFLOAT16 = "bfloat16 precision"
BIAS = "bias left out"
CELL = "another recurrent cell"
CUT = "a gradient is cut off"
DILATION = "another dilation"
DROPOUT = "dropout in evaluation"
CAUSAL_MASK = "another causal mask"
EMBEDDING = "another embedding"
EPSILON = "another epsilon"
FACTOR = "another factor"
FLATTENED = "flattened in another order"
GATED = "another gate of a product"
GATES = "gates in another order"
GELU = "another form of GELU"
GRADIENT = "no gradient reaches a weight"
HALF = "float16 or TF32 precision"
HEADS = "attention heads split otherwise"
IGNORED = "an ignored label counts"
INTERPOLATED = "another interpolation"
INPUTS = "inputs of an operation swapped"
KERNEL_FLIPPED = "a kernel is flipped"
LABELS = "labels smoothed"
LOW_RATE = "learning rate in lower precision"
LOGITS = "logits taken for probabilities"
MEAN = "another mean of the loss"
NORMALISED = "normalised otherwise"
ORDER = "a norm and an activation in the other order"
PADDED = "padded tokens count"
PADDING = "padding on other sides"
PADDING_MASK = "another padding mask"
PARALLEL = "layers side by side"
PLACED = "norms in another place"
POOLING = "pooled otherwise"
POSITIONS = "other sinusoidal positions"
RESIDUAL = "a term left out"
ROTARY = "other rotary positions"
SKIPPED = "another residual connection"
SOFTMAX = "softmax along the wrong axis"
STATE = "another state of a sequence"
SWAPPED = "weights of two norms or scales swapped"
TAKEN = "another part of an array"
TRANSPOSED = "a tensor is transposed"
TWICE = "softmax or sigmoid applied twice"
VARIANCE = "variance over another number"

NUMBER = re.compile(r"(?<![^. ])\d+(?=\.)")  # of a block, in the name of a layer of it

ROUNDED = (BFLOAT16, HALF)  # gives most of a port's numbers, and of a few the next
KEPT = (BATCH_NORM_MOMENTUM, VARIANCE)  # may change what is kept of a batch, and no gradient
TOGETHER = (PARALLEL, PLACED)  # are of several places at once, and nothing at fewer
IN_PAIRS = (ORDER,)  # are of two places at once, which may be on one line

HELD = {  # what is varied of the numbers that modules hold, by their names
    "epsilon": (EPSILON, EPSILONS),
    "eps": (EPSILON, EPSILONS),
    "momentum": (BATCH_NORM_MOMENTUM, MOMENTA),
}

Change = Callable[[Any], Any]  # given a framework's own call of an operation, returns its result


class Place(NamedTuple):
    """Where an operation is called: as it is shown, and the line of a user's that leads there."""

    shown: str
    line: str


@dataclass(frozen=True)
class Variant:
    """One operation made otherwise, at one place or at several.

    cause: in a few fixed words. claim: a clause with the numbers. change: how, if its framework
    does not find that by the claim.
    """

    cause: str
    claim: str
    places: tuple[Place, ...]
    change: Change | None = None

    def __str__(self) -> str:
        shown = ", ".join(place.shown for place in self.places[:3])
        others = len(self.places) - 3
        return f"{self.claim}, at {shown}" + (f" and {others} more" if others > 0 else "")


def held(modules: Iterable[tuple[str, Any]]) -> Iterator[Variant]:
    """Yield the variants of numbers that modules hold as attributes, as Flax's and Keras' do.

    modules: with their names.
    """
    for name, module in modules:
        for attribute, (cause, others) in HELD.items():
            own = getattr(module, attribute, None)
            if not isinstance(own, float):
                continue
            kind = type(module).__name__
            if cause == EPSILON and kind.startswith("RMS"):
                others = (*others, *SMALLEST)
            for other in others if cause == EPSILON else dict.fromkeys((1 - own, *others)):
                if other != own:
                    claim = f"the {attribute} of {kind} is {other:g}, not {own:g}"
                    yield Variant(
                        cause, claim, (Place(name, kind),), set_attribute(attribute, other)
                    )


def set_attribute(attribute: str, value: float) -> Change:
    """Return a context of a module's, in which an attribute of it has another value."""

    @contextmanager
    def change(module: Any) -> Iterator[None]:
        own = getattr(module, attribute)
        object.__setattr__(module, attribute, value)  # even where it must not change
        try:
            yield
        finally:
            object.__setattr__(module, attribute, own)

    return change


@contextmanager
def holding(modules: Mapping[str, Any], variant: Variant) -> Iterator[None]:
    """Let modules hold the number of a variant while it lasts, if it is of them.

    modules: by their names.
    """
    with ExitStack() as stack:
        if variant.change:
            for place in variant.places:
                stack.enter_context(variant.change(modules[place.shown]))
        yield


def gathered(found: Iterable[Variant]) -> list[Variant]:
    """Return variants as they are tried: everywhere, at a line, in a layer of all blocks, alone.

    Those that are TOGETHER are tried everywhere only, those IN_PAIRS at one line, too.

    found: of one place each, in the order in which they came up.
    """
    alike: dict[tuple[str, str], dict[Place, Variant]] = {}
    for each in found:
        alike.setdefault((each.cause, each.claim), {}).setdefault(each.places[0], each)
    tried: dict[tuple[str, str, tuple[Place, ...]], Variant] = {}
    keys: tuple[Callable[[Place], Any], ...] = (
        *(lambda place: None, lambda place: place.line),
        *(lambda place: NUMBER.sub("*", place.shown), lambda place: place),
    )
    for number, key in enumerate(keys):
        for (cause, claim), own in alike.items():
            if (cause in TOGETHER and number > 0) or (cause in IN_PAIRS and number > 1):
                continue
            for _, group in groupby(sorted(own, key=lambda p: str(key(p))), key):
                together = set(group)
                places = tuple(place for place in own if place in together)
                change = own[places[0]].change
                tried.setdefault((cause, claim, places), Variant(cause, claim, places, change))
    return list(tried.values())


def outermost(meet: Callable[[str, Callable[[Any], Any], Any], Any]) -> Callable[..., Any]:
    """Return what lets `meet` give the results of functions, but for those that they call.

    It takes a function's name and the function, and returns what is to be called in its place.

    meet: given that name, what it is as a function of its first argument, and that argument.
    """
    at_work: list[str] = []

    def met(name: str, own: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **kwargs: Any) -> Any:
            if at_work:
                return own(*args, **kwargs)
            first = next(iter(inspect.signature(own).parameters))
            x, *others = args or [kwargs.pop(first)]
            at_work.append(name)
            try:
                return meet(name, lambda x: own(x, *others, **kwargs), x)
            finally:
                at_work.pop()

        return called

    return met
