"""The recipes: each one reproducible experiment. A new one is one entry of RECIPES."""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

from shared import datasets, figures, weights
from shared.batches import Batches, ForwardOnly, FullBatch, InOrder, OneBatch, Shuffled
from shared.errors import InputError
from shared.figures import Figure
from shared.renames import Renames

# What a port may provide, in the order in which it stands in its file.
FUNCTIONS = ("build", "forward", "layers", "loss", "gradients", "train", "accuracy", "export")
TWIN = "_workers"  # at the end of a port's name, if it spreads over workers
SPREAD = "-workers-"  # in a recipe's name, before over how many
MOST_WORKERS = 64
TRAINED = tuple(name for name in FUNCTIONS if name != "layers")


@dataclass(frozen=True)
class Waiver:
    """A difference that a recipe expects.

    port: the file of the port that differs. at: where, as the recipe says. rung, tensor: the same;
    the tensor is None where the whole rung is meant. why: the reason. dtype: the precision in which
    it is there, None for both.
    """

    port: Path
    at: str
    rung: str
    tensor: str | None
    why: str
    dtype: str | None


@dataclass(frozen=True)
class Recipe:
    """A net, its data, initial weights, loss, learning rate and schedule.

    name: what it is called on the command line.
    net: the file of its ports, impls/<framework>/<net>.py; over several workers, its twin's stem.
    summary: the net and its loss in a few words.
    shapes: of the weights in canonical layout, y = x @ W + b.
    initial: makes the initial weights from `shapes` and `seed`; None where the reference's own
        `build` draws them.
    data: loads the data set, or is the Python file whose `data` makes it.
    functions: those of its ports that it is about; a lesson may train nothing.
    threshold: of a single output, over which the class is 1: 0 for logits, 1/2 for probabilities.
    rows: how many of the data's rows to train on, or None for all.
    seed: of the initial weights and of the batch order.
    figures: what others printed for it; they hold at this seed alone.
    reference: the file of the port that others are held to, or None for NumPy's of that net.
    files: all that a user's recipe is read from, itself first.
    dtype: the precisions to compare it in, unless others are asked for.
    renames: what ports call the reference's weights, by the port's file; all ports by "".
    expected: where ports are known to differ from the reference.
    workers: over how many processes its ports spread each batch; None for ports in one process.
    """

    name: str
    net: str
    summary: str
    shapes: Mapping[str, tuple[int, ...]]
    initial: Callable[[weights.WeightShapes, int], weights.Weights] | None
    data: datasets.Loader | Path
    batches: Batches
    learning_rate: float = 0.0
    functions: tuple[str, ...] = TRAINED
    threshold: float = 0.0
    rows: int | None = None
    seed: int = 0
    figures: tuple[Figure, ...] = ()
    reference: Path | None = None
    files: tuple[Path, ...] = ()
    dtype: str = "both"
    renames: Mapping[str, Renames] = field(default_factory=dict)
    expected: tuple[Waiver, ...] = ()
    workers: int | None = None

    @property
    def port(self) -> str:
        """The file of its ports: the net's or, over several workers, that one's twin."""
        return port_file(self.net, self.workers)

    def over(self, workers: int) -> "Recipe":
        """Return the same recipe for ports that spread each batch over that many workers."""
        return replace(self, name=spread_name(base_name(self.name), workers), workers=workers)

    def renames_for(self, file: Path | None) -> dict[str, str]:
        """Return what the port in a file calls the reference's weights, where otherwise."""
        if file is None or file == self.reference:
            return {}
        return {**self.renames.get("", {}), **self.renames.get(file.name, {})}

    def __str__(self) -> str:
        rate = f", learning rate {self.learning_rate}" if "train" in self.functions else ""
        spread = f", each over {self.workers} workers" if self.workers else ""
        return f"{self.summary}; {self.batches}{spread}{rate}"


def over_workers() -> list[Recipe]:
    """Return the recipes of our own ports over workers; `get` knows them for any number."""
    return [RECIPES["mnist"].over(workers) for workers in (2, 3)]


def spread_name(name: str, workers: int) -> str:
    """Return what a recipe is called over some workers: mnist-workers-2."""
    return f"{name}{SPREAD}{workers}"


def port_file(net: str, workers: int | None) -> str:
    """Return the name of a net's port, without suffix: for one process, or over several workers."""
    return net if workers is None else f"{net}{TWIN}"


def is_spread(port: str) -> bool:
    """Whether a port's name is that of one over several workers."""
    return port.endswith(TWIN)


_MNIST = {"W": (784, 10), "b": (10,)}


def _planar(hidden: int) -> dict[str, tuple[int, ...]]:
    return {"W1": (2, hidden), "b1": (hidden,), "W2": (hidden, 1), "b2": (1,)}


