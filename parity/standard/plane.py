"""The part of the plane on which nets with two inputs are drawn: a grid around their data."""

import numpy as np

from shared.rows import Array, Rows

POINTS = 151  # along each side
MARGIN = 0.25  # of the data's own extent, around it


def sides(x: Array) -> tuple[Array, Array]:
    """Return the coordinates along the two sides, (POINTS,) each, around the data x (n, 2)."""
    first, second = (_side(x[:, column]) for column in (0, 1))
    return first, second


def grid(x: Rows) -> Array | None:
    """Return the points of the grid, (POINTS^2, 2), in the precision of x; None if x is not (n, 2).

    The first input runs the fastest.
    """
    if not isinstance(x, np.ndarray) or x.ndim != 2 or x.shape[1] != 2 or not len(x):
        return None
    return np.stack(np.meshgrid(*sides(x)), axis=-1).reshape(-1, 2).astype(x.dtype)


def _side(values: Array) -> Array:
    low, high = float(values.min()), float(values.max())
    margin = MARGIN * (high - low)
    return np.linspace(low - margin, high + margin, POINTS)
