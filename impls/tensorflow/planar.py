"""Planar classifier, 2-4-1, tanh then sigmoid, in TensorFlow: Variables, a tape and tf.function.

Source: "Planar data classification with one hidden layer", a notebook of the course Neural
Networks and Deep Learning (deeplearning.ai).
"""

import tensorflow as tf

from impls.tensorflow.runtime import configure, to_native
from shared.experiment import prepare


def build(weights):
    """Return the model, a dict of Variables: W1 (2, 4), b1 (4,), W2 (4, 1), b2 (1,), copied."""
    return {name: tf.Variable(value) for name, value in weights.items()}


def forward(model, x):
    """Return the logits (B, 1) for the inputs x (B, 2)."""
    a = tf.tanh(tf.matmul(x, model["W1"]) + model["b1"])  # (B, 2) @ (2, 4) -> (B, 4)
    return tf.matmul(a, model["W2"]) + model["b2"]  # (B, 4) @ (4, 1) -> (B, 1)


def loss(model, x, y):
    """Return the mean binary cross-entropy in nats, from logits; y (B, 1) is 0 or 1."""
    z = forward(model, x)
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=z))


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


def accuracy(model, x, y):
    """Return the fraction of rows on the right side: sigmoid(z) > 1/2 where z > 0."""
    correct = tf.equal(forward(model, x) > 0, y > 0.5)
    return tf.reduce_mean(tf.cast(correct, x.dtype))


def export(model):
    """Return a copy of the weights: W1 (2, 4), b1 (4,), W2 (4, 1), b2 (1,)."""
    return {name: tf.identity(variable) for name, variable in model.items()}


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
