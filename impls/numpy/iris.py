"""Linear least squares on Fisher's iris, 4-3, in NumPy: the gradient by hand.

One linear output per species, trained on the mean squared error against one-hot targets.
Source: R. A. Fisher, "The use of multiple measurements in taxonomic problems" (1936), the data.
"""

import numpy as np

from impls.numpy.runtime import configure, to_native
from shared.experiment import prepare


def build(weights):
    """Return the model, a dict of arrays of its own: W (4, 3), b (3,)."""
    return {name: value.copy() for name, value in weights.items()}


def forward(model, x):
    """Return the outputs (B, 3) for the inputs x (B, 4)."""
    return x @ model["W"] + model["b"]  # (B, 4) @ (4, 3) -> (B, 3)


def loss_and_gradients(model, x, y):
    """Return the loss and, from the same forward pass, its gradients.

    With e = x @ W + b - y, the loss is the mean of e^2 over all B * 3 numbers, so
        de = 2 e / (B * 3)      dW = x^T de      db = sum of de over the rows
    """
    e = forward(model, x) - y  # (B, 3)
    de = e * (2 / e.size)  # (B, 3)
    return (e * e).mean(), {
        "W": x.T @ de,  # (4, B) @ (B, 3) -> (4, 3)
        "b": de.sum(axis=0),
    }


def loss(model, x, y):
    """Return the mean squared error over rows and outputs; y is one-hot (B, 3)."""
    return loss_and_gradients(model, x, y)[0]


def gradients(model, x, y):
    """Return d loss / d weights, derived by hand: W (4, 3), b (3,)."""
    return loss_and_gradients(model, x, y)[1]


def train(model, x, y, schedule, learning_rate):
    """Descend `schedule` full-batch steps; return the model and its losses (steps,).

    A plain loop that updates in place. It compiles nothing: for short runs, nothing is faster.
    """
    losses = np.empty_like(x, shape=schedule)  # of the precision and the kind of x
    for step in range(schedule):
        losses[step], grads = loss_and_gradients(model, x, y)
        for name in model:
            model[name] -= learning_rate * grads[name]
    return model, losses


def accuracy(model, x, y):
    """Return the fraction of rows whose largest output is that of the right species."""
    return (forward(model, x).argmax(axis=1) == y.argmax(axis=1)).mean()


def export(model):
    """Return a copy of the weights: W (4, 3), b (3,)."""
    return {name: value.copy() for name, value in model.items()}


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
