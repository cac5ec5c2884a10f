"""What a softmax regression has learned of images: each column of its weights is an image."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.reports.plot_data.drawn import Drawn
from parity.results import PortResult

Array = NDArray[Any]
SIDE = 28  # pixels


def weight_images(drawn: Drawn, result: PortResult) -> Array:
    """Return the columns of a port's last W as images, (10, 28, 28)."""
    return drawn.weights(result)["W"].T.reshape(-1, SIDE, SIDE)


def largest_weight(drawn: Drawn, results: list[PortResult]) -> float:
    """Return the largest of all weights, to draw all ports on one scale; never 0."""
    largest = (float(np.abs(drawn.weights(result)["W"]).max()) for result in results)
    return max(largest, default=0.0) or 1.0
