"""Linear least squares on Fisher's iris, 4-3, in TensorFlow: Variables, a tape and tf.function.

One linear output per species, trained on the mean squared error against one-hot targets.
Source: R. A. Fisher, "The use of multiple measurements in taxonomic problems" (1936), the data.
"""

import tensorflow as tf

from impls.tensorflow.runtime import configure, to_native
from shared.experiment import prepare


def build(weights):
    """Return the model, a dict of Variables with a copy of W (4, 3), b (3,)."""
    return {name: tf.Variable(value) for name, value in weights.items()}


def forward(model, x):
    """Return the outputs (B, 3) for the inputs x (B, 4)."""
    return tf.matmul(x, model["W"]) + model["b"]  # (B, 4) @ (4, 3) -> (B, 3)


def loss(model, x, y):
    """Return the mean squared error over rows and outputs; y is one-hot (B, 3)."""
    return tf.reduce_mean(tf.square(forward(model, x) - y))


def loss_and_gradients(model, x, y):
    """Return the loss and, from the tape of its forward pass, its gradients."""
    with tf.GradientTape() as tape:
        value = loss(model, x, y)
    return value, tape.gradient(value, model)


@tf.function
def gradients(model, x, y):
    """Return d loss / d weights by the tape: W (4, 3), b (3,)."""
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


def accuracy(model, x, y):
    """Return the fraction of rows whose largest output is that of the right species."""
    correct = tf.equal(tf.argmax(forward(model, x), 1), tf.argmax(y, 1))
    return tf.reduce_mean(tf.cast(correct, x.dtype))


def export(model):
    """Return a copy of the weights: W (4, 3), b (3,)."""
    return {name: tf.identity(variable) for name, variable in model.items()}


def main():
    """Train on the recipe `iris` and print the log."""
    configure("float32", "cpu", threads=1)
    experiment = prepare("iris", "float32")
    print(experiment.headline)
    x, y = to_native(experiment.x), to_native(experiment.y)
    model = build({name: to_native(value) for name, value in experiment.weights.items()})
    for last, steps in experiment.parts(10):
        model, losses = train(model, x, y, steps, experiment.learning_rate)
        print(f"step {last:5d}  loss {losses[-1]:.6f}  accuracy {accuracy(model, x, y):.4f}")


if __name__ == "__main__":
    main()
