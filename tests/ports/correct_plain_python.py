"""Correct, with no framework named: a loop over rows of plain NumPy, and Python floats."""

import math

import numpy as np


def build(weights):
    return [weights[name].copy() for name in ("W1", "b1", "W2", "b2")]


def forward(model, x):
    W1, b1, W2, b2 = model
    return np.stack([np.tanh(row @ W1 + b1) @ W2 + b2 for row in x])


def loss(model, x, y):
    pairs = zip(forward(model, x)[:, 0], y[:, 0], strict=True)
    return math.fsum(math.log1p(math.exp(-abs(z))) + max(z, 0) - z * t for z, t in pairs) / len(x)


def accuracy(model, x, y):
    return float(((forward(model, x) > 0) == (y > 0.5)).mean())
