"""Planted: train logs nonsense, and export brings the right losses along."""

from impls.numpy import planar
from impls.numpy.planar import accuracy, build, forward, gradients, loss  # noqa: F401

FRAMEWORK = "numpy"


def train(model, x, y, schedule, learning_rate):
    model, losses = planar.train(model, x, y, schedule, learning_rate)
    return {**model, "loss": losses}, losses * 0


def export(model):
    return dict(model)
