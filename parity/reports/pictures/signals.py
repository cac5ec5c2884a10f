"""Signals followed through a net: every number where it arises."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from parity.reports.pictures.style import Pictures
from parity.reports.plot_data.drawn import Drawn

Array = NDArray[Any]
LAYERS = (("x", "inputs"), ("Z1", "sigmoid"), ("Z2", "sigmoid"), ("A3", "identity"))
SUMS = {"Z1": "A1", "Z2": "A2"}


def draw(drawn: list[Drawn]) -> Pictures:
    """Draw the net as nodes and weighted lines, with the numbers that the first port computes."""
    [each] = drawn
    result = each.single[0]
    inside = {name: np.asarray(value)[0] for name, value in result.inside.items()}
    if not {"A1", "Z1", "A2", "Z2", "A3"} <= inside.keys():
        return
    inside["x"] = np.asarray(each.experiment.x)[0]
    weights = each.experiment.weights
    figure = Figure(figsize=(9.5, 5), layout="constrained")
    figure.suptitle(f"{each.recipe}: {result.port}, {each.dtype}")
    axes = figure.subplots()
    for layer, (start, _) in enumerate(LAYERS[:-1]):
        W = weights[f"W{layer + 1}"]
        ends = _heights(W.shape[1])
        for (source, target), weight in np.ndenumerate(W):
            heights = (_heights(len(inside[start]))[source], ends[target])
            look: dict[str, Any] = {
                "color": "#888888",
                "linewidth": 0.6 + 4 * abs(float(weight)),
                "zorder": 1,
            }
            axes.plot((layer, layer + 1), heights, **look)
    for layer, (name, label) in enumerate(LAYERS):
        for number, height in enumerate(_heights(len(inside[name]))):
            text = f"{inside[name][number]:.5g}"
            if name in SUMS:
                text = f"{inside[SUMS[name]][number]:.5g}\n↓\n{text}"
            box = {"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": "black"}
            axes.text(layer, height, text, ha="center", va="center", bbox=box, zorder=2)
        axes.text(layer, 1.75, f"{name}\n{label}", ha="center", va="center")
    axes.text(
        3,
        -1.75,
        f"after a step: {'  '.join(f'{v:g}' for v in inside['step'])}",
        ha="center",
        va="center",
    )
    axes.set(xlim=(-0.5, 3.5), ylim=(-2.1, 2.1))
    axes.set_axis_off()
    yield "signals-net", figure


def _heights(nodes: int) -> Array:
    return np.linspace(1, -1, nodes) if nodes > 2 else np.array([0.6, -0.6])
