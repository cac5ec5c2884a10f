"""What a model does while it is trained, as far as its outputs show it."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Mode = Literal["same", "draws", "counts"]


def observed(run: Callable[..., Array], weights: Callable[[], dict[str, Array]], x: Array) -> Mode:
    """Return whether a model computes the same in training, draws, or counts on its batch.

    Args:
        run: takes rows, and whether it is training; returns the outputs.
        weights: returns the weights, and the statistics that are kept with them.
        x: some rows.
    """
    before, evaluated = weights(), run(x, False)
    first, second = run(x, True), run(x, True)
    if not np.array_equal(first, second, equal_nan=True):
        return "draws"
    kept = all(np.array_equal(value, before[name]) for name, value in weights().items())
    return "same" if kept and np.array_equal(first, evaluated, equal_nan=True) else "counts"
