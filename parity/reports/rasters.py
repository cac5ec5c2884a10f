"""What is to be seen of a result, as pixels: for programs that show images, and no charts."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.reports.plot_data.digits import largest_weight, weight_images
from parity.reports.plot_data.drawn import Drawn
from parity.reports.plot_data.planes import Plane, plane
from parity.results import Confusion, PortResult

Array = NDArray[Any]
Pixels = NDArray[np.uint8]
REGIONS = np.array([[209, 215, 225], [249, 232, 207]], np.uint8)  # where the class is 0, or 1
CLASSES = np.array([[27, 58, 107], [199, 122, 0]], np.uint8)
LINE = np.array([0, 0, 0], np.uint8)
SCALE = 3  # pixels for each point of a plane
LARGE = 8  # pixels for each number of a table, or each pixel of a weight


def decisions(drawn: Drawn, result: PortResult) -> Pixels:
    """Return a port's plane and the rows to train on, (height, width, 3)."""
    seen = plane(drawn, result)
    over = _large((seen.score > 0).astype(int), SCALE)
    image = REGIONS[over]
    edge = np.zeros(over.shape, bool)
    edge[:, 1:] |= over[:, 1:] != over[:, :-1]
    edge[1:] |= over[1:] != over[:-1]
    image[edge] = LINE
    x, y = drawn.experiment.x, drawn.experiment.y
    half = 2 if len(x) > 50 else 5
    for number in (0, 1):
        for column, row in _places(seen, x[y[:, 0] == number]):
            image[row - half : row + half + 1, column - half : column + half + 1] = CLASSES[number]
    return image[::-1]  # the second input grows upwards


def _places(seen: Plane, points: Array) -> NDArray[np.int64]:
    """Return column and row of points, (n, 2)."""
    low = np.array([seen.x[0], seen.y[0]])
    size = np.array([seen.x[-1], seen.y[-1]]) - low
    size[size == 0] = 1
    return np.asarray(np.rint((points - low) / size * (SCALE * len(seen.x) - 1)), np.int64)


def weights(drawn: Drawn, result: PortResult) -> Pixels:
    """Return the columns of W side by side, (height, width): dark speaks for the digit."""
    row = np.concatenate(list(weight_images(drawn, result)), axis=1)
    return _grey((1 - row / largest_weight(drawn, [result])) / 2)


def confusion(found: Confusion) -> Pixels:
    """Return a table of confusions, (height, width): the darker, the more of a class's rows."""
    counts = np.array(found.counts)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return _grey(1 - np.sqrt(shares))  # the root shows what is rare, too


def _grey(image: Array) -> Pixels:
    """Return numbers from 0 to 1 as pixels, larger."""
    pixels = np.rint(255 * image.astype(np.float64)).astype(np.uint8)
    return _large(pixels, LARGE)


def _large(image: Array, scale: int) -> Array:
    return image.repeat(scale, axis=0).repeat(scale, axis=1)
