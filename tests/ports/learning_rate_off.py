"""Planted: the learning rate is off by one part in 10,000."""

from impls.torch import planar
from impls.torch.planar import accuracy, build, export, forward, gradients, loss  # noqa: F401

FRAMEWORK = "torch"


def train(model, x, y, schedule, learning_rate):
    return planar.train(model, x, y, schedule, learning_rate * (1 + 1e-4))
