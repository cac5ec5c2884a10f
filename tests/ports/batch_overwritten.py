"""Planted: the gradients leave their batch changed."""

from impls.numpy import mnist
from impls.numpy.mnist import accuracy, build, export, forward, loss, train  # noqa: F401

FRAMEWORK = "numpy"


def gradients(model, x, y):
    result = mnist.gradients(model, x, y)
    x -= x.mean(axis=0)
    return result
