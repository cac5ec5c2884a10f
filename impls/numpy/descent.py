"""Gradient descent on a parabola, (w + 1)^2, in NumPy: one weight, its derivative by hand.

One weight, y = w x, and its squared error: on the one row x = 1, y = -1 that is (w + 1)^2.
Source: "Artificial Intelligence Practice: TensorFlow Notes" (Peking University).
"""

import numpy as np

from impls.numpy.runtime import configure, to_native
from shared.experiment import prepare


def build(weights):
    """Return the model, a dict of arrays of its own: w, a scalar ()."""
    return {name: value.copy() for name, value in weights.items()}


def forward(model, x):
    """Return the outputs w x (B, 1) for the inputs x (B, 1)."""
    return model["w"] * x


def loss_and_gradients(model, x, y):
    """Return the loss and, from the same forward pass, its gradients.

    With e = w x - y, the loss is the mean of e^2, so
        dw = mean of 2 e x
    """
    e = forward(model, x) - y  # (B, 1)
    return (e * e).mean(), {"w": (2 * e * x).mean()}


def loss(model, x, y):
    """Return the mean squared error; y is (B, 1)."""
    return loss_and_gradients(model, x, y)[0]


def gradients(model, x, y):
    """Return d loss / d weights, derived by hand, in the weights' names and shapes."""
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


def export(model):
    """Return a copy of the weights: w, a scalar ()."""
    return {name: value.copy() for name, value in model.items()}


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
