"""Planted: the log is kept finite by adding 1e-8 to the probability."""

import numpy as np

from impls.numpy.planar import (  # noqa: F401
    accuracy,
    build,
    export,
    forward,
    gradients,
    train,
)

FRAMEWORK = "numpy"


def loss(model, x, y):
    p = 1 / (1 + np.exp(-forward(model, x)))
    return -(y * np.log(p + 1e-8) + (1 - y) * np.log(1 - p + 1e-8)).mean()
