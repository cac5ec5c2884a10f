"""What nets with two inputs decide: the plane, a row per recipe and a column per port."""

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from parity.pictures.style import CLASSES, Drawn, Pictures, scatter_classes
from parity.verdicts import PortResult

Array = NDArray[Any]
Weights = dict[str, Array]
POINTS = 151  # along each side
INPUTS = {"people": ("weight - 135 (pounds)", "height - 66 (inches)")}
UNSEEN = {"facecolor": "none", "linewidth": 1.5}  # rows to test on


def _two_layers(activation: Callable[[Array], Array]) -> Callable[[Weights, Array], Array]:
    """Return what a net with one hidden layer computes: over 0, the class is 1."""
    return lambda w, x: activation(x @ w["W1"] + w["b1"]) @ w["W2"] + w["b2"]


SCORES: dict[str, Callable[[Weights, Array], Array]] = {
    "gates": _two_layers(lambda z: (z > 0).astype(float)),
    "people": _two_layers(lambda z: 1 / (1 + np.exp(-z))),
    "perceptron": lambda w, x: x @ w["W"] + w["b"],
    "planar": _two_layers(np.tanh),
}


def draw(drawn: list[Drawn]) -> Pictures:
    """Draw the decisions of all ports on all recipes of one net."""
    net, dtype = drawn[0].net, drawn[0].dtype
    ports = list(dict.fromkeys(result.port for each in drawn for result in each.single))
    columns, rows = len(ports), len(drawn)
    figure = Figure(figsize=(2.9 * columns + 1, 3.1 * rows + 0.8), layout="constrained")
    figure.suptitle(f"{net}, {dtype}: what each port decides")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for each, row in zip(drawn, grid, strict=True):
        own = {result.port: result for result in each.single}
        for port, axes in zip(ports, row, strict=True):
            if port in own:
                _panel(axes, each, own[port])
            else:
                axes.set_axis_off()
        row[0].set_ylabel(f"{each.recipe}\n{_names(net)[1]}")
    for axes in grid[-1]:
        axes.set_xlabel(_names(net)[0])
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), title="class")
    yield f"{net}-decisions", figure


def _names(net: str) -> tuple[str, str]:
    return INPUTS.get(net, ("first input", "second input"))


def _panel(axes: Axes, drawn: Drawn, result: PortResult) -> None:
    """Draw the points, the regions of either class and the line between them."""
    experiment = drawn.experiment
    sides = [_side(experiment.x[:, column]) for column in (0, 1)]
    points = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)
    score = SCORES[drawn.net](drawn.weights(result), points).reshape(POINTS, POINTS)
    colours = [colour for _, colour in CLASSES]
    axes.contourf(*sides, score, [-np.inf, 0, np.inf], colors=colours, alpha=0.3, zorder=0)
    if score.min() < 0 < score.max():
        axes.contour(*sides, score, [0], colors="black", linewidths=1, zorder=1)
    few = len(experiment.x) < 50
    scatter_classes(axes, experiment.x, experiment.y, 90 if few else 9)
    if experiment.x_test is not None and experiment.y_test is not None:
        for (marker, colour), number in zip(CLASSES, (0, 1), strict=True):
            rows = experiment.x_test[experiment.y_test[:, 0] == number]
            look: dict[str, Any] = {
                "marker": marker,
                "edgecolor": colour,
                "label": f"{number}, unseen",
                **UNSEEN,
            }
            axes.scatter(rows[:, 0], rows[:, 1], s=90, **look)
    share = result.accuracy["train"]
    axes.set_title(result.port if share is None else f"{result.port}: {100 * share:.2f} %")


def _side(values: Array) -> Array:
    """Return points along one side, with a margin around the data."""
    low, high = float(values.min()), float(values.max())
    margin = 0.25 * (high - low)
    return np.linspace(low - margin, high + margin, POINTS)
