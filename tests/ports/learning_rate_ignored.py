"""Planted: the learning rate is typed in, right for this recipe alone."""

from impls.numpy import planar
from impls.numpy.planar import accuracy, build, export, forward, gradients, loss  # noqa: F401

FRAMEWORK = "numpy"


def train(model, x, y, schedule, learning_rate):
    return planar.train(model, x, y, schedule, 1.2)
