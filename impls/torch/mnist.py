"""Softmax regression on MNIST, 784-10, in PyTorch: a Module and autograd.

Source: "MNIST For ML Beginners", the tutorial of TensorFlow 1.
"""

import torch
import torch.nn.functional as F
from torch import nn

from impls.torch.runtime import configure, to_native
from shared.experiment import prepare


class SoftmaxRegression(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)

    def forward(self, x):
        return self.linear(x)  # (B, 784) -> (B, 10), logits


def build(weights):
    """Return the model, a Module with a copy of the weights W (784, 10), b (10,)."""
    W, b = weights["W"], weights["b"]
    model = SoftmaxRegression(*W.shape).to(W)  # W's dtype and device
    model.load_state_dict({"linear.weight": W.T, "linear.bias": b})  # torch keeps (outputs, inputs)
    return model


def forward(model, x):
    """Return the logits (B, 10) for the images x (B, 784)."""
    return model(x)


def loss(model, x, y):
    """Return the mean cross-entropy in nats, from logits; y (B,) holds the digits."""
    return F.cross_entropy(model(x), y)


def gradients(model, x, y):
    """Return d loss / d weights by autograd: W (784, 10), b (10,)."""
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
    """Return the fraction of images whose largest logit is that of the right digit."""
    return (model(x).argmax(dim=1) == y).to(x.dtype).mean()


def export(model):
    """Return a copy of the weights: W (784, 10), b (10,)."""
    state = model.state_dict()
    return {"W": state["linear.weight"].T.clone(), "b": state["linear.bias"].clone()}


def main():
    """Train on the recipe `mnist` and print the log."""
    configure("float32", "cpu", threads=1)
    experiment = prepare("mnist", "float32")
    print(experiment.headline)
    x, y = to_native(experiment.x), to_native(experiment.y)
    x_test, y_test = to_native(experiment.x_test), to_native(experiment.y_test)
    model = build({name: to_native(value) for name, value in experiment.weights.items()})
    for last, batches in experiment.parts(10):
        model, losses = train(model, x, y, batches, experiment.learning_rate)
        test = accuracy(model, x_test, y_test)
        print(f"step {last:5d}  mean loss {losses.mean():.6f}  test accuracy {test:.4f}")


if __name__ == "__main__":
    main()
