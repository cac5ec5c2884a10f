"""Signals followed through three layers, 2-3-2-2, in JAX: pure functions.

Sigmoids in the hidden layers; the outputs are left as they are (identity), or become 0 or 1 (step).
Source: K. Saitoh, "Deep Learning from Scratch" (2016), chapter 3.
"""

import jax

from impls.jax.runtime import configure, to_native
from shared.experiment import prepare


def build(weights):
    """Return the parameters, a dict of arrays: W1 (2, 3), b1 (3,), ..., b3 (2,)."""
    return dict(weights)  # JAX arrays never change, so there is nothing to copy


def forward(params, x):
    """Return the outputs (B, 2), which nothing is applied to, for the inputs x (B, 2)."""
    return layers(params, x)["A3"]


def layers(params, x):
    """Return every layer's sums A and activations Z; and the outputs after a step, (B, 2)."""
    A1 = x @ params["W1"] + params["b1"]  # (B, 2) @ (2, 3) -> (B, 3)
    Z1 = jax.nn.sigmoid(A1)
    A2 = Z1 @ params["W2"] + params["b2"]  # (B, 3) @ (3, 2) -> (B, 2)
    Z2 = jax.nn.sigmoid(A2)
    A3 = Z2 @ params["W3"] + params["b3"]  # (B, 2) @ (2, 2) -> (B, 2)
    step = (A3 > 0).astype(A3.dtype)
    return {"A1": A1, "Z1": Z1, "A2": A2, "Z2": Z2, "A3": A3, "step": step}


def main():
    """Run the recipe `signals` and print every layer."""
    configure("float32", "cpu", threads=1)
    experiment = prepare("signals", "float32")
    print(experiment.headline)
    x = to_native(experiment.x)
    params = build({name: to_native(value) for name, value in experiment.weights.items()})
    for name, value in layers(params, x).items():
        print(f"{name:7} {value}")
    print(f"outputs {forward(params, x)}")


if __name__ == "__main__":
    main()
