"""What nets with two inputs decide of the plane, as charts."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from contourpy import FillType, contour_generator

from parity.reports.html.charts import Chart, Charts
from parity.reports.plot_data.drawn import Drawn
from parity.reports.plot_data.looks import failing_first, is_failing
from parity.reports.plot_data.planes import Plane, axis_names, plane
from parity.reports.wording import percent
from parity.results import PortResult
from shared.metrics import true_classes
from shared.rows import Array, Rows

COORDINATE_DIGITS = 3  # significant ones


def decisions(charts: Charts, drawn: Drawn) -> Iterator[Chart]:
    """Add a chart for each port, in one precision: the points, and where it says class 1."""
    experiment = drawn.experiment
    for result in failing_first(drawn.single, drawn.looks):
        seen = plane(drawn, result)
        if seen is None:
            continue
        yield charts.add(
            f"{result.port}, {result.dtype}",
            _said(seen, result),
            "plane",
            fails=is_failing(drawn.looks[result.port]),
            points=_points(charts, experiment.x, experiment.y),
            unseen=_points(charts, experiment.x_test, experiment.y_test),
            regions=charts.pool.add(regions(seen)),
            sides=[_ends(seen.x), _ends(seen.y)],
            names=axis_names(drawn.net),
        )


def regions(seen: Plane) -> list[str]:
    """Return the regions of class 1 as paths of SVG, each with its holes."""
    score = np.where(np.isfinite(seen.score), seen.score, 0)
    contours: Any = contour_generator(seen.x, seen.y, score, fill_type=FillType.OuterOffset)
    lines, offsets, *_ = contours.filled(0, np.inf)
    return [
        "".join(_path(points[start:stop]) for start, stop in pairwise(starts))
        for points, starts in zip(lines, offsets, strict=True)
    ]


def _path(points: Array) -> str:
    return (
        "M"
        + "L".join(f"{x:.{COORDINATE_DIGITS}g},{y:.{COORDINATE_DIGITS}g}" for x, y in points)
        + "Z"
    )


def _points(charts: Charts, x: Rows, y: Rows) -> list[dict[str, int]]:
    """Return the points of class 0 and of class 1, where there are rows with classes."""
    if x is None or isinstance(y, dict) or not y.size:
        return []
    classes = true_classes(y)
    return [
        {
            "x": charts.shorten(x[classes == number, 0], COORDINATE_DIGITS),
            "y": charts.shorten(x[classes == number, 1], COORDINATE_DIGITS),
        }
        for number in (0, 1)
    ]


def _ends(values: Array) -> list[float]:
    return [float(values[0]), float(values[-1])]


def _said(seen: Plane, result: PortResult) -> str:
    share = float(np.mean(seen.score > 0))
    own = percent(result.accuracy["train"])
    right = f"; {own} of the rows to train on are right" if own else ""
    return f"Class 1 on {share:.1%} of the plane shown{right}."
