"""Planted: the model is built around its caller's arrays, and trains them."""

from impls.numpy.iris import accuracy, export, forward, gradients, loss, train  # noqa: F401

FRAMEWORK = "numpy"


def build(weights):
    return weights
