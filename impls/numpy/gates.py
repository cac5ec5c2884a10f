"""XOR by hand, 2-2-1 with a step behind each layer, in NumPy: products, sums and comparisons.

No single step can tell XOR's rows apart. Two layers can: XOR is AND of NAND and OR.
Source: K. Saitoh, "Deep Learning from Scratch" (2016), chapter 2.
"""

from impls.numpy.runtime import configure, to_native
from shared.experiment import prepare


def build(weights):
    """Return the model, a dict of arrays of its own: W1 (2, 2), b1 (2,), W2 (2, 1), b2 (1,)."""
    return {name: value.copy() for name, value in weights.items()}


def step(z):
    """Return 1 where z is over 0, else 0."""
    return (z > 0).astype(z.dtype)


def forward(model, x):
    """Return the outputs (B, 1), 0 or 1, for the inputs x (B, 2)."""
    hidden = layers(model, x)["hidden"]
    return step(hidden @ model["W2"] + model["b2"])  # (B, 2) @ (2, 1) -> (B, 1)


def layers(model, x):
    """Return the hidden layer: NAND and OR of the inputs, (B, 2)."""
    return {"hidden": step(x @ model["W1"] + model["b1"])}  # (B, 2) @ (2, 2) -> (B, 2)


def accuracy(model, x, y):
    """Return the fraction of rows of the truth table that come out right."""
    return (forward(model, x) == y).mean()


def main():
    """Run the recipe `gates` and print the truth table."""
    configure("float32", "cpu", threads=1)
    experiment = prepare("gates", "float32")
    print(experiment.headline)
    x, y = to_native(experiment.x), to_native(experiment.y)
    model = build({name: to_native(value) for name, value in experiment.weights.items()})
    hidden, outputs = layers(model, x)["hidden"], forward(model, x)
    for row, (nand, _or), (xor,) in zip(experiment.x, hidden, outputs, strict=True):
        print(f"{row[0]:.0f} {row[1]:.0f}  NAND {nand:.0f}  OR {_or:.0f}  XOR {xor:.0f}")
    print(f"accuracy {accuracy(model, x, y):.4f}")


if __name__ == "__main__":
    main()
