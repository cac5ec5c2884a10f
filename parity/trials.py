"""What ports are judged on: each recipe, in each precision, in each mode."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from parity.contract import Mode
from parity.verdicts import PortResult
from shared.experiment import Experiment


@dataclass(frozen=True)
class Trial:
    """One experiment in one mode: "compiled", each framework at its own best, or "eager"."""

    experiment: Experiment
    mode: Mode


def by_recipe(
    trials: list[Trial], results: list[PortResult]
) -> Iterator[tuple[Trial, list[PortResult]]]:
    """Yield the results of each recipe and mode, in all precisions, with one of their trials."""
    for (recipe, mode), group in groupby(results, lambda result: (result.recipe, result.requested)):
        trial = next(t for t in trials if (t.experiment.recipe.name, t.mode) == (recipe, mode))
        yield trial, list(group)
