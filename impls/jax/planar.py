"""Planar classifier, 2-4-1, tanh then sigmoid, in JAX: pure functions, grad, jit and scan.

Source: "Planar data classification with one hidden layer", a notebook of the course Neural
Networks and Deep Learning (deeplearning.ai).
"""

from functools import partial

import jax
import jax.numpy as jnp

from impls.jax.runtime import configure, to_native
from shared.experiment import prepare


def build(weights):
    """Return the parameters, a dict of arrays: W1 (2, 4), b1 (4,), W2 (4, 1), b2 (1,)."""
    return dict(weights)  # JAX arrays never change, so there is nothing to copy


def forward(params, x):
    """Return the logits (B, 1) for the inputs x (B, 2)."""
    a = jnp.tanh(x @ params["W1"] + params["b1"])  # (B, 2) @ (2, 4) -> (B, 4)
    return a @ params["W2"] + params["b2"]  # (B, 4) @ (4, 1) -> (B, 1)


def loss(params, x, y):
    """Return the mean binary cross-entropy in nats, from logits; y (B, 1) is 0 or 1."""
    z = forward(params, x)
    return jnp.mean(jax.nn.softplus(z) - z * y)  # -y log p - (1 - y) log (1 - p), p = sigmoid(z)


@jax.jit
def gradients(params, x, y):
    """Return d loss / d weights by jax.grad, in the weights' names and shapes."""
    return jax.grad(loss)(params, x, y)


def train_step(params, x, y, learning_rate):
    """Return the updated parameters and the loss before the update."""
    value, grads = jax.value_and_grad(loss)(params, x, y)
    return jax.tree.map(lambda w, dw: w - learning_rate * dw, params, grads), value


@partial(jax.jit, static_argnames="schedule")
def train(params, x, y, schedule, learning_rate):
    """Descend `schedule` full-batch steps; return the parameters and the losses (steps,).

    The whole run is one compiled loop, traced anew only for another number of steps: to call a
    compiled step from Python would take several times as long.
    """

    def step(params, _):
        return train_step(params, x, y, learning_rate)

    return jax.lax.scan(step, params, length=schedule)


def accuracy(params, x, y):
    """Return the fraction of rows on the right side: sigmoid(z) > 1/2 where z > 0."""
    correct = (forward(params, x) > 0) == (y > 0.5)
    return jnp.mean(correct, dtype=x.dtype)  # the mean of booleans is float32 otherwise


def export(params):
    """Return the weights: W1 (2, 4), b1 (4,), W2 (4, 1), b2 (1,)."""
    return dict(params)


def main():
    """Train on the recipe `planar` and print the log."""
    configure("float32", "cpu", threads=1)
    experiment = prepare("planar", "float32")
    print(experiment.headline)
    x, y = to_native(experiment.x), to_native(experiment.y)
    params = build({name: to_native(value) for name, value in experiment.weights.items()})
    for last, steps in experiment.parts(10):
        params, losses = train(params, x, y, steps, experiment.learning_rate)
        print(f"step {last:5d}  loss {losses[-1]:.6f}  accuracy {accuracy(params, x, y):.4f}")


if __name__ == "__main__":
    main()
