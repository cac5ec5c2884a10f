"""Pictures of a comparison: loss curves with their errors, and what planar nets decide."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from parity.comparison import LIMIT
from parity.trials import Trial, by_recipe
from parity.verdicts import PortResult
from shared.experiment import Experiment

Array = NDArray[Any]
# Colours of different lightness and dashes of different lengths: readable in greyscale, too.
STYLES = (
    {"color": "#000000", "linestyle": "-", "linewidth": 4.0, "alpha": 0.25},
    {"color": "#c1440e", "linestyle": "-", "linewidth": 1.6},
    {"color": "#1f77b4", "linestyle": (0, (6, 3))},
    {"color": "#e0a100", "linestyle": (0, (2, 2))},
    {"color": "#3c7d3c", "linestyle": (0, (6, 2, 1, 2))},
)
LONG = 10_000  # points that a curve is drawn by: more cannot be told apart
POINTS = (("o", "#1b3a6b"), ("s", "#e8a33d"))  # class 0 and class 1


def draw(trials: list[Trial], results: list[PortResult], folder: Path) -> None:
    """Draw what a person would want to look at, as PNG and SVG."""
    for trial, group in by_recipe(trials, results):
        own = [result for result in group if result.curves and result.verdict != "error"]
        if not own:
            continue
        recipe = trial.experiment.recipe.name
        name = f"{recipe}-eager" if trial.mode == "eager" else recipe
        _save(loss_curves(trial.experiment, own), folder / f"{name}-loss")
        if recipe == "planar":
            _save(decisions(trial.experiment, own), folder / f"{name}-decisions")


def loss_curves(experiment: Experiment, results: list[PortResult]) -> Figure:
    """Draw the losses of all ports on top of each other and, below, their errors and the limit."""
    dtypes = list(dict.fromkeys(result.dtype for result in results))
    figure = Figure(figsize=(5.5 * len(dtypes), 6.5), layout="constrained")
    figure.suptitle(_title(experiment))
    axes = figure.subplots(2, len(dtypes), squeeze=False, sharex=True)
    for (loss, error), dtype in zip(axes.T, dtypes, strict=True):
        own = [result for result in results if result.dtype == dtype]
        curves = [(result.port, result.curves) for result in own if result.curves]
        _, first = curves[0]
        for number, (port, curve) in enumerate(curves):
            style: Any = STYLES[number % len(STYLES)]
            loss.plot(*points(curve.losses), label=port, **style)
            distance = np.abs(curve.losses - curve.reference)
            positive = np.where(distance > 0, distance, np.nan)  # zero has no logarithm
            error.plot(*points(positive), label=port, **style)
        limit = f"limit: {LIMIT:g} noise floors"
        error.plot(*points(LIMIT * first.floors), color="black", linewidth=1, label=limit)
        loss.set_title(dtype)
        loss.legend(fontsize="small")
        error.legend(fontsize="small")
        error.set(xscale="log", yscale="log", xlabel="update (counted from 1)")
    axes[0, 0].set_ylabel("loss before the update")
    axes[1, 0].set_ylabel("distance from NumPy in float64")
    return figure


def decisions(experiment: Experiment, results: list[PortResult]) -> Figure:
    """Draw the points of the plane and, beside them, what each port predicts of it."""
    first = results[0].dtype
    own = [result for result in results if result.dtype == first]
    figure = Figure(figsize=(3.2 * (len(own) + 1), 4.4), layout="constrained")
    figure.suptitle(f"{_title(experiment)}, {first}")
    data, *panels = figure.subplots(1, len(own) + 1, sharex=True, sharey=True, squeeze=False)[0]
    data.set_title("data")
    data.set_ylabel("second input")
    for axes in (data, *panels):
        axes.set(xlabel="first input", aspect="equal")
        _points(axes, experiment)
    side = np.linspace(-5, 5, 301)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    for axes, result in zip(panels, own, strict=True):
        weights = result.curves.weights if result.curves else {}
        hidden = np.tanh(grid @ weights["W1"] + weights["b1"])
        logits = (hidden @ weights["W2"] + weights["b2"]).reshape(len(side), len(side))
        colours = [colour for _, colour in POINTS]
        axes.contourf(side, side, logits, [-np.inf, 0, np.inf], colors=colours, alpha=0.3, zorder=0)
        axes.contour(side, side, logits, [0], colors="black", linewidths=1)
        share = result.accuracy["train"]
        axes.set_title(result.port if share is None else f"{result.port}: {100 * share:.2f} %")
    return figure


def points(values: Array) -> tuple[Array, Array]:
    """Return the points of a curve over the steps; of a long one, its range in each stretch."""
    steps = np.arange(1, len(values) + 1)
    if len(values) <= LONG:
        return steps, values
    starts = np.unique(np.geomspace(1, len(values), LONG // 2).astype(int)) - 1
    ends = [np.fmin.reduceat(values, starts), np.fmax.reduceat(values, starts)]
    return np.repeat(steps[starts], 2), np.stack(ends, axis=1).ravel()


def _points(axes: Axes, experiment: Experiment) -> None:
    for number, (marker, colour) in enumerate(POINTS):
        rows = experiment.x[experiment.y[:, 0] == number]
        axes.scatter(
            rows[:, 0], rows[:, 1], s=9, marker=marker, color=colour, edgecolor="white", lw=0.3
        )


def _title(experiment: Experiment) -> str:
    stand_in = " - STAND-IN DATA" if experiment.data.notice else ""
    return f"{experiment.recipe.name}: {experiment.data.title}{stand_in}"


def _save(figure: Figure, path: Path) -> None:
    for suffix in (".png", ".svg"):
        figure.savefig(path.with_suffix(suffix), dpi=130)
