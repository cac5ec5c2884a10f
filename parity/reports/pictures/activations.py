"""Activations and their derivatives, as each port computes them."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from parity.reports.pictures.style import Pictures, port_style
from parity.reports.plot_data.drawn import Drawn
from parity.reports.plot_data.looks import Looks
from parity.results import PortResult

Array = NDArray[Any]
CURVES = ("step", "sigmoid", "tanh", "relu", "identity")
SOFTMAX_ROWS = 3  # rows of which softmax is shown


def draw(drawn: list[Drawn]) -> Pictures:
    """Draw five curves with their derivatives, softmax of three rows, and its derivative."""
    [each] = drawn
    own = [result for result in each.single if {*CURVES, "softmax"} <= result.inside.keys()]
    if not own:
        return
    x = np.asarray(each.experiment.x)
    figure = Figure(figsize=(12, 6), layout="constrained")
    figure.suptitle(f"{each.recipe}, {each.dtype}: solid the activation, dotted its derivative")
    *curves, softmax, slopes, legend = figure.subplots(2, 4).ravel()
    for name, axes in zip(CURVES, curves, strict=True):
        _curve(axes, name, x, own, each.looks)
    _bars(softmax, x[:SOFTMAX_ROWS], own[0].inside["softmax"][:SOFTMAX_ROWS])
    if "dsoftmax" in own[0].inside:
        _jacobian(slopes, x[0], own[0].inside["dsoftmax"][0])
    legend.set_axis_off()
    legend.legend(*curves[1].get_legend_handles_labels(), loc="center", title="port")
    yield "activations-curves", figure


def _curve(axes: Axes, name: str, x: Array, results: list[PortResult], looks: Looks) -> None:
    line = np.abs(x) <= 6
    order = np.argsort(x[line], kind="stable")
    for result in results:
        look = port_style(looks[result.port])
        axes.plot(x[line][order], result.inside[name][line][order], label=result.port, **look)
        slope = result.inside.get(f"d{name}")
        if slope is not None:
            look |= {"linestyle": ":", "linewidth": look.get("linewidth", 1.5) + 0.5}
            axes.plot(x[line][order], slope[line][order], **look)
    axes.set(title=name, xlabel="x")
    axes.grid(alpha=0.3)


def _bars(axes: Axes, x: Array, p: Array) -> None:
    """Draw the softmax of a few rows, one group of bars each."""
    width = 0.8 / x.shape[1]
    for column, shade in zip(range(x.shape[1]), ("#1b3a6b", "#e8a33d", "#9a9a9a"), strict=True):
        places = np.arange(len(x)) + (column - 1) * width
        axes.bar(places, p[:, column], width, color=shade, edgecolor="black", linewidth=0.5)
    names = ["\n".join(f"{value:g}" for value in row) for row in x]
    axes.set_xticks(range(len(x)), names, fontsize=8)
    axes.set(title="softmax", xlabel="x, three numbers each", ylabel="share")


def _jacobian(axes: Axes, x: Array, slopes: Array) -> None:
    """Draw the derivative of softmax at one row: of each output by each input."""
    size = float(np.abs(slopes).max())
    axes.imshow(slopes, cmap="PuOr", vmin=-size, vmax=size)
    for (row, column), value in np.ndenumerate(slopes):
        colour = "white" if abs(value) > 0.75 * size else "black"
        axes.text(column, row, f"{value:.3f}", ha="center", va="center", color=colour)
    names = [f"{value:g}" for value in x]
    axes.set_xticks(range(len(x)), names)
    axes.set_yticks(range(len(x)), names)
    axes.set(title="derivative of softmax", xlabel="by x", ylabel="of the share of")
