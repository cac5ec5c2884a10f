"""Women and men by weight and height, 2-2-1, sigmoids, in PyTorch: a Module and autograd.

Trained on the mean squared error, one person per step.
Source: V. Zhou, "Machine Learning for Beginners: An Introduction to Neural Networks".
"""

import torch
import torch.nn.functional as F
from torch import nn

from impls.torch.runtime import configure, to_native
from shared.experiment import prepare


class PeopleClassifier(nn.Module):
    def __init__(self, inputs, hidden, outputs):
        super().__init__()
        self.hidden = nn.Linear(inputs, hidden)
        self.output = nn.Linear(hidden, outputs)

    def forward(self, x):
        h = torch.sigmoid(self.hidden(x))  # (B, 2) -> (B, 2)
        return torch.sigmoid(self.output(h))  # (B, 2) -> (B, 1)


def build(weights):
    """Return the model, a Module with a copy of W1 (2, 2), b1 (2,), W2 (2, 1), b2 (1,)."""
    W1, W2 = weights["W1"], weights["W2"]
    model = PeopleClassifier(*W1.shape, W2.shape[1]).to(W1)  # W1's dtype and device
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
    """Return the outputs (B, 1), between 0 and 1, for the inputs x (B, 2)."""
    return model(x)


def layers(model, x):
    """Return the hidden layer's activations: h (B, 2)."""
    return {"h": torch.sigmoid(model.hidden(x))}  # (B, 2) -> (B, 2)


def loss(model, x, y):
    """Return the mean squared error; y (B, 1) is 1 for women, 0 for men."""
    return F.mse_loss(model(x), y)


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
    """Return the fraction of rows on the right side of 1/2."""
    return ((model(x) > 0.5) == (y > 0.5)).to(x.dtype).mean()


def export(model):
    """Return a copy of the weights: W1 (2, 2), b1 (2,), W2 (2, 1), b2 (1,)."""
    state = model.state_dict()
    return {
        "W1": state["hidden.weight"].T.clone(),
        "b1": state["hidden.bias"].clone(),
        "W2": state["output.weight"].T.clone(),
        "b2": state["output.bias"].clone(),
    }


def main():
    """Train on the recipe `people` and print the log."""
    configure("float32", "cpu", threads=1)
    experiment = prepare("people", "float32")
    print(experiment.headline)
    x, y = to_native(experiment.x), to_native(experiment.y)
    model = build({name: to_native(value) for name, value in experiment.weights.items()})
    for last, batches in experiment.parts(10):
        model, losses = train(model, x, y, batches, experiment.learning_rate)
        print(f"step {last:4d}  loss {losses[-1]:.6f}  accuracy {accuracy(model, x, y):.4f}")
    emily, frank = forward(model, to_native(experiment.x_test))
    print(f"Emily {emily[0]:.6f}  Frank {frank[0]:.6f}")


if __name__ == "__main__":
    main()
