"""Planted: on more rows than a batch, the logits are doubled; the classes stay the same."""

from impls.numpy import mnist
from impls.numpy.mnist import accuracy, build, export, gradients, loss, train  # noqa: F401

FRAMEWORK = "numpy"


def forward(model, x):
    z = mnist.forward(model, x)
    return z if len(x) <= 100 else 2 * z
