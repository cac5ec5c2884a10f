"""Planted: training centres its caller's array, in place."""

from impls.numpy import iris
from impls.numpy.iris import accuracy, build, export, forward, gradients, loss  # noqa: F401

FRAMEWORK = "numpy"


def train(model, x, y, schedule, learning_rate):
    result = iris.train(model, x, y, schedule, learning_rate)
    x += 1e-3
    return result
