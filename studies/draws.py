"""Random draws of the recipes: other weights, other rows in another order, other batches."""

import hashlib
import math
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import click
from numpy.random import Generator, default_rng

from parity.contract import DTYPES, FRAMEWORKS, check_framework
from parity.reports.wording import MEASURED
from parity.results import PortResult, Trial
from parity.sessions.session import Session
from shared.datasets import Dataset, rounded
from shared.experiment import Experiment, prepare

# What a study takes as an option: a number that may be 0, and one of things to do.
COUNT, SOME = click.IntRange(min=0), click.IntRange(min=1)
STUDIED_RUNGS = (*MEASURED, "accuracy")  # of accuracy, the outputs are held to noise floors
TRAIN_ROWS, TEST_ROWS = 5000, 1000  # of a large data set, in a draw that is cut short


@dataclass(frozen=True)
class Worst:
    """The largest ratio of one rung, and where it is."""

    ratio: float
    rung: str
    tensor: str | None
    step: int | None

    def __str__(self) -> str:
        return f"{self.ratio:.3g} on {self.rung}, {self.tensor}, step {self.step}"


@dataclass(frozen=True)
class JudgedDraw:
    """The verdict on one port, on one draw of a recipe; rungs: those measured in noise floors."""

    recipe: str
    number: int
    steps: int
    dtype: str
    port: str
    verdict: str
    error: str | None
    rungs: tuple[Worst, ...]

    @property
    def draw(self) -> str:
        """What all ports were judged on together."""
        return f"{self.recipe}#{self.number} {self.dtype}, {self.steps:,} steps"

    @property
    def worst(self) -> Worst:
        """The rung with the largest ratio."""
        nothing = Worst(math.inf, "nothing", None, None)
        return max(self.rungs, key=lambda rung: rung.ratio, default=nothing)

    def __str__(self) -> str:
        return f"{self.port}: {self.verdict}, {self.error or self.worst}"


def draw(name: str, dtype: str, number: int, steps: int | None, seed: int) -> Experiment:
    """Return one draw of a recipe, named `name#number`.

    Weights are normal, of a scale from 0.001 to 1. Where the run is cut short, large data sets are,
    too. Both precisions get the same numbers, each rounded to it.

    Args:
        name: of the recipe.
        dtype: "float32" or "float64".
        number: of the draw; each has other weights, rows and batches.
        steps: how many updates, or None for the recipe's full budget.
        seed: of all draws.

    Raises:
        InputError: there is no such recipe, or its data is missing or damaged.
    """
    base = prepared(name, dtype)
    recipe = replace(base.recipe, name=f"{name}#{number}", figures=())
    random = default_rng((seed, number))
    scale = 10 ** random.uniform(-3, 0)
    weights = {
        key: (scale * random.standard_normal(shape)).astype(dtype)
        for key, shape in recipe.shapes.items()
    }
    order = int(random.integers(2**32))
    if steps is not None or recipe.rows:
        base = _on(base, _some_rows(base.data, recipe.rows or TRAIN_ROWS, random))
    schedule = recipe.batches.schedule(len(base.x), steps, order)
    return replace(base, recipe=recipe, seed=order, weights=weights, schedule=schedule)


@lru_cache
def prepared(name: str, dtype: str) -> Experiment:
    """Return a recipe as it is, to draw from."""
    return prepare(name, dtype)


def _some_rows(data: Dataset, most: int, random: Generator) -> Dataset:
    """Return a data set of at most so many rows of another, in random order."""
    rows = random.permutation(len(data.x))[:most]
    arrays: dict[str, Any] = {"x": data.x[rows], "y": data.y[rows]}
    if data.x_test is not None and data.y_test is not None:
        rows = random.permutation(len(data.x_test))[:TEST_ROWS]
        arrays |= {"x_test": data.x_test[rows], "y_test": data.y_test[rows]}
    digest = hashlib.sha256(b"".join(array.tobytes() for array in arrays.values()))
    return replace(data, sha256=digest.hexdigest(), **arrays)


def _on(experiment: Experiment, data: Dataset) -> Experiment:
    """Return an experiment on all rows of other data, rounded to its precision."""
    arrays: dict[str, Any] = {
        name: None if array is None else rounded(array, experiment.dtype)
        for name in ("x", "y", "x_test", "y_test")
        for array in [getattr(data, name)]
    }
    return replace(experiment, data=data, **arrays)


def referred(experiment: Experiment, framework: str, folder: Path) -> Experiment:
    """Return an experiment whose reference is the port of another framework, as a user's would be.

    Args:
        experiment: one draw of our own recipes.
        framework: whose port it is.
        folder: for the file of the reference.
    """
    file = folder / f"{experiment.recipe.net}_{framework}.py"
    file.write_text(
        f'from impls.{framework}.{experiment.recipe.net} import *\n\nFRAMEWORK = "{framework}"\n'
    )
    return replace(experiment, recipe=replace(experiment.recipe, reference=file))


@contextmanager
def own_cache() -> Iterator[Path]:
    """Keep noise floors in a folder that goes away with the study."""
    with tempfile.TemporaryDirectory(prefix="lockstep-study-") as folder:
        os.environ["LOCKSTEP_CACHE"] = folder
        yield Path(folder)


@dataclass(frozen=True)
class Plan:
    """Some draws of some recipes, which one comparison takes.

    draws: of each, its number and how many updates it makes, None for the full budget. seed: of all
    draws. reference: the framework whose ports all are held to.
    """

    names: tuple[str, ...]
    draws: tuple[tuple[int, int | None], ...]
    seed: int
    reference: str = "numpy"

    def __str__(self) -> str:
        return ", ".join(f"{name}#{number}" for number, _ in self.draws for name in self.names)

    def cells(self) -> list[Self]:
        """Return a plan for each draw of each recipe alone, in the order of `experiments`."""
        return [
            replace(self, names=(name,), draws=(drawn,))
            for drawn in self.draws
            for name in self.names
        ]

    def experiments(self, folder: Path) -> list[Experiment]:
        """Return each draw of each recipe in both precisions; `folder` is for files of theirs."""
        drawn = [
            draw(name, dtype, number, steps, self.seed)
            for number, steps in self.draws
            for name in self.names
            for dtype in DTYPES
        ]
        if self.reference == "numpy":
            return drawn
        return [referred(each, self.reference, folder) for each in drawn]


def judge(plan: Plan, folder: Path, session: Session) -> Iterator[JudgedDraw]:
    """Judge all ports on the draws of a plan.

    Args:
        plan: what to draw.
        folder: for files that go away with the study.
        session: in which they are judged.
    """
    experiments = plan.experiments(folder)
    ports = [check_framework(name) for name in FRAMEWORKS]
    steps = {experiment.recipe.name: experiment.steps for experiment in experiments}
    trials = [Trial(experiment, "compiled") for experiment in experiments]
    for result in session.compare(trials, ports):
        yield _judged(result, steps[result.recipe])


def _judged(result: PortResult, steps: int) -> JudgedDraw:
    name, _, number = result.recipe.partition("#")
    rungs = tuple(
        Worst(rung.ratio, rung.rung, f"{rung.place}", rung.place.step if rung.place else None)
        for rung in result.rungs
        if rung.rung in STUDIED_RUNGS and rung.compared
    )
    return JudgedDraw(
        *(name, int(number), steps, result.dtype, result.port),
        *(result.verdict, result.error, rungs),
    )
