"""Signals followed through three layers, 2-3-2-2, in PyTorch: a Module.

Sigmoids in the hidden layers; the outputs are left as they are (identity), or become 0 or 1 (step).
Source: K. Saitoh, "Deep Learning from Scratch" (2016), chapter 3.
"""

import torch
from torch import nn

from impls.torch.runtime import configure, to_native
from shared.experiment import prepare


class ThreeLayers(nn.Module):
    def __init__(self, *sizes):
        super().__init__()
        self.first, self.second, self.third = map(nn.Linear, sizes[:-1], sizes[1:])

    def forward(self, x):
        Z1 = torch.sigmoid(self.first(x))  # (B, 2) -> (B, 3)
        Z2 = torch.sigmoid(self.second(Z1))  # (B, 3) -> (B, 2)
        return self.third(Z2)  # (B, 2) -> (B, 2)


def build(weights):
    """Return the model, a Module with a copy of W1 (2, 3), b1 (3,), ..., b3 (2,)."""
    W1, W2, W3 = weights["W1"], weights["W2"], weights["W3"]
    model = ThreeLayers(*W1.shape, *W3.shape).to(W1)  # W1's dtype and device
    model.load_state_dict(
        {
            "first.weight": W1.T,  # torch keeps (outputs, inputs)
            "first.bias": weights["b1"],
            "second.weight": W2.T,
            "second.bias": weights["b2"],
            "third.weight": W3.T,
            "third.bias": weights["b3"],
        }
    )
    return model


def forward(model, x):
    """Return the outputs (B, 2), which nothing is applied to, for the inputs x (B, 2)."""
    return model(x)


def layers(model, x):
    """Return every layer's sums A and activations Z; and the outputs after a step, (B, 2)."""
    A1 = model.first(x)  # (B, 2) -> (B, 3)
    Z1 = torch.sigmoid(A1)
    A2 = model.second(Z1)  # (B, 3) -> (B, 2)
    Z2 = torch.sigmoid(A2)
    A3 = model.third(Z2)  # (B, 2) -> (B, 2)
    step = (A3 > 0).to(A3.dtype)
    return {"A1": A1, "Z1": Z1, "A2": A2, "Z2": Z2, "A3": A3, "step": step}


def main():
    """Run the recipe `signals` and print every layer."""
    configure("float32", "cpu", threads=1)
    experiment = prepare("signals", "float32")
    print(experiment.headline)
    x = to_native(experiment.x)
    model = build({name: to_native(value) for name, value in experiment.weights.items()})
    for name, value in layers(model, x).items():
        print(f"{name:7} {value.detach()}")
    print(f"outputs {forward(model, x).detach()}")


if __name__ == "__main__":
    main()
