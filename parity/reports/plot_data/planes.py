"""What nets with two inputs decide of the plane."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.reports.plot_data.drawn import Drawn
from parity.results import PortResult

Array = NDArray[Any]
Weights = dict[str, Array]
POINTS = 151  # along each side
INPUTS = {"people": ("weight - 135 (pounds)", "height - 66 (inches)")}


@dataclass(frozen=True)
class Plane:
    """A net's output over a part of the plane: over 0, the class is 1.

    x, y: the points along the two sides, (n,). score: (n, n), a row per y.
    """

    x: Array
    y: Array
    score: Array


def _two_layers(activation: Callable[[Array], Array]) -> Callable[[Weights, Array], Array]:
    """Return what a net with one hidden layer computes: over 0, the class is 1."""
    return lambda w, x: activation(x @ w["W1"] + w["b1"]) @ w["W2"] + w["b2"]


SCORES: dict[str, Callable[[Weights, Array], Array]] = {
    "gates": _two_layers(lambda z: (z > 0).astype(float)),
    "people": _two_layers(lambda z: 1 / (1 + np.exp(-z))),
    "perceptron": lambda w, x: x @ w["W"] + w["b"],
    "planar": _two_layers(np.tanh),
}


def plane(drawn: Drawn, result: PortResult) -> Plane:
    """Return what a port's last weights decide around the data of a net in SCORES."""
    x, y = (_side(drawn.experiment.x[:, column]) for column in (0, 1))
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    score = SCORES[drawn.net](drawn.weights(result), points)
    return Plane(x, y, score.reshape(POINTS, POINTS))


def axis_names(net: str) -> tuple[str, str]:
    """Return what the two inputs of a net are."""
    return INPUTS.get(net, ("first input", "second input"))


def _side(values: Array) -> Array:
    """Return points along one side, with a margin around the data."""
    low, high = float(values.min()), float(values.max())
    margin = 0.25 * (high - low)
    return np.linspace(low - margin, high + margin, POINTS)
