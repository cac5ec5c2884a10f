"""Long curves by fewer points, so that no extreme of any of them is lost."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def kept(series: Sequence[Array], stretches: int) -> NDArray[np.int64]:
    """Return at which steps to draw curves: all, or those where one is largest in its stretch.

    Args:
        series: the curves, (n,) each; to keep where one is smallest, give its negative, too. NaN
            is never the largest.
        stretches: how many there are, at most, each longer than the one before.

    Returns:
        Steps in order, (m,), with the first and the last; m is at most len(series) * stretches + 2.
    """
    length = len(series[0])
    if length <= len(series) * stretches + 2:
        return np.arange(length)
    starts = np.unique(np.geomspace(1, length, stretches).astype(int)) - 1
    stops = [*starts[1:], length]
    ranked = [np.where(np.isnan(values), -np.inf, values) for values in series]
    largest = [
        start + int(values[start:stop].argmax())
        for values in ranked
        for start, stop in zip(starts, stops, strict=True)
    ]
    return np.unique([0, *largest, length - 1])
