"""The recipes: each one reproducible experiment. A new one is one entry of RECIPES."""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from shared import datasets, weights
from shared.batches import FullBatch, OneBatch, Shuffled
from shared.errors import InputError


@dataclass(frozen=True)
class Figure:
    """A figure that somebody else printed for this very recipe, held to the digits printed.

    step: the loss before update `step`, counted from 0. source: who printed it.
    """

    step: int
    printed: str
    source: str


@dataclass(frozen=True)
class Recipe:
    """A net, its data, initial weights, loss, learning rate and schedule.

    name: what it is called on the command line.
    net: the file of its ports, impls/<framework>/<net>.py.
    summary: the net and its loss in a few words.
    shapes: of the weights in canonical layout, y = x @ W + b.
    initial: makes the initial weights from `shapes` and `seed`.
    data: loads the data set.
    rows: how many of its rows to train on, or None for all.
    seed: of the initial weights and of the batch order.
    figures: what others printed for it; they hold at this seed alone.
    """

    name: str
    net: str
    summary: str
    shapes: Mapping[str, tuple[int, ...]]
    initial: Callable[[weights.Shapes, int], weights.Weights]
    data: datasets.Source
    batches: FullBatch | OneBatch | Shuffled
    learning_rate: float
    rows: int | None = None
    seed: int = 0
    figures: tuple[Figure, ...] = ()

    def __str__(self) -> str:
        return f"{self.summary}; {self.batches}, learning rate {self.learning_rate}"


_COURSE = "deeplearning.ai, Neural Networks and Deep Learning, planar data classification"

_ALL = (
    Recipe(
        name="iris",
        net="iris",
        summary="4-3 linear, mean squared error",
        shapes={"W": (4, 3), "b": (3,)},
        initial=weights.zeros,
        data=datasets.iris,
        batches=FullBatch(steps=5_000),
        learning_rate=0.1,
    ),
    Recipe(
        name="planar",
        net="planar",
        summary="2-4-1 tanh and sigmoid, binary cross-entropy",
        shapes={"W1": (2, 4), "b1": (4,), "W2": (4, 1), "b2": (1,)},
        initial=weights.small_normal,
        data=datasets.planar,
        batches=FullBatch(steps=10_000),
        learning_rate=1.2,
        seed=2,
        figures=(
            Figure(0, "0.693048", _COURSE),
            Figure(1000, "0.288083", _COURSE),
            Figure(2000, "0.254385", _COURSE),
            Figure(3000, "0.233864", _COURSE),
            Figure(4000, "0.226792", _COURSE),
            Figure(5000, "0.222644", _COURSE),
            Figure(6000, "0.219731", _COURSE),
            Figure(7000, "0.217504", _COURSE),
        ),
    ),
    Recipe(
        name="mnist",
        net="mnist",
        summary="784-10 softmax, cross-entropy",
        shapes={"W": (784, 10), "b": (10,)},
        initial=weights.zeros,
        data=datasets.mnist,
        batches=Shuffled(size=100, epochs=10),
        learning_rate=0.5,
    ),
    Recipe(
        name="mnist-tutorial",
        net="mnist",
        summary="784-10 softmax, cross-entropy",
        shapes={"W": (784, 10), "b": (10,)},
        initial=weights.standard_normal,
        data=datasets.mnist,
        batches=OneBatch(size=100, steps=4_000),
        learning_rate=0.01,
        rows=100,
    ),
)
RECIPES: Mapping[str, Recipe] = MappingProxyType({recipe.name: recipe for recipe in _ALL})


def get(name: str) -> Recipe:
    """Return the recipe of that name.

    Raises:
        InputError: there is none; the sentence names the nearest one.
    """
    if name in RECIPES:
        return RECIPES[name]
    raise InputError(unknown("recipe", name, list(RECIPES)))


def unknown(kind: str, name: str, known: list[str]) -> str:
    """Return the sentence for a name that nobody knows, with the nearest one that somebody does."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    guess = f"did you mean {near[0]}? " if near else ""
    return f"there is no {kind} {name!r}: {guess}(choose from {', '.join(known)})"
