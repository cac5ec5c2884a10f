"""Women and men by weight and height, 2-2-1, sigmoids, in JAX: pure functions and scan.

Trained on the mean squared error, one person per step.
Source: V. Zhou, "Machine Learning for Beginners: An Introduction to Neural Networks".
"""

import jax
import jax.numpy as jnp

from impls.jax.runtime import configure, to_native
from shared.experiment import prepare


def build(weights):
    """Return the parameters, a dict of arrays: W1 (2, 2), b1 (2,), W2 (2, 1), b2 (1,)."""
    return dict(weights)  # JAX arrays never change, so there is nothing to copy


def forward(params, x):
    """Return the outputs (B, 1), between 0 and 1, for the inputs x (B, 2)."""
    h = layers(params, x)["h"]
    return jax.nn.sigmoid(h @ params["W2"] + params["b2"])  # (B, 2) @ (2, 1) -> (B, 1)


def layers(params, x):
    """Return the hidden layer's activations: h (B, 2)."""
    return {"h": jax.nn.sigmoid(x @ params["W1"] + params["b1"])}  # (B, 2) @ (2, 2) -> (B, 2)


def loss(params, x, y):
    """Return the mean squared error; y (B, 1) is 1 for women, 0 for men."""
    return jnp.mean(jnp.square(forward(params, x) - y))


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

    def step(params, rows):
        return train_step(params, x[rows], y[rows], learning_rate)

    return jax.lax.scan(step, params, schedule)


def accuracy(params, x, y):
    """Return the fraction of rows on the right side of 1/2."""
    correct = (forward(params, x) > 0.5) == (y > 0.5)
    return jnp.mean(correct, dtype=x.dtype)  # the mean of booleans is float32 otherwise


def export(params):
    """Return the weights: W1 (2, 2), b1 (2,), W2 (2, 1), b2 (1,)."""
    return dict(params)


def main():
    """Train on the recipe `people` and print the log."""
    configure("float32", "cpu", threads=1)
    experiment = prepare("people", "float32")
    print(experiment.headline)
    x, y = to_native(experiment.x), to_native(experiment.y)
    params = build({name: to_native(value) for name, value in experiment.weights.items()})
    for last, batches in experiment.parts(10):
        params, losses = train(params, x, y, batches, experiment.learning_rate)
        print(f"step {last:4d}  loss {losses[-1]:.6f}  accuracy {accuracy(params, x, y):.4f}")
    emily, frank = forward(params, to_native(experiment.x_test))
    print(f"Emily {emily[0]:.6f}  Frank {frank[0]:.6f}")


if __name__ == "__main__":
    main()
