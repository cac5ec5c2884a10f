"""What ports are judged on: recipes made concrete, each in some precisions and modes."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from parity.contract import Mode
from parity.verdicts import PortResult
from shared.experiment import Experiment, prepare

DTYPES = {"float32": ["float32"], "float64": ["float64"], "both": ["float32", "float64"]}
MODES: dict[str, list[Mode]] = {
    "compiled": ["compiled"],
    "eager": ["eager"],
    "both": ["compiled", "eager"],
}
EAGER_STEPS = 100  # unless another number is asked for: without compilers, 50 ms each is common


@dataclass(frozen=True)
class Trial:
    """One experiment in one mode: "compiled", each framework at its own best, or "eager"."""

    experiment: Experiment
    mode: Mode


def prepare_trials(
    names: list[str],
    dtype: str,
    mode: str,
    steps: int | None,
    seed: int | None,
    data: str,
    data_dir: Path | None,
) -> list[Trial]:
    """Return a trial per mode, recipe and precision, in this order.

    Trials of equally many steps share their experiment.

    Args:
        names: of the recipes.
        dtype, mode: a key of DTYPES, a key of MODES.
        steps: how many, or None for the recipes' own, and at most EAGER_STEPS in eager mode.
        seed, data, data_dir: see `shared.experiment.prepare`.

    Raises:
        InputError: there is no such recipe, or its data is missing or damaged.
    """
    experiments = [
        prepare(name, precision, steps, seed, data, data_dir)
        for name in names
        for precision in DTYPES[dtype]
    ]
    return [
        Trial(experiment.cut(EAGER_STEPS) if each == "eager" and not steps else experiment, each)
        for each in MODES[mode]
        for experiment in experiments
    ]


def by_recipe(
    trials: list[Trial], results: list[PortResult]
) -> Iterator[tuple[Trial, list[PortResult]]]:
    """Yield the results of each recipe and mode, in all precisions, with one of their trials."""
    for (recipe, mode), group in groupby(results, lambda result: (result.recipe, result.requested)):
        trial = next(t for t in trials if (t.experiment.recipe.name, t.mode) == (recipe, mode))
        yield trial, list(group)
