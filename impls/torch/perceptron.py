"""The perceptron, 2-1 with a step behind it, in PyTorch: a Module and autograd.

It learns from its mistakes alone: where step(z) is not y, W moves by (y - step(z)) x. That is
descent on the mean of (step(z) - y) z, in which the step counts as constant: it has no slope.
Source: F. Rosenblatt, "The perceptron" (1958); M. Minsky and S. Papert, "Perceptrons" (1969).
"""

import torch
from torch import nn

from impls.torch.runtime import configure, to_native
from shared.experiment import prepare


class Perceptron(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)

    def forward(self, x):
        return self.linear(x)  # (B, 2) -> (B, 1)


def build(weights):
    """Return the model, a Module with a copy of the weights W (2, 1), b (1,)."""
    W, b = weights["W"], weights["b"]
    model = Perceptron(*W.shape).to(W)  # W's dtype and device
    model.load_state_dict({"linear.weight": W.T, "linear.bias": b})  # torch keeps (outputs, inputs)
    return model


def forward(model, x):
    """Return z (B, 1), what goes into the step, for the inputs x (B, 2)."""
    return model(x)


def step(z):
    """Return 1 where z is over 0, else 0."""
    return (z > 0).to(z.dtype)


def loss(model, x, y):
    """Return the mean of |z| over the rows, where those that are right count 0; y is 0 or 1."""
    z = model(x)
    return ((step(z) - y) * z).mean()


def gradients(model, x, y):
    """Return d loss / d weights by autograd: W (2, 1), b (1,)."""
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
    """Take one step per batch; return the model and its losses (steps,).

    `schedule` holds the row numbers of each batch, (steps, B). The loop is eager: torch.compile
    needs a C++ compiler, and more seconds than so small a net would save.
    """
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
    batches = torch.tensor(schedule, device=x.device)
    losses = [train_step(model, optimizer, x[rows], y[rows]) for rows in batches]
    return model, torch.stack(losses)


@torch.no_grad()
def accuracy(model, x, y):
    """Return the fraction of rows on which the perceptron is right."""
    return (step(model(x)) == y).to(x.dtype).mean()


def export(model):
    """Return a copy of the weights: W (2, 1), b (1,)."""
    state = model.state_dict()
    return {"W": state["linear.weight"].T.clone(), "b": state["linear.bias"].clone()}


def main():
    """Train on the recipe `perceptron-and` and print the log."""
    configure("float32", "cpu", threads=1)
    experiment = prepare("perceptron-and", "float32")
    print(experiment.headline)
    x, y = to_native(experiment.x), to_native(experiment.y)
    model = build({name: to_native(value) for name, value in experiment.weights.items()})
    for last, batches in experiment.parts(10):
        model, losses = train(model, x, y, batches, experiment.learning_rate)
        print(
            f"step {last:3d}  mean loss {losses.mean():.6f}  accuracy {accuracy(model, x, y):.4f}"
        )


if __name__ == "__main__":
    main()
