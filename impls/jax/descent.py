"""Gradient descent on a parabola, (w + 1)^2, in JAX: a pure function, grad, jit and scan.

One weight, y = w x, and its squared error: on the one row x = 1, y = -1 that is (w + 1)^2.
Source: "Artificial Intelligence Practice: TensorFlow Notes" (Peking University).
"""

from functools import partial

import jax
import jax.numpy as jnp

from impls.jax.runtime import configure, to_native
from shared.experiment import prepare


def build(weights):
    """Return the model, a dict of arrays: w, a scalar ()."""
    return dict(weights)  # JAX arrays never change, so there is nothing to copy


def forward(model, x):
    """Return the outputs w x (B, 1) for the inputs x (B, 1)."""
    return model["w"] * x


def loss(model, x, y):
    """Return the mean squared error; y is (B, 1)."""
    return jnp.mean(jnp.square(forward(model, x) - y))


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


def export(model):
    """Return the weights: w, a scalar ()."""
    return dict(model)


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
