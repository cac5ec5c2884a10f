"""Softmax regression on MNIST, 784-10, in NumPy: the gradient by hand.

Source: "MNIST For ML Beginners", the tutorial of TensorFlow 1.
"""

import numpy as np

from impls.numpy.runtime import configure, to_native
from shared.experiment import prepare


def build(weights):
    """Return the model, a dict of arrays of its own: W (784, 10), b (10,)."""
    return {name: value.copy() for name, value in weights.items()}


def forward(model, x):
    """Return the logits (B, 10) for the images x (B, 784)."""
    return x @ model["W"] + model["b"]  # (B, 784) @ (784, 10) -> (B, 10)


def log_softmax(z):
    """Return log(softmax(z)) along the rows of z (B, 10), with no exponential over 1."""
    z = z - z.max(axis=1, keepdims=True)  # (B, 10) - (B, 1) -> (B, 10)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def loss_and_gradients(model, x, y):
    """Return the loss and, from the same forward pass, its gradients.

    With p = softmax(z), the loss is the mean of -log p[y], so
        dz = (p - onehot(y)) / B      dW = x^T dz      db = sum of dz over the rows
    """
    rows = np.arange(len(y))
    log_p = log_softmax(forward(model, x))  # (B, 10)
    dz = np.exp(log_p)  # (B, 10), softmax(z)
    dz[rows, y] -= 1
    dz /= len(y)
    return -log_p[rows, y].mean(), {
        "W": x.T @ dz,  # (784, B) @ (B, 10) -> (784, 10)
        "b": dz.sum(axis=0),
    }


def loss(model, x, y):
    """Return the mean cross-entropy in nats, from logits; y (B,) holds the digits."""
    return loss_and_gradients(model, x, y)[0]


def gradients(model, x, y):
    """Return d loss / d weights, derived by hand: W (784, 10), b (10,)."""
    return loss_and_gradients(model, x, y)[1]


def train(model, x, y, schedule, learning_rate):
    """Take one step per batch; return the model and its losses (steps,).

    `schedule` holds the row numbers of each batch, (steps, B). A plain loop that updates in place:
    to write the rest into buffers (`out=`), too, gains nothing.
    """
    losses = np.empty_like(x, shape=len(schedule))  # of the precision and the kind of x
    for step, rows in enumerate(schedule):
        losses[step], grads = loss_and_gradients(model, x[rows], y[rows])
        for name in model:
            model[name] -= learning_rate * grads[name]
    return model, losses


def accuracy(model, x, y):
    """Return the fraction of images whose largest logit is that of the right digit."""
    return (forward(model, x).argmax(axis=1) == y).mean()


def export(model):
    """Return a copy of the weights: W (784, 10), b (10,)."""
    return {name: value.copy() for name, value in model.items()}


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
