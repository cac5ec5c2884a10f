"""Planted: the gradient of the bias is forgotten."""

from impls.numpy import iris
from impls.numpy.iris import accuracy, build, export, forward, loss, train  # noqa: F401

FRAMEWORK = "numpy"


def gradients(model, x, y):
    return {"W": iris.gradients(model, x, y)["W"]}
