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
    """Return the model, a dict of arrays: W1 (2, 4), b1 (4,), W2 (4, 1), b2 (1,)."""
    return dict(weights)  # JAX arrays never change, so there is nothing to copy


def forward(model, x):
    """Return the logits (B, 1) for the inputs x (B, 2)."""
    a = jnp.tanh(x @ model["W1"] + model["b1"])  # (B, 2) @ (2, 4) -> (B, 4)
    return a @ model["W2"] + model["b2"]  # (B, 4) @ (4, 1) -> (B, 1)


def loss(model, x, y):
    """Return the mean binary cross-entropy in nats, from logits; y (B, 1) is 0 or 1."""
    z = forward(model, x)
    return jnp.mean(jax.nn.softplus(z) - z * y)  # -y log p - (1 - y) log (1 - p), p = sigmoid(z)


@jax.jit
def gradients(model, x, y):
    """Return d loss / d weights by jax.grad, in the weights' names and shapes."""
    return jax.grad(loss)(model, x, y)


def train_step(model, x, y, learning_rate):
    """Return the updated model and the loss before the update."""
    value, grads = jax.value_and_grad(loss)(model, x, y)
    return jax.tree.map(lambda w, dw: w - learning_rate * dw, model, grads), value


@partial(jax.jit, static_argnames="schedule")
def train(model, x, y, schedule, learning_rate):
    """Descend `schedule` full-batch steps; return the model and its losses (steps,).

    The whole run is one compiled loop, traced anew only for another number of steps: to call a
    compiled step from Python would take several times as long.
    """

    def step(model, _):
        return train_step(model, x, y, learning_rate)

    return jax.lax.scan(step, model, length=schedule)


def accuracy(model, x, y):
    """Return the fraction of rows on the right side: sigmoid(z) > 1/2 where z > 0."""
    correct = (forward(model, x) > 0) == (y > 0.5)
    return jnp.mean(correct, dtype=x.dtype)  # the mean of booleans is float32 otherwise


def export(model):
    """Return the weights: W1 (2, 4), b1 (4,), W2 (4, 1), b2 (1,)."""
    return dict(model)


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
