"""Initial weights, made once in NumPy and handed to every port.

Two frameworks' generators never agree, so no port draws its own. `RandomState` is used because
NumPy promises that its streams never change; those of newer generators may.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

Weights = dict[str, NDArray[np.float64]]
WeightShapes = Mapping[str, tuple[int, ...]]

# K. Saitoh, Deep Learning from Scratch (2016): chapter 2 has XOR as AND of NAND and OR, chapter 3
# the net whose signals are followed.
XOR = {"W1": [[-0.5, 0.5], [-0.5, 0.5]], "b1": [0.7, -0.2], "W2": [[0.5], [0.5]], "b2": [-0.7]}
SIGNALS_NET = {
    "W1": [[0.1, 0.3, 0.5], [0.2, 0.4, 0.6]],
    "b1": [0.1, 0.2, 0.3],
    "W2": [[0.1, 0.4], [0.2, 0.5], [0.3, 0.6]],
    "b2": [0.1, 0.2],
    "W3": [[0.1, 0.3], [0.2, 0.4]],
    "b3": [0.1, 0.2],
}
# Peking University, Artificial Intelligence Practice: TensorFlow Notes, the first forward pass.
IRIS = {
    "W": [[-0.8, -0.34, -1.4], [0.6, 1.3, 0.25], [0.5, 1.45, 0.9], [0.65, 0.7, -1.2]],
    "b": [2.52, -3.1, 5.62],
}


def zeros(shapes: WeightShapes, seed: int) -> Weights:
    """Return all weights zero; `seed` changes nothing."""
    return {name: np.zeros(shape) for name, shape in shapes.items()}


def ones(shapes: WeightShapes, seed: int) -> Weights:
    """Return matrices of ones and zero biases; `seed` changes nothing."""
    return {
        n: np.ones(shape) if len(shape) == 2 else np.zeros(shape) for n, shape in shapes.items()
    }


def given(values: Mapping[str, Any], shapes: WeightShapes, seed: int) -> Weights:
    """Return weights that somebody chose; `seed` changes nothing."""
    return {name: np.array(values[name], np.float64).reshape(shapes[name]) for name in shapes}


def standard_normal(shapes: WeightShapes, seed: int) -> Weights:
    """Return all weights and biases drawn from N(0, 1), in the order of `shapes`."""
    random = RandomState(seed)
    return {name: random.standard_normal(shape) for name, shape in shapes.items()}


def small_normal(shapes: WeightShapes, seed: int) -> Weights:
    """Return matrices drawn from N(0, 1) times 0.01, and zero biases.

    The course's notebooks keep a matrix as (outputs, inputs): it is drawn so, then transposed.
    """
    random = RandomState(seed)
    return {
        name: (random.randn(*shape[::-1]) * 0.01).T.copy() if len(shape) == 2 else np.zeros(shape)
        for name, shape in shapes.items()
    }
