"""The perceptron, 2-1 with a step behind it, in NumPy: the rule by hand.

It learns from its mistakes alone: where step(z) is not y, W moves by (y - step(z)) x. That is
descent on the mean of (step(z) - y) z, in which the step counts as constant: it has no slope.
Source: F. Rosenblatt, "The perceptron" (1958); M. Minsky and S. Papert, "Perceptrons" (1969).
"""

import numpy as np

from impls.numpy.runtime import configure, to_native
from shared.experiment import prepare


def build(weights):
    """Return the model, a dict of arrays of its own: W (2, 1), b (1,)."""
    return {name: value.copy() for name, value in weights.items()}


def forward(model, x):
    """Return z (B, 1), what goes into the step, for the inputs x (B, 2)."""
    return x @ model["W"] + model["b"]  # (B, 2) @ (2, 1) -> (B, 1)


def step(z):
    """Return 1 where z is over 0, else 0."""
    return (z > 0).astype(z.dtype)


def loss_and_gradients(model, x, y):
    """Return the loss and, from the same forward pass, its gradients.

    The loss is the mean of (step(z) - y) z, so
        dz = (step(z) - y) / B      dW = x^T dz      db = sum of dz over the rows
    """
    z = forward(model, x)  # (B, 1)
    mistake = step(z) - y  # (B, 1): 0, 1 or -1
    dz = mistake / len(y)
    return (mistake * z).mean(), {
        "W": x.T @ dz,  # (2, B) @ (B, 1) -> (2, 1)
        "b": dz.sum(axis=0),
    }


def loss(model, x, y):
    """Return the mean of |z| over the rows, where those that are right count 0; y is 0 or 1."""
    return loss_and_gradients(model, x, y)[0]


def gradients(model, x, y):
    """Return d loss / d weights, derived by hand, in the weights' names and shapes."""
    return loss_and_gradients(model, x, y)[1]


def train(model, x, y, schedule, learning_rate):
    """Take one step per batch; return the model and its losses (steps,).

    `schedule` holds the row numbers of each batch, (steps, B). A plain loop that updates in place.
    It compiles nothing: for short runs, nothing is faster.
    """
    losses = np.empty_like(x, shape=len(schedule))  # of the precision and the kind of x
    for i, rows in enumerate(schedule):
        losses[i], grads = loss_and_gradients(model, x[rows], y[rows])
        for name in model:
            model[name] -= learning_rate * grads[name]
    return model, losses


def accuracy(model, x, y):
    """Return the fraction of rows on which the perceptron is right."""
    return (step(forward(model, x)) == y).mean()


def export(model):
    """Return a copy of the weights: W (2, 1), b (1,)."""
    return {name: value.copy() for name, value in model.items()}


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
