"""What all pictures share: how ports and classes look."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, NullLocator
from numpy.typing import NDArray

Array = NDArray[Any]
Pictures = Iterator[tuple[str, Figure]]
# Colours of different lightness and dashes of different lengths: readable in greyscale, too. Only
# ports that fail are red, and they lie on top.
ON_TOP = {"zorder": 3}
PORT_STYLES: dict[str, dict[str, Any]] = {
    "port-0": {"color": "#000000", "linestyle": "-", "linewidth": 4.0, "alpha": 0.25},
    "port-1": {"color": "#1f6fb2", "linestyle": "-", "linewidth": 1.6},
    "port-2": {"color": "#c08a00", "linestyle": (0, (6, 3))},
    "port-3": {"color": "#7a4ea3", "linestyle": (0, (2, 2))},
    "port-4": {"color": "#00798c", "linestyle": (0, (6, 2, 1, 2))},
    "port-5": {"color": "#6b5344", "linestyle": (0, (1, 3)), "linewidth": 2.2},
    "failing-0": {"color": "#c4200f", "linestyle": "-", "linewidth": 2.2, **ON_TOP},
    "failing-1": {"color": "#9b1462", "linestyle": (0, (6, 3)), "linewidth": 2.2, **ON_TOP},
    "failing-2": {"color": "#e0559a", "linestyle": (0, (2, 2)), "linewidth": 2.2, **ON_TOP},
}
CLASSES = (("o", "#1b3a6b"), ("s", "#e8a33d"))  # class 0 and class 1


def port_style(look: str) -> dict[str, Any]:
    """Return the style of a port's curve, by its look."""
    return dict(PORT_STYLES[look])


def spare_ticks(axis: Axis) -> None:
    """Mark whole powers of ten alone, in plain text: the others take most of the time to draw."""
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(LogFormatter())


def scatter_classes(axes: Axes, x: Array, y: Array, size: float = 60, **style: Any) -> None:
    """Draw points as their classes.

    Args:
        axes: where.
        x: the points, (n, 2).
        y: their classes, (n, 1), 0 or 1.
        size: of a marker, in square points.
        **style: how markers look, as of `Axes.scatter`, where that is not as usual.
    """
    for number, (marker, colour) in enumerate(CLASSES):
        rows = x[np.asarray(y)[:, 0] == number]
        look = {"edgecolor": "white", "linewidth": 0.3, "zorder": 3, **style}
        axes.scatter(
            rows[:, 0], rows[:, 1], s=size, marker=marker, color=colour, label=f"{number}", **look
        )
