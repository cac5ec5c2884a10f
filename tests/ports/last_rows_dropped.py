"""Planted: the last row of every batch is dropped."""

from impls.numpy import mnist
from impls.numpy.mnist import accuracy, build, export, forward, gradients, loss  # noqa: F401

FRAMEWORK = "numpy"


def train(model, x, y, schedule, learning_rate):
    return mnist.train(model, x, y, schedule[:, :-1], learning_rate)
