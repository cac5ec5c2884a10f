"""Linear least squares on Fisher's iris, 4-3, in PyTorch: a Module and autograd.

One linear output per species, trained on the mean squared error against one-hot targets.
Source: R. A. Fisher, "The use of multiple measurements in taxonomic problems" (1936), the data.
"""

import torch
import torch.nn.functional as F
from torch import nn

from impls.torch.runtime import configure, to_native
from shared.experiment import prepare


class LinearRegression(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)

    def forward(self, x):
        return self.linear(x)  # (B, 4) -> (B, 3)


def build(weights):
    """Return the model, a Module with a copy of the weights W (4, 3), b (3,)."""
    W, b = weights["W"], weights["b"]
    model = LinearRegression(*W.shape).to(W)  # W's dtype and device
    model.load_state_dict({"linear.weight": W.T, "linear.bias": b})  # torch keeps (outputs, inputs)
    return model


def forward(model, x):
    """Return the outputs (B, 3) for the inputs x (B, 4)."""
    return model(x)


def loss(model, x, y):
    """Return the mean squared error over rows and outputs; y is one-hot (B, 3)."""
    return F.mse_loss(model(x), y)


def gradients(model, x, y):
    """Return d loss / d weights by autograd: W (4, 3), b (3,)."""
    dweight, dbias = torch.autograd.grad(loss(model, x, y), model.parameters())
    return {"W": dweight.T, "b": dbias}


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


@torch.no_grad()
def accuracy(model, x, y):
    """Return the fraction of rows whose largest output is that of the right species."""
    return (model(x).argmax(dim=1) == y.argmax(dim=1)).to(x.dtype).mean()


def export(model):
    """Return a copy of the weights: W (4, 3), b (3,)."""
    state = model.state_dict()
    return {"W": state["linear.weight"].T.clone(), "b": state["linear.bias"].clone()}


def main():
    """Train on the recipe `iris` and print the log."""
    configure("float32", "cpu", threads=1)
    experiment = prepare("iris", "float32")
    print(experiment.headline)
    x, y = to_native(experiment.x), to_native(experiment.y)
    model = build({name: to_native(value) for name, value in experiment.weights.items()})
    for last, steps in experiment.parts(10):
        model, losses = train(model, x, y, steps, experiment.learning_rate)
        print(f"step {last:5d}  loss {losses[-1]:.6f}  accuracy {accuracy(model, x, y):.4f}")


if __name__ == "__main__":
    main()
