"""Planted: from update 40 on, the learning rate is a thousandth too small."""

import numpy as np

from impls.numpy import planar
from impls.numpy.planar import accuracy, build, export, forward, gradients, loss  # noqa: F401

FRAMEWORK = "numpy"


def train(model, x, y, schedule, learning_rate):
    early, late = min(schedule, 40), max(schedule - 40, 0)
    model, first = planar.train(model, x, y, early, learning_rate)
    model, second = planar.train(model, x, y, late, learning_rate * 0.999)
    return model, np.concatenate([first, second])
