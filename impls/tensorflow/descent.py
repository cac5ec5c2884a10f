"""Gradient descent on a parabola, (w + 1)^2, in TensorFlow: a Variable, a tape and tf.function.

One weight, y = w x, and its squared error: on the one row x = 1, y = -1 that is (w + 1)^2.
Source: "Artificial Intelligence Practice: TensorFlow Notes" (Peking University).
"""

import tensorflow as tf

from impls.tensorflow.runtime import configure, to_native
from shared.experiment import prepare


def build(weights):
    """Return the model, a dict of Variables with a copy of w, a scalar ()."""
    return {name: tf.Variable(value) for name, value in weights.items()}


def forward(model, x):
    """Return the outputs w x (B, 1) for the inputs x (B, 1)."""
    return model["w"] * x


def loss(model, x, y):
    """Return the mean squared error; y is (B, 1)."""
    return tf.reduce_mean(tf.square(forward(model, x) - y))


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
def descend(model, x, y, steps, learning_rate):
    """Take `steps` steps in one compiled loop; it is traced anew for every other `steps`.

    To call a compiled step from Python would take many times as long.
    """
    losses = tf.TensorArray(x.dtype, size=steps)
    for step in tf.range(steps):
        losses = losses.write(step, train_step(model, x, y, learning_rate))
    return losses.stack()


def train(model, x, y, schedule, learning_rate):
    """Descend `schedule` full-batch steps; return the model and its losses (steps,)."""
    learning_rate = tf.constant(learning_rate, x.dtype)  # tf.cast would go through float32
    return model, descend(model, x, y, int(schedule), learning_rate)


def export(model):
    """Return a copy of the weights: w, a scalar ()."""
    return {name: tf.identity(variable) for name, variable in model.items()}


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
