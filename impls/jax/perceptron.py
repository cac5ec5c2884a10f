"""The perceptron, 2-1 with a step behind it, in JAX: pure functions, grad, jit and scan.

It learns from its mistakes alone: where step(z) is not y, W moves by (y - step(z)) x. That is
descent on the mean of (step(z) - y) z, in which the step counts as constant: it has no slope.
Source: F. Rosenblatt, "The perceptron" (1958); M. Minsky and S. Papert, "Perceptrons" (1969).
"""

import jax
import jax.numpy as jnp

from impls.jax.runtime import configure, to_native
from shared.experiment import prepare


def build(weights):
    """Return the parameters, a dict of arrays: W (2, 1), b (1,)."""
    return dict(weights)  # JAX arrays never change, so there is nothing to copy


def forward(params, x):
    """Return z (B, 1), what goes into the step, for the inputs x (B, 2)."""
    return x @ params["W"] + params["b"]  # (B, 2) @ (2, 1) -> (B, 1)


def step(z):
    """Return 1 where z is over 0, else 0."""
    return (z > 0).astype(z.dtype)


def loss(params, x, y):
    """Return the mean of |z| over the rows, where those that are right count 0; y is 0 or 1."""
    z = forward(params, x)
    return jnp.mean((step(z) - y) * z)


@jax.jit
def gradients(params, x, y):
    """Return d loss / d weights by jax.grad, in the weights' names and shapes."""
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

    def learn(params, rows):
        return train_step(params, x[rows], y[rows], learning_rate)

    return jax.lax.scan(learn, params, schedule)


def accuracy(params, x, y):
    """Return the fraction of rows on which the perceptron is right."""
    correct = step(forward(params, x)) == y
    return jnp.mean(correct, dtype=x.dtype)  # the mean of booleans is float32 otherwise


def export(params):
    """Return the weights: W (2, 1), b (1,)."""
    return dict(params)


def main():
    """Train on the recipe `perceptron-and` and print the log."""
    configure("float32", "cpu", threads=1)
    experiment = prepare("perceptron-and", "float32")
    print(experiment.headline)
    x, y = to_native(experiment.x), to_native(experiment.y)
    params = build({name: to_native(value) for name, value in experiment.weights.items()})
    for last, batches in experiment.parts(10):
        params, losses = train(params, x, y, batches, experiment.learning_rate)
        print(
            f"step {last:3d}  mean loss {losses.mean():.6f}  accuracy {accuracy(params, x, y):.4f}"
        )


if __name__ == "__main__":
    main()
