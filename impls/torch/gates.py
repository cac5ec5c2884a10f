"""XOR by hand, 2-2-1 with a step behind each layer, in PyTorch: a Module.

No single step can tell XOR's rows apart. Two layers can: XOR is AND of NAND and OR.
Source: K. Saitoh, "Deep Learning from Scratch" (2016), chapter 2.
"""

import torch
from torch import nn

from impls.torch.runtime import configure, to_native
from shared.experiment import prepare


class Gates(nn.Module):
    def __init__(self, inputs, hidden, outputs):
        super().__init__()
        self.hidden = nn.Linear(inputs, hidden)
        self.output = nn.Linear(hidden, outputs)

    def forward(self, x):
        hidden = step(self.hidden(x))  # (B, 2) -> (B, 2)
        return step(self.output(hidden))  # (B, 2) -> (B, 1)


def build(weights):
    """Return the model, a Module with a copy of W1 (2, 2), b1 (2,), W2 (2, 1), b2 (1,)."""
    W1, W2 = weights["W1"], weights["W2"]
    model = Gates(*W1.shape, W2.shape[1]).to(W1)  # W1's dtype and device
    model.load_state_dict(
        {
            "hidden.weight": W1.T,  # torch keeps (outputs, inputs)
            "hidden.bias": weights["b1"],
            "output.weight": W2.T,
            "output.bias": weights["b2"],
        }
    )
    return model


def step(z):
    """Return 1 where z is over 0, else 0."""
    return (z > 0).to(z.dtype)


def forward(model, x):
    """Return the outputs (B, 1), 0 or 1, for the inputs x (B, 2)."""
    return model(x)


def layers(model, x):
    """Return the hidden layer: NAND and OR of the inputs, (B, 2)."""
    return {"hidden": step(model.hidden(x))}  # (B, 2) -> (B, 2)


@torch.no_grad()
def accuracy(model, x, y):
    """Return the fraction of rows of the truth table that come out right."""
    return (model(x) == y).to(x.dtype).mean()


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
