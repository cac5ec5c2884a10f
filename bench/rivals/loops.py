"""The tiny nets as plain loops, compiled by numba: about as fast as C."""

import math
from typing import Any

import numpy as np
from numba import njit

from bench.contender import Train


@njit(cache=False)
def _linear(W: Any, b: Any, x: Any, y: Any, rate: float, losses: Any) -> None:
    rows, inputs = x.shape
    outputs = W.shape[1]
    dW, db = np.zeros_like(W), np.zeros_like(b)
    for step in range(len(losses)):
        dW[:], db[:] = 0, 0
        total = 0.0
        for r in range(rows):
            for o in range(outputs):
                e = b[o] - y[r, o]
                for i in range(inputs):
                    e += x[r, i] * W[i, o]
                total += e * e
                db[o] += e
                for i in range(inputs):
                    dW[i, o] += x[r, i] * e
        scale = 2 / (rows * outputs)
        losses[step] = total / (rows * outputs)
        for o in range(outputs):
            b[o] -= rate * scale * db[o]
            for i in range(inputs):
                W[i, o] -= rate * scale * dW[i, o]


@njit(cache=False)
def _planar(W1: Any, b1: Any, W2: Any, b2: Any, x: Any, y: Any, rate: float, losses: Any) -> None:
    rows, inputs = x.shape
    hidden = W1.shape[1]
    a = np.zeros_like(b1)
    dW1, db1, dW2 = np.zeros_like(W1), np.zeros_like(b1), np.zeros_like(W2)
    for step in range(len(losses)):
        dW1[:], db1[:], dW2[:] = 0, 0, 0
        db2, total = 0.0, 0.0
        for r in range(rows):
            z = b2[0]
            for h in range(hidden):
                s = b1[h]
                for i in range(inputs):
                    s += x[r, i] * W1[i, h]
                a[h] = math.tanh(s)
                z += a[h] * W2[h, 0]
            e = math.exp(-abs(z))
            total += max(z, 0.0) - z * y[r, 0] + math.log1p(e)
            d = (1 if z > 0 else e) / (1 + e) - y[r, 0]
            db2 += d
            for h in range(hidden):
                dW2[h, 0] += a[h] * d
                dh = d * W2[h, 0] * (1 - a[h] * a[h])
                db1[h] += dh
                for i in range(inputs):
                    dW1[i, h] += x[r, i] * dh
        losses[step] = total / rows
        b2[0] -= rate * db2 / rows
        for h in range(hidden):
            W2[h, 0] -= rate * dW2[h, 0] / rows
            b1[h] -= rate * db1[h] / rows
            for i in range(inputs):
                W1[i, h] -= rate * dW1[i, h] / rows


def train_of(module: Any) -> Train:
    """Return the loop of a net's port."""
    planar = module.__name__ == "impls.numpy.planar"
    loop: Any = _planar if planar else _linear
    names = ("W1", "b1", "W2", "b2") if planar else ("W", "b")

    def train(model: Any, x: Any, y: Any, schedule: Any, learning_rate: float) -> tuple[Any, Any]:
        losses = np.empty(schedule, x.dtype)
        loop(*(model[name] for name in names), x, y, learning_rate, losses)
        return model, losses

    return train
