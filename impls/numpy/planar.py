"""Planar classifier, 2-4-1, tanh then sigmoid, in NumPy: backpropagation by hand.

Source: "Planar data classification with one hidden layer", a notebook of the course Neural
Networks and Deep Learning (deeplearning.ai).
"""

import numpy as np

from impls.numpy.runtime import configure, to_native
from shared.experiment import prepare


def build(weights):
    """Return the model, a dict of arrays of its own: W1 (2, 4), b1 (4,), W2 (4, 1), b2 (1,)."""
    return {name: value.copy() for name, value in weights.items()}


def propagate(model, x):
    """Return the hidden layer's activations a (B, 4) and the logits z (B, 1) for x (B, 2)."""
    a = np.tanh(x @ model["W1"] + model["b1"])  # (B, 2) @ (2, 4) -> (B, 4)
    z = a @ model["W2"] + model["b2"]  # (B, 4) @ (4, 1) -> (B, 1)
    return a, z


def forward(model, x):
    """Return the logits (B, 1) for the inputs x (B, 2)."""
    _, z = propagate(model, x)
    return z


def loss_and_gradients(model, x, y):
    """Return the loss and, from the same forward pass, its gradients.

    With p = sigmoid(z), the loss is the mean of -y log p - (1 - y) log (1 - p), which is
    max(z, 0) - z y + log(1 + exp(-|z|)) without ever overflowing. Backwards, tanh' = 1 - a^2:
        dz  = (p - y) / B             dW2 = a^T dz     db2 = sum of dz over the rows
        dz1 = dz W2^T * (1 - a^2)     dW1 = x^T dz1    db1 = sum of dz1 over the rows
    """
    a, z = propagate(model, x)
    e = np.exp(-np.abs(z))  # (B, 1), in (0, 1]
    value = (np.maximum(z, 0) - z * y + np.log1p(e)).mean()
    p = np.exp(np.minimum(z, 0)) / (1 + e)  # (B, 1), the sigmoid for either sign of z
    dz = (p - y) / len(y)  # (B, 1)
    dz1 = dz @ model["W2"].T * (1 - a * a)  # (B, 1) @ (1, 4) -> (B, 4)
    return value, {
        "W1": x.T @ dz1,  # (2, B) @ (B, 4) -> (2, 4)
        "b1": dz1.sum(axis=0),
        "W2": a.T @ dz,  # (4, B) @ (B, 1) -> (4, 1)
        "b2": dz.sum(axis=0),
    }


def loss(model, x, y):
    """Return the mean binary cross-entropy in nats, from logits; y (B, 1) is 0 or 1."""
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


def accuracy(model, x, y):
    """Return the fraction of rows on the right side: sigmoid(z) > 1/2 where z > 0."""
    return ((forward(model, x) > 0) == (y > 0.5)).mean()


def export(model):
    """Return a copy of the weights: W1 (2, 4), b1 (4,), W2 (4, 1), b2 (1,)."""
    return {name: value.copy() for name, value in model.items()}


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
