"""Loss curves: the ports on top of each other and, below, their distance from the reference."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from parity.reports.pictures.style import port_style, spare_ticks
from parity.reports.plot_data.drawn import Drawn
from parity.reports.plot_data.looks import failing_first
from parity.reports.plot_data.thinning import kept
from parity.standard.comparison import LIMIT
from parity.standard.floors import EXACT_ZERO

Array = NDArray[Any]
LONG = 2_000  # points that a curve is drawn by: more cannot be told apart


def draw(drawn: Drawn) -> Figure:
    """Draw the losses of all ports, their errors and the limit, a column per precision."""
    ran = [result for result in drawn.results if result.curves]
    dtypes = list(dict.fromkeys(result.dtype for result in ran))
    ran = failing_first(ran, drawn.looks)
    figure = Figure(figsize=(5.5 * len(dtypes), 6.5), layout="constrained")
    figure.suptitle(drawn.title)
    axes = figure.subplots(2, len(dtypes), squeeze=False, sharex=True)
    for (loss, error), dtype in zip(axes.T, dtypes, strict=True):
        curves = [(r.port, r.curves) for r in ran if r.dtype == dtype and r.curves]
        _, first = curves[0]
        for port, curve in curves:
            style = port_style(drawn.looks[port])
            loss.plot(*points(curve.losses), label=port, **style)
            distance = np.abs(curve.losses - curve.reference)
            positive = np.where(distance > 0, distance, np.nan)  # zero has no logarithm
            error.plot(*points(positive), label=port, **style)
        limit = f"limit: {LIMIT:g} noise floors"
        floors = np.where(first.floors > EXACT_ZERO, first.floors, np.nan)
        error.plot(*points(LIMIT * floors), color="black", linewidth=1, label=limit)
        loss.set_title(dtype)
        error.set(xscale="log", yscale="log", xlabel="update (counted from 1)")
        for axis in (loss.xaxis, error.xaxis, error.yaxis):
            spare_ticks(axis)
    axes[0, 0].set_ylabel("loss before the update")
    named = {
        label: line
        for axis in axes[1]
        for line, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    lines, labels = [*named.values()], [*named]
    figure.legend(lines, labels, loc="outside lower center", ncols=min(len(labels), 4))
    axes[1, 0].set_ylabel("distance from NumPy in float64")
    return figure


def points(values: Array) -> tuple[Array, Array]:
    """Return the points of a curve, (steps,): which updates, from 1, and their values, (m,) each.

    Of a long curve they are the largest and the smallest value of each stretch.
    """
    shown = kept([values, -values], LONG // 2 - 1)
    return shown + 1, values[shown]
