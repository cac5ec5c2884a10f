"""Linear least squares on Fisher's iris, 4-3, in JAX: pure functions, grad, jit and scan.

One linear output per species, trained on the mean squared error against one-hot targets.
Source: R. A. Fisher, "The use of multiple measurements in taxonomic problems" (1936), the data.
"""

from functools import partial

import jax
import jax.numpy as jnp

from impls.jax.runtime import configure, to_native
from shared.experiment import prepare


def build(weights):
    """Return the parameters, a dict of arrays: W (4, 3), b (3,)."""
    return dict(weights)  # JAX arrays never change, so there is nothing to copy


def forward(params, x):
    """Return the outputs (B, 3) for the inputs x (B, 4)."""
    return x @ params["W"] + params["b"]  # (B, 4) @ (4, 3) -> (B, 3)


def loss(params, x, y):
    """Return the mean squared error over rows and outputs; y is one-hot (B, 3)."""
    return jnp.mean(jnp.square(forward(params, x) - y))


@jax.jit
def gradients(params, x, y):
    """Return d loss / d weights by jax.grad: W (4, 3), b (3,)."""
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
    """Return the fraction of rows whose largest output is that of the right species."""
    correct = forward(params, x).argmax(axis=1) == y.argmax(axis=1)
    return jnp.mean(correct, dtype=x.dtype)  # the mean of booleans is float32 otherwise


def export(params):
    """Return the weights: W (4, 3), b (3,)."""
    return dict(params)


def main():
    """Train on the recipe `iris` and print the log."""
    configure("float32", "cpu", threads=1)
    experiment = prepare("iris", "float32")
    print(experiment.headline)
    x, y = to_native(experiment.x), to_native(experiment.y)
    params = build({name: to_native(value) for name, value in experiment.weights.items()})
    for last, steps in experiment.parts(10):
        params, losses = train(params, x, y, steps, experiment.learning_rate)
        print(f"step {last:5d}  loss {losses[-1]:.6f}  accuracy {accuracy(params, x, y):.4f}")


if __name__ == "__main__":
    main()
