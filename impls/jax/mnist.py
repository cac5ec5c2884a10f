"""Softmax regression on MNIST, 784-10, in JAX: pure functions, grad, jit and scan.

Source: "MNIST For ML Beginners", the tutorial of TensorFlow 1.
"""

import jax
import jax.numpy as jnp

from impls.jax.runtime import configure, to_native
from shared.experiment import prepare


def build(weights):
    """Return the parameters, a dict of arrays: W (784, 10), b (10,)."""
    return dict(weights)  # JAX arrays never change, so there is nothing to copy


def forward(params, x):
    """Return the logits (B, 10) for the images x (B, 784)."""
    return x @ params["W"] + params["b"]  # (B, 784) @ (784, 10) -> (B, 10)


def loss(params, x, y):
    """Return the mean cross-entropy in nats, from logits; y (B,) holds the digits."""
    log_p = jax.nn.log_softmax(forward(params, x))  # (B, 10)
    return -jnp.mean(jnp.take_along_axis(log_p, y[:, None], axis=1))  # (B, 1) -> ()


@jax.jit
def gradients(params, x, y):
    """Return d loss / d weights by jax.grad: W (784, 10), b (10,)."""
    return jax.grad(loss)(params, x, y)


def train_step(params, x, y, learning_rate):
    """Return the updated parameters and the loss before the update."""
    value, grads = jax.value_and_grad(loss)(params, x, y)
    return jax.tree.map(lambda w, dw: w - learning_rate * dw, params, grads), value


@jax.jit
def train(params, x, y, schedule, learning_rate):
    """Take one step per batch; return the parameters and the losses (steps,).

    `schedule` holds the row numbers of each batch, (steps, B). The whole run is one compiled
    loop, traced anew only for another number of steps: to call a compiled step from Python would
    take several times as long. The rows are gathered inside it.
    """

    def step(params, rows):
        return train_step(params, x[rows], y[rows], learning_rate)

    return jax.lax.scan(step, params, schedule)


def accuracy(params, x, y):
    """Return the fraction of images whose largest logit is that of the right digit."""
    correct = forward(params, x).argmax(axis=1) == y
    return jnp.mean(correct, dtype=x.dtype)  # the mean of booleans is float32 otherwise


def export(params):
    """Return the weights: W (784, 10), b (10,)."""
    return dict(params)


def main():
    """Train on the recipe `mnist` and print the log."""
    configure("float32", "cpu", threads=1)
    experiment = prepare("mnist", "float32")
    print(experiment.headline)
    x, y = to_native(experiment.x), to_native(experiment.y)
    x_test, y_test = to_native(experiment.x_test), to_native(experiment.y_test)
    params = build({name: to_native(value) for name, value in experiment.weights.items()})
    for last, batches in experiment.parts(10):
        params, losses = train(params, x, y, batches, experiment.learning_rate)
        test = accuracy(params, x_test, y_test)
        print(f"step {last:5d}  mean loss {losses.mean():.6f}  test accuracy {test:.4f}")


if __name__ == "__main__":
    main()
