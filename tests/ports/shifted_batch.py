"""Planted: every step takes the next step's batch."""

import numpy as np

from impls.numpy import mnist
from impls.numpy.mnist import accuracy, build, export, forward, gradients, loss  # noqa: F401

FRAMEWORK = "numpy"


def train(model, x, y, schedule, learning_rate):
    return mnist.train(model, x, y, np.roll(schedule, -1, axis=0), learning_rate)