MAIN_RECIPES = (
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
        shapes=_planar(4),
        initial=weights.small_normal,
        data=datasets.planar,
        batches=FullBatch(steps=10_000),
        learning_rate=1.2,
        seed=2,
        figures=figures.PLANAR,
    ),
    Recipe(
        name="mnist",
        net="mnist",
        summary="784-10 softmax, cross-entropy",
        shapes=_MNIST,
        initial=weights.zeros,
        data=datasets.mnist,
        batches=Shuffled(size=100, epochs=10),
        learning_rate=0.5,
    ),
    Recipe(
        name="mnist-tutorial",
        net="mnist",
        summary="784-10 softmax, cross-entropy",
        shapes=_MNIST,
        initial=weights.standard_normal,
        data=datasets.mnist,
        batches=OneBatch(size=100, steps=4_000),
        learning_rate=0.01,
        rows=100,
    ),
)
LESSONS = (
    Recipe(
        name="descent",
        net="descent",
        summary="one weight w, loss (w + 1)^2",
        shapes={"w": ()},
        initial=partial(weights.given, {"w": 5.0}),
        data=datasets.parabola,
        batches=FullBatch(steps=40),
        learning_rate=0.2,
        functions=("build", "forward", "loss", "gradients", "train", "export"),
        figures=figures.DESCENT,
    ),
    Recipe(
        name="people",
        net="people",
        summary="2-2-1 sigmoids, mean squared error",
        shapes={"W1": (2, 2), "b1": (2,), "W2": (2, 1), "b2": (1,)},
        initial=weights.ones,
        data=datasets.people,
        batches=InOrder(size=1, epochs=1_000),
        learning_rate=0.1,
        functions=FUNCTIONS,
        threshold=0.5,
        figures=figures.PEOPLE,
    ),
    *(
        Recipe(
            name=f"perceptron-{gate}",
            net="perceptron",
            summary=f"2-1 step, perceptron rule, {gate.upper()}",
            shapes={"W": (2, 1), "b": (1,)},
            initial=weights.standard_normal,
            data=partial(datasets.truth_table, gate),
            batches=InOrder(size=1, epochs=50),
            learning_rate=0.1,
        )
        for gate in datasets.GATES
    ),
    Recipe(
        name="gates",
        net="gates",
        summary="2-2-1 steps with weights set by hand, XOR",
        shapes={"W1": (2, 2), "b1": (2,), "W2": (2, 1), "b2": (1,)},
        initial=partial(weights.given, weights.XOR),
        data=partial(datasets.truth_table, "xor"),
        batches=ForwardOnly(),
        functions=("build", "forward", "layers", "accuracy"),
        threshold=0.5,
    ),
    Recipe(
        name="signals",
        net="signals",
        summary="2-3-2-2 sigmoids, identity and step",
        shapes={"W1": (2, 3), "b1": (3,), "W2": (3, 2), "b2": (2,), "W3": (2, 2), "b3": (2,)},
        initial=partial(weights.given, weights.SIGNALS_NET),
        data=datasets.signals,
        batches=ForwardOnly(),
        functions=("build", "forward", "layers"),
        figures=figures.SIGNALS,
    ),
    Recipe(
        name="activations",
        net="activations",
        summary="six activations, their derivatives",
        shapes={},
        initial=weights.zeros,
        data=datasets.activations,
        batches=ForwardOnly(),
        functions=("build", "layers"),
        figures=figures.ACTIVATIONS,
    ),
    Recipe(
        name="iris-forward",
        net="iris",
        summary="4-3 linear, before any training",
        shapes={"W": (4, 3), "b": (3,)},
        initial=partial(weights.given, weights.IRIS),
        data=datasets.iris_flower,
        batches=ForwardOnly(),
        functions=("build", "forward", "accuracy"),
        figures=figures.IRIS_FORWARD,
    ),
    *(
        Recipe(
            name=f"planar-{hidden}",
            net="planar",
            summary=f"2-{hidden}-1 tanh and sigmoid, binary cross-entropy",
            shapes=_planar(hidden),
            initial=weights.small_normal,
            data=datasets.planar,
            batches=FullBatch(steps=5_000),
            learning_rate=1.2,
            seed=2,
            figures=figures.training_accuracy(figures.COURSE, percent),
        )
        for hidden, percent in figures.HIDDEN_UNITS.items()
    ),
)
RECIPES: Mapping[str, Recipe] = MappingProxyType({r.name: r for r in (*MAIN_RECIPES, *LESSONS)})


def base_name(name: str) -> str:
    """Return what a recipe is called in one process: mnist, of mnist-workers-2."""
    base, _, workers = name.rpartition(SPREAD)
    return base if base and workers.isdecimal() else name


def worker_count(text: str) -> int:
    """Return over how many workers ports are to spread each batch.

    Raises:
        InputError: it is no such number.
    """
    short = text.isdecimal() and len(text) <= len(f"{MOST_WORKERS}")
    if not (short and 1 <= int(text) <= MOST_WORKERS):
        raise InputError(
            f"there cannot be {text[:20]!r} workers: give a number from 1 to {MOST_WORKERS}"
        )
    return int(text)


def get(name: str) -> Recipe:
    """Return the recipe of that name, or in the file of that path; any over workers, too.

    Raises:
        InputError: there is none, and the sentence names the nearest one; or the file is no recipe.
    """
    if name in RECIPES:
        return RECIPES[name]
    base = base_name(name)
    if base != name:
        return get(base).over(worker_count(name.removeprefix(f"{base}{SPREAD}")))
    if name.endswith((".toml", ".py")):
        from shared import own_recipes  # which are made of what stands here

        return own_recipes.load(Path(name))
    known = [*RECIPES, *(recipe.name for recipe in over_workers())]
    raise InputError(unknown("recipe", name, known))


def unknown(
    kind: str, name: str, known: list[str], other_names: Mapping[str, str] = MappingProxyType({})
) -> str:
    """Return the sentence for a name that nobody knows, with the nearest one that somebody does.

    Args:
        kind: of what it should be the name.
        name: the one that is unknown.
        known: all that there are.
        other_names: what some of them are called elsewhere, in lower case.
    """
    return f"there is no {kind} {name!r}: {guessed(name, known, other_names)}"


def guessed(name: str, known: list[str], other_names: Mapping[str, str]) -> str:
    """Return what to write in place of an unknown name; the arguments are those of `unknown`."""
    lower = name[:100].casefold()  # more takes seconds
    near = difflib.get_close_matches(other_names.get(lower, lower), known, n=1, cutoff=0.5)
    choices = f"choose from {', '.join(known)}"
    return f"did you mean {near[0]}? ({choices})" if near else choices
