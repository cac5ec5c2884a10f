"""Initial weights, made once in NumPy and handed to every port.

Two frameworks' generators never agree, so no port draws its own. `RandomState` is used because
NumPy promises that its streams never change; those of newer generators may.
"""

from collections.abc import Mapping

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

Weights = dict[str, NDArray[np.float64]]
Shapes = Mapping[str, tuple[int, ...]]


def zeros(shapes: Shapes, seed: int) -> Weights:
    """Return all weights zero; `seed` changes nothing."""
    return {name: np.zeros(shape) for name, shape in shapes.items()}


def standard_normal(shapes: Shapes, seed: int) -> Weights:
    """Return all weights and biases drawn from N(0, 1), in the order of `shapes`."""
    random = RandomState(seed)
    return {name: random.standard_normal(shape) for name, shape in shapes.items()}


def small_normal(shapes: Shapes, seed: int) -> Weights:
    """Return matrices drawn from N(0, 1) times 0.01, and zero biases.

    The course's notebooks keep a matrix as (outputs, inputs): it is drawn so, then transposed.
    """
    random = RandomState(seed)
    return {
        name: (random.randn(*shape[::-1]) * 0.01).T.copy() if len(shape) == 2 else np.zeros(shape)
        for name, shape in shapes.items()
    }
