"""Signals followed through three layers, 2-3-2-2, in NumPy: products and sums.

Sigmoids in the hidden layers; the outputs are left as they are (identity), or become 0 or 1 (step).
Source: K. Saitoh, "Deep Learning from Scratch" (2016), chapter 3.
"""

import numpy as np

from impls.numpy.runtime import configure, to_native
from shared.experiment import prepare


def build(weights):
    """Return the model, a dict of arrays of its own: W1 (2, 3), b1 (3,), ..., b3 (2,)."""
    return {name: value.copy() for name, value in weights.items()}


def sigmoid(z):
    """Return 1 / (1 + exp(-z)), by a form of it that never overflows."""
    return (1 + np.tanh(z / 2)) / 2


def forward(model, x):
    """Return the outputs (B, 2), which nothing is applied to, for the inputs x (B, 2)."""
    return layers(model, x)["A3"]


def layers(model, x):
    """Return every layer's sums A and activations Z; and the outputs after a step, (B, 2)."""
    A1 = x @ model["W1"] + model["b1"]  # (B, 2) @ (2, 3) -> (B, 3)
    Z1 = sigmoid(A1)
    A2 = Z1 @ model["W2"] + model["b2"]  # (B, 3) @ (3, 2) -> (B, 2)
    Z2 = sigmoid(A2)
    A3 = Z2 @ model["W3"] + model["b3"]  # (B, 2) @ (2, 2) -> (B, 2)
    step = (A3 > 0).astype(A3.dtype)
    return {"A1": A1, "Z1": Z1, "A2": A2, "Z2": Z2, "A3": A3, "step": step}


def main():
    """Run the recipe `signals` and print every layer."""
    configure("float32", "cpu", threads=1)
    experiment = prepare("signals", "float32")
    print(experiment.headline)
    x = to_native(experiment.x)
    model = build({name: to_native(value) for name, value in experiment.weights.items()})
    for name, value in layers(model, x).items():
        print(f"{name:7} {value}")
    print(f"outputs {forward(model, x)}")


if __name__ == "__main__":
    main()
