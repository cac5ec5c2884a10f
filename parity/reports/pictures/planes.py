"""What nets with two inputs decide: the plane, a row per recipe and a column per port."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from parity.reports.pictures.style import CLASSES, Pictures, port_style, scatter_classes
from parity.reports.plot_data.drawn import Drawn
from parity.reports.plot_data.looks import is_failing
from parity.reports.plot_data.planes import Plane, axis_names, plane
from parity.results import PortResult

UNSEEN = {"facecolor": "none", "linewidth": 1.5}  # rows to test on


def draw(drawn: list[Drawn]) -> Pictures:
    """Draw the decisions of all ports on all recipes of one net."""
    net, dtype = drawn[0].net, drawn[0].dtype
    planes = {
        (each.recipe, result.port): (result, seen)
        for each in drawn
        for result in each.single
        if (seen := plane(each, result))
    }
    ports = list(dict.fromkeys(port for _, port in planes))
    if not ports:
        return
    columns, rows = len(ports), len(drawn)
    figure = Figure(figsize=(2.9 * columns + 1, 3.1 * rows + 0.8), layout="constrained")
    figure.suptitle(f"{net}, {dtype}: what each port predicts")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for each, row in zip(drawn, grid, strict=True):
        for port, axes in zip(ports, row, strict=True):
            if (each.recipe, port) in planes:
                _panel(axes, each, *planes[each.recipe, port])
            else:
                axes.set_axis_off()
        row[0].set_ylabel(f"{each.recipe}\n{axis_names(net)[1]}")
    for axes in grid[-1]:
        axes.set_xlabel(axis_names(net)[0])
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), title="class")
    yield f"{net}-decisions", figure


def _panel(axes: Axes, drawn: Drawn, result: PortResult, seen: Plane) -> None:
    """Draw the points, the regions of either class and the line between them."""
    experiment = drawn.experiment
    colours = [colour for _, colour in CLASSES]
    shades: dict[str, Any] = {"colors": colours, "alpha": 0.3, "zorder": 0}
    axes.contourf(seen.x, seen.y, seen.score, [-np.inf, 0, np.inf], **shades)
    if seen.score.min() < 0 < seen.score.max():
        axes.contour(seen.x, seen.y, seen.score, [0], colors="black", linewidths=1, zorder=1)
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
    own = drawn.looks[result.port]
    colour = port_style(own)["color"] if is_failing(own) else "black"
    title = result.port if share is None else f"{result.port}: {100 * share:.2f} %"
    axes.set_title(title, color=colour)
