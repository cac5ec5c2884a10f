"""What nets with two inputs decide of the plane."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.reports.plot_data.drawn import Drawn
from parity.results import PortResult
from parity.rungs.climb import PLANE
from parity.standard.plane import sides

Array = NDArray[Any]
INPUTS = {"people": ("weight - 135 (pounds)", "height - 66 (inches)")}


@dataclass(frozen=True)
class Plane:
    """A net's output over a part of the plane, less the threshold: over 0, the class is 1.

    x, y: the points along the two sides, (n,). score: (n, n), a row per y.
    """

    x: Array
    y: Array
    score: Array


def plane(drawn: Drawn, result: PortResult) -> Plane | None:
    """Return what a port itself says of the plane around the data; None where it was not asked."""
    outputs = result.predicted.get(PLANE)
    if outputs is None:
        return None
    x, y = sides(drawn.experiment.x)
    score = outputs[:, 0].astype(np.float64) - drawn.experiment.recipe.threshold
    return Plane(x, y, score.reshape(len(y), len(x)))


def axis_names(net: str) -> tuple[str, str]:
    """Return what the two inputs of a net are."""
    return INPUTS.get(net, ("first input", "second input"))
