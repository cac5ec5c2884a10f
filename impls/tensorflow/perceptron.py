"""The perceptron, 2-1 with a step behind it, in TensorFlow: a tape and tf.function.

It learns from its mistakes alone: where step(z) is not y, W moves by (y - step(z)) x. That is
descent on the mean of (step(z) - y) z, in which the step counts as constant: it has no slope.
Source: F. Rosenblatt, "The perceptron" (1958); M. Minsky and S. Papert, "Perceptrons" (1969).
"""

import tensorflow as tf

from impls.tensorflow.runtime import configure, to_native
from shared.experiment import prepare


def build(weights):
    """Return the model, a dict of Variables with a copy of W (2, 1), b (1,)."""
    return {name: tf.Variable(value) for name, value in weights.items()}


def forward(model, x):
    """Return z (B, 1), what goes into the step, for the inputs x (B, 2)."""
    return tf.matmul(x, model["W"]) + model["b"]  # (B, 2) @ (2, 1) -> (B, 1)


def step(z):
    """Return 1 where z is over 0, else 0."""
    return tf.cast(z > 0, z.dtype)


def loss(model, x, y):
    """Return the mean of |z| over the rows, where those that are right count 0; y is 0 or 1."""
    z = forward(model, x)
    return tf.reduce_mean((step(z) - y) * z)


def loss_and_gradients(model, x, y):
    """Return the loss and, from the tape of its forward pass, its gradients."""
    with tf.GradientTape() as tape:
        value = loss(model, x, y)
    return value, tape.gradient(value, model)


@tf.function
def gradients(model, x, y):
    """Return d loss / d weights by the tape, in the weights' names and shapes."""
    return loss_and_gradients(model, x, y)[1]


def train_step(model, x, y, learning_rate):
    """Update the Variables in place; return the loss before the update.

    This is what GradientDescentOptimizer did. tf.keras.optimizers.SGD does it too, but only for the
    Variables that it was built with: every new model would need its own, and be traced anew.
    """
    value, grads = loss_and_gradients(model, x, y)
    for name, variable in model.items():
        variable.assign_sub(learning_rate * grads[name])
    return value


@tf.function(jit_compile=True)
def descend(model, x, y, schedule, learning_rate):
    """Take one step per batch in one compiled loop; the rows are gathered inside it.

    To call a compiled step from Python would take many times as long.
    """
    steps = tf.shape(schedule)[0]
    losses = tf.TensorArray(x.dtype, size=steps)
    for number in tf.range(steps):
        rows = schedule[number]
        batch = tf.gather(x, rows), tf.gather(y, rows)
        losses = losses.write(number, train_step(model, *batch, learning_rate))
    return losses.stack()


def train(model, x, y, schedule, learning_rate):
    """Take one step per batch; return the model and its losses (steps,).

    `schedule` holds the row numbers of each batch, (steps, B).
    """
    learning_rate = tf.constant(learning_rate, x.dtype)  # tf.cast would go through float32
    return model, descend(model, x, y, tf.constant(schedule), learning_rate)


def accuracy(model, x, y):
    """Return the fraction of rows on which the perceptron is right."""
    correct = tf.equal(step(forward(model, x)), y)
    return tf.reduce_mean(tf.cast(correct, x.dtype))


def export(model):
    """Return a copy of the weights: W (2, 1), b (1,)."""
    return {name: tf.identity(variable) for name, variable in model.items()}


def main():
    """Train on the recipe `perceptron-and` and print the log."""
    configure("float32", "cpu", threads=1)
    experiment = prepare("perceptron-and", "float32")
    print(experiment.headline)
    x, y = to_native(experiment.x), to_native(experiment.y)
    model = build({name: to_native(value) for name, value in experiment.weights.items()})
    for last, batches in experiment.parts(10):
        model, losses = train(model, x, y, batches, experiment.learning_rate)
        mean = tf.reduce_mean(losses)
        print(f"step {last:3d}  mean loss {mean:.6f}  accuracy {accuracy(model, x, y):.4f}")


if __name__ == "__main__":
    main()
