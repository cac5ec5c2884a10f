"""Planted: train returns its last loss instead of all of them."""

from impls.numpy import planar
from impls.numpy.planar import accuracy, build, export, forward, gradients, loss  # noqa: F401

FRAMEWORK = "numpy"


def train(model, x, y, schedule, learning_rate):
    model, losses = planar.train(model, x, y, schedule, learning_rate)
    return model, losses[-1]
