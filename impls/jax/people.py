"""Women and men by weight and height, 2-2-1, sigmoids, in JAX: pure functions and scan.

Trained on the mean squared error, one person per step.
Source: V. Zhou, "Machine Learning for Beginners: An Introduction to Neural Networks".
"""

import jax
import jax.numpy as jnp

from impls.jax.runtime import configure, to_native
from shared.experiment import prepare


def build(weights):
    """Return the model, a dict of arrays: W1 (2, 2), b1 (2,), W2 (2, 1), b2 (1,)."""
    return dict(weights)  # JAX arrays never change, so there is nothing to copy


def forward(model, x):
    """Return the outputs (B, 1), between 0 and 1, for the inputs x (B, 2)."""
    h = layers(model, x)["h"]
    return jax.nn.sigmoid(h @ model["W2"] + model["b2"])  # (B, 2) @ (2, 1) -> (B, 1)


def layers(model, x):
    """Return the hidden layer's activations: h (B, 2)."""
    return {"h": jax.nn.sigmoid(x @ model["W1"] + model["b1"])}  # (B, 2) @ (2, 2) -> (B, 2)


def loss(model, x, y):
    """Return the mean squared error; y (B, 1) is 1 for women, 0 for men."""
    return jnp.mean(jnp.square(forward(model, x) - y))


@jax.jit
def gradients(model, x, y):
    """Return d loss / d weights by jax.grad, in the weights' names and shapes."""
    return jax.grad(loss)(model, x, y)


def train_step(model, x, y, learning_rate):
    """Return the updated model and the loss before the update."""
    value, grads = jax.value_and_grad(loss)(model, x, y)
    return jax.tree.map(lambda w, dw: w - learning_rate * dw, model, grads), value


@jax.jit
def train(model, x, y, schedule, learning_rate):
    """Take one step per batch; return the model and its losses (steps,).

    `schedule` holds the row numbers of each batch, (steps, B). The whole run is one compiled
    loop, traced anew only for another number of steps: to call a compiled step from Python would
    take several times as long. The rows are gathered inside it.
    """

    def step(model, rows):
        return train_step(model, x[rows], y[rows], learning_rate)

    return jax.lax.scan(step, model, schedule)


def accuracy(model, x, y):
    """Return the fraction of rows on the right side of 1/2."""
    correct = (forward(model, x) > 0.5) == (y > 0.5)
    return jnp.mean(correct, dtype=x.dtype)  # the mean of booleans is float32 otherwise


def export(model):
    """Return the weights: W1 (2, 2), b1 (2,), W2 (2, 1), b2 (1,)."""
    return dict(model)


def main():
    """Train on the recipe `people` and print the log."""
    configure("float32", "cpu", threads=1)
    experiment = prepare("people", "float32")
    print(experiment.headline)
    x, y = to_native(experiment.x), to_native(experiment.y)
    model = build({name: to_native(value) for name, value in experiment.weights.items()})
    for last, batches in experiment.parts(10):
        model, losses = train(model, x, y, batches, experiment.learning_rate)
        print(f"step {last:4d}  loss {losses[-1]:.6f}  accuracy {accuracy(model, x, y):.4f}")
    emily, frank = forward(model, to_native(experiment.x_test))
    print(f"Emily {emily[0]:.6f}  Frank {frank[0]:.6f}")


if __name__ == "__main__":
    main()
