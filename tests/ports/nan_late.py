"""Planted: the loss is NaN from step 30 on."""

import numpy as np

from impls.numpy import planar
from impls.numpy.planar import accuracy, build, export, forward, gradients, loss  # noqa: F401

FRAMEWORK = "numpy"


def train(model, x, y, schedule, learning_rate):
    model, losses = planar.train(model, x, y, schedule, learning_rate)
    losses[30:] = np.nan
    return model, losses
