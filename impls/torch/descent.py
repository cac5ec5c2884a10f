"""Gradient descent on a parabola, (w + 1)^2, in PyTorch: a Parameter and autograd.

One weight, y = w x, and its squared error: on the one row x = 1, y = -1 that is (w + 1)^2.
Source: "Artificial Intelligence Practice: TensorFlow Notes" (Peking University).
"""

import torch
import torch.nn.functional as F
from torch import nn

from impls.torch.runtime import configure, to_native
from shared.experiment import prepare


class Multiplier(nn.Module):
    def __init__(self, w):
        super().__init__()
        self.w = nn.Parameter(w.clone())

    def forward(self, x):
        return self.w * x


def build(weights):
    """Return the model, a Module with a copy of w, a scalar ()."""
    return Multiplier(weights["w"])


def forward(model, x):
    """Return the outputs w x (B, 1) for the inputs x (B, 1)."""
    return model(x)


def loss(model, x, y):
    """Return the mean squared error; y is (B, 1)."""
    return F.mse_loss(model(x), y)


def gradients(model, x, y):
    """Return d loss / d weights by autograd, in the weights' names and shapes."""
    (dw,) = torch.autograd.grad(loss(model, x, y), model.parameters())
    return {"w": dw}


def train_step(model, optimizer, x, y):
    """Update the model in place; return the loss before the update."""
    optimizer.zero_grad()
    value = loss(model, x, y)
    value.backward()
    optimizer.step()
    return value.detach()


def train(model, x, y, schedule, learning_rate):
    """Descend `schedule` full-batch steps; return the model and its losses (steps,).

    The loop is eager: torch.compile needs a C++ compiler, and more seconds than so small a net
    would save.
    """
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
    losses = [train_step(model, optimizer, x, y) for _ in range(schedule)]
    return model, torch.stack(losses)


def export(model):
    """Return a copy of the weights: w, a scalar ()."""
    return {"w": model.w.detach().clone()}


def main():
    """Train on the recipe `descent` and print the log."""
    configure("float32", "cpu", threads=1)
    experiment = prepare("descent", "float32")
    print(experiment.headline)
    x, y = to_native(experiment.x), to_native(experiment.y)
    model = build({name: to_native(value) for name, value in experiment.weights.items()})
    for last, steps in experiment.parts(experiment.steps):
        model, losses = train(model, x, y, steps, experiment.learning_rate)
        print(f"step {last:2d}  loss {losses[-1]:9.6f}  then w is {export(model)['w']:9.6f}")


if __name__ == "__main__":
    main()
