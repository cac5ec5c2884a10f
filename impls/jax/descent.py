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
    """Return the parameters, a dict of arrays: w, a scalar ()."""
    return dict(weights)  # JAX arrays never change, so there is nothing to copy


def forward(params, x):
    """Return the outputs w x (B, 1) for the inputs x (B, 1)."""
    return params["w"] * x


def loss(params, x, y):
    """Return the mean squared error; y is (B, 1)."""
    return jnp.mean(jnp.square(forward(params, x) - y))


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


def export(params):
    """Return the weights: w, a scalar ()."""
    return dict(params)


def main():
    """Train on the recipe `descent` and print the log."""
    configure("float32", "cpu", threads=1)
    experiment = prepare("descent", "float32")
    print(experiment.headline)
    x, y = to_native(experiment.x), to_native(experiment.y)
    params = build({name: to_native(value) for name, value in experiment.weights.items()})
    for last, steps in experiment.parts(experiment.steps):
        params, losses = train(params, x, y, steps, experiment.learning_rate)
        print(f"step {last:2d}  loss {losses[-1]:9.6f}  then w is {export(params)['w']:9.6f}")


if __name__ == "__main__":
    main()
