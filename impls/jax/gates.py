"""XOR by hand, 2-2-1 with a step behind each layer, in JAX: pure functions.

No single step can tell XOR's rows apart. Two layers can: XOR is AND of NAND and OR.
Source: K. Saitoh, "Deep Learning from Scratch" (2016), chapter 2.
"""

import jax.numpy as jnp

from impls.jax.runtime import configure, to_native
from shared.experiment import prepare


def build(weights):
    """Return the parameters, a dict of arrays: W1 (2, 2), b1 (2,), W2 (2, 1), b2 (1,)."""
    return dict(weights)  # JAX arrays never change, so there is nothing to copy


def step(z):
    """Return 1 where z is over 0, else 0."""
    return (z > 0).astype(z.dtype)


def forward(params, x):
    """Return the outputs (B, 1), 0 or 1, for the inputs x (B, 2)."""
    hidden = layers(params, x)["hidden"]
    return step(hidden @ params["W2"] + params["b2"])  # (B, 2) @ (2, 1) -> (B, 1)


def layers(params, x):
    """Return the hidden layer: NAND and OR of the inputs, (B, 2)."""
    return {"hidden": step(x @ params["W1"] + params["b1"])}  # (B, 2) @ (2, 2) -> (B, 2)


def accuracy(params, x, y):
    """Return the fraction of rows of the truth table that come out right."""
    correct = forward(params, x) == y
    return jnp.mean(correct, dtype=x.dtype)  # the mean of booleans is float32 otherwise


def main():
    """Run the recipe `gates` and print the truth table."""
    configure("float32", "cpu", threads=1)
    experiment = prepare("gates", "float32")
    print(experiment.headline)
    x, y = to_native(experiment.x), to_native(experiment.y)
    params = build({name: to_native(value) for name, value in experiment.weights.items()})
    hidden, outputs = layers(params, x)["hidden"], forward(params, x)
    for row, (nand, _or), (xor,) in zip(experiment.x, hidden, outputs, strict=True):
        print(f"{row[0]:.0f} {row[1]:.0f}  NAND {nand:.0f}  OR {_or:.0f}  XOR {xor:.0f}")
    print(f"accuracy {accuracy(params, x, y):.4f}")


if __name__ == "__main__":
    main()
