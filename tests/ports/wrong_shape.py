"""Planted: the loss comes as an array of one number instead of a number."""

from impls.numpy import iris
from impls.numpy.iris import accuracy, build, export, forward, gradients, train  # noqa: F401

FRAMEWORK = "numpy"


def loss(model, x, y):
    return iris.loss(model, x, y).reshape(1)
