"""Women and men by weight and height, 2-2-1, sigmoids, in NumPy: backpropagation by hand.

Trained on the mean squared error, one person per step.
Source: V. Zhou, "Machine Learning for Beginners: An Introduction to Neural Networks".
"""

import numpy as np

from impls.numpy.runtime import configure, to_native
from shared.experiment import prepare


def build(weights):
    """Return the model, a dict of arrays of its own: W1 (2, 2), b1 (2,), W2 (2, 1), b2 (1,)."""
    return {name: value.copy() for name, value in weights.items()}


def sigmoid(z):
    """Return 1 / (1 + exp(-z)), by a form of it that never overflows."""
    return (1 + np.tanh(z / 2)) / 2


def forward(model, x):
    """Return the outputs (B, 1), between 0 and 1, for the inputs x (B, 2)."""
    h = layers(model, x)["h"]
    return sigmoid(h @ model["W2"] + model["b2"])  # (B, 2) @ (2, 1) -> (B, 1)


def layers(model, x):
    """Return the hidden layer's activations: h (B, 2)."""
    return {"h": sigmoid(x @ model["W1"] + model["b1"])}  # (B, 2) @ (2, 2) -> (B, 2)


def loss_and_gradients(model, x, y):
    """Return the loss and, from the same forward pass, its gradients.

    With p the outputs and e = p - y, the loss is the mean of e^2. Backwards, sigmoid' = a (1 - a):
        dz  = 2 e p (1 - p) / B       dW2 = h^T dz     db2 = sum of dz over the rows
        dz1 = dz W2^T * h (1 - h)     dW1 = x^T dz1    db1 = sum of dz1 over the rows
    """
    h = layers(model, x)["h"]  # (B, 2)
    p = sigmoid(h @ model["W2"] + model["b2"])  # (B, 1)
    e = p - y  # (B, 1)
    dz = e * (2 / len(y)) * (p * (1 - p))  # (B, 1)
    dz1 = dz @ model["W2"].T * (h * (1 - h))  # (B, 1) @ (1, 2) -> (B, 2)
    return (e * e).mean(), {
        "W1": x.T @ dz1,  # (2, B) @ (B, 2) -> (2, 2)
        "b1": dz1.sum(axis=0),
        "W2": h.T @ dz,  # (2, B) @ (B, 1) -> (2, 1)
        "b2": dz.sum(axis=0),
    }


def loss(model, x, y):
    """Return the mean squared error; y (B, 1) is 1 for women, 0 for men."""
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
    for step, rows in enumerate(schedule):
        losses[step], grads = loss_and_gradients(model, x[rows], y[rows])
        for name in model:
            model[name] -= learning_rate * grads[name]
    return model, losses


def accuracy(model, x, y):
    """Return the fraction of rows on the right side of 1/2."""
    return ((forward(model, x) > 0.5) == (y > 0.5)).mean()


def export(model):
    """Return a copy of the weights: W1 (2, 2), b1 (2,), W2 (2, 1), b2 (1,)."""
    return {name: value.copy() for name, value in model.items()}


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
