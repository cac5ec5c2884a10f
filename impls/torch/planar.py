"""Planar classifier, 2-4-1, tanh then sigmoid, in PyTorch: a Module and autograd.

Source: "Planar data classification with one hidden layer", a notebook of the course Neural
Networks and Deep Learning (deeplearning.ai).
"""

import torch
import torch.nn.functional as F
from torch import nn

from impls.torch.runtime import configure, to_native
from shared.experiment import prepare


class PlanarClassifier(nn.Module):
    def __init__(self, inputs, hidden, outputs):
        super().__init__()
        self.hidden = nn.Linear(inputs, hidden)
        self.output = nn.Linear(hidden, outputs)

    def forward(self, x):
        a = torch.tanh(self.hidden(x))  # (B, 2) -> (B, 4)
        return self.output(a)  # (B, 4) -> (B, 1), logits


def build(weights):
    """Return the model, a Module with a copy of W1 (2, 4), b1 (4,), W2 (4, 1), b2 (1,)."""
    W1, W2 = weights["W1"], weights["W2"]
    model = PlanarClassifier(*W1.shape, W2.shape[1]).to(W1)  # W1's dtype and device
    model.load_state_dict(
        {
            "hidden.weight": W1.T,  # torch keeps (outputs, inputs)
            "hidden.bias": weights["b1"],
            "output.weight": W2.T,
            "output.bias": weights["b2"],
        }
    )
    return model


def forward(model, x):
    """Return the logits (B, 1) for the inputs x (B, 2)."""
    return model(x)


def loss(model, x, y):
    """Return the mean binary cross-entropy in nats, from logits; y (B, 1) is 0 or 1."""
    return F.binary_cross_entropy_with_logits(model(x), y)


def gradients(model, x, y):
    """Return d loss / d weights by autograd, in the weights' canonical names and shapes."""
    dhidden, dbias1, doutput, dbias2 = torch.autograd.grad(loss(model, x, y), model.parameters())
    return {"W1": dhidden.T, "b1": dbias1, "W2": doutput.T, "b2": dbias2}


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
    """Return the fraction of rows on the right side: sigmoid(z) > 1/2 where z > 0."""
    return ((model(x) > 0) == (y > 0.5)).to(x.dtype).mean()


def export(model):
    """Return a copy of the weights: W1 (2, 4), b1 (4,), W2 (4, 1), b2 (1,)."""
    state = model.state_dict()
    return {
        "W1": state["hidden.weight"].T.clone(),
        "b1": state["hidden.bias"].clone(),
        "W2": state["output.weight"].T.clone(),
        "b2": state["output.bias"].clone(),
    }


def main():
    """Train on the recipe `planar` and print the log."""
    configure("float32", "cpu", threads=1)
    experiment = prepare("planar", "float32")
    print(experiment.headline)
    x, y = to_native(experiment.x), to_native(experiment.y)
    model = build({name: to_native(value) for name, value in experiment.weights.items()})
    for last, steps in experiment.parts(10):
        model, losses = train(model, x, y, steps, experiment.learning_rate)
        print(f"step {last:5d}  loss {losses[-1]:.6f}  accuracy {accuracy(model, x, y):.4f}")


if __name__ == "__main__":
    main()
