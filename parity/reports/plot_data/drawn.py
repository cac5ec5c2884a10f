"""A recipe and its results, as whatever draws them takes them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.reports.plot_data.looks import Looks, looks
from parity.results import Curves, PortResult, Trial, by_recipe
from shared.experiment import Experiment

Array = NDArray[Any]


@dataclass(frozen=True)
class Drawn:
    """A recipe, and the results of the ports that answered on it, in all precisions.

    looks: how each port looks.
    """

    experiment: Experiment
    results: list[PortResult]
    looks: Looks

    @property
    def recipe(self) -> str:
        """The recipe's name."""
        return self.experiment.recipe.name

    @property
    def net(self) -> str:
        """The net's name."""
        return self.experiment.recipe.net

    @property
    def dtype(self) -> str:
        """The precision that pictures of one alone are drawn in."""
        return self.results[0].dtype

    @property
    def single(self) -> list[PortResult]:
        """The results in one precision."""
        return [result for result in self.results if result.dtype == self.dtype]

    @property
    def title(self) -> str:
        """The recipe and its data, with a warning where another's stand in for it."""
        stand_in = " - STAND-IN DATA" if self.experiment.data.notice else ""
        return f"{self.recipe}: {self.experiment.data.title}{stand_in}"

    def weights(self, result: PortResult) -> dict[str, Array]:
        """Return a port's last weights, by name; where nothing was trained, those it was given."""
        return result.curves.weights if result.curves else self.experiment.weights

    def has_weights(self, result: PortResult) -> bool:
        """Whether the last weights are known: of a port that trains, only if it exports them."""
        if "train" in self.experiment.recipe.functions and not result.curves:
            return False
        own = self.weights(result)
        return all(
            name in own and own[name].shape == value.shape
            for name, value in self.experiment.weights.items()
        )

    def weighted(self) -> list[PortResult]:
        """Return the results in one precision of ports whose last weights are known."""
        return [result for result in self.single if self.has_weights(result)]


def drawable(results: list[PortResult]) -> Iterator[tuple[Trial, Drawn]]:
    """Yield each recipe and mode on which any port answered."""
    own_looks = looks(results)
    for trial, group in by_recipe(results):
        own = [result for result in group if result.verdict != "error"]
        if own:
            yield trial, Drawn(trial.experiment, own, own_looks)


def free_ratios(curves: Curves) -> Array:
    """Return a free run's error over its noise floor at each step, (steps,); of NaN, infinity."""
    with np.errstate(invalid="ignore", over="ignore"):
        ratios: Array = np.abs(curves.losses.astype(np.float64) - curves.reference) / curves.floors
    return np.where(np.isnan(ratios), np.inf, ratios)
