"""Planted: the derivative of the square lacks its 2."""

from impls.numpy import iris
from impls.numpy.iris import accuracy, build, export, forward, loss, train  # noqa: F401

FRAMEWORK = "numpy"


def gradients(model, x, y):
    return {name: value / 2 for name, value in iris.gradients(model, x, y).items()}
