"""Six activations and their derivatives, in NumPy: the derivatives by hand.

Softmax is taken along each row, and its derivative is a matrix: of each output by each input. The
step has no derivative to speak of: 0 everywhere but at 0, where there is none. ReLU's at 0 is 0.
Source: K. Saitoh, "Deep Learning from Scratch" (2016), chapter 3.
"""

import numpy as np

from impls.numpy.runtime import configure, to_native
from shared.experiment import prepare


def build(weights):
    """Return the model, which is empty: activations have no weights."""
    return dict(weights)


def step(x):
    """Return 1 where x is over 0, else 0."""
    return (x > 0).astype(x.dtype)


def sigmoid(x):
    """Return 1 / (1 + exp(-x)), by a form of it that never overflows."""
    return (1 + np.tanh(x / 2)) / 2


def relu(x):
    """Return x where it is over 0, else 0."""
    return np.maximum(x, 0)


def softmax(x):
    """Return exp(x) / sum of exp(x) along each row of x (B, n), with no exponential over 1."""
    e = np.exp(x - x.max(axis=1, keepdims=True))  # (B, n) - (B, 1) -> (B, n)
    return e / e.sum(axis=1, keepdims=True)


def layers(model, x):
    """Return the activations of x (B, n) and, named with a d, their derivatives.

    sigmoid' = s (1 - s), tanh' = 1 - t^2, and softmax's d p_i / d x_j = p_i ((i = j) - p_j).
    """
    s, t, p = sigmoid(x), np.tanh(x), softmax(x)
    same = np.eye(x.shape[1], dtype=x.dtype)  # (n, n)
    return {
        "step": step(x),
        "sigmoid": s,
        "tanh": t,
        "relu": relu(x),
        "identity": x,
        "softmax": p,
        "dsigmoid": s * (1 - s),
        "dtanh": 1 - t * t,
        "drelu": step(x),
        "didentity": np.ones_like(x),
        "dsoftmax": p[:, :, None] * (same - p[:, None, :]),  # (B, n, 1) * (B, n, n) -> (B, n, n)
    }


def main():
    """Run the recipe `activations` and print them for its first rows."""
    configure("float32", "cpu", threads=1)
    experiment = prepare("activations", "float32")
    print(experiment.headline)
    x = to_native(experiment.x)
    for name, value in layers(build({}), x[:2]).items():
        print(name, value, sep="\n")


if __name__ == "__main__":
    main()
