"""Women and men by weight and height, 2-2-1, sigmoids, in TensorFlow: a tape and tf.function.

Trained on the mean squared error, one person per step.
Source: V. Zhou, "Machine Learning for Beginners: An Introduction to Neural Networks".
"""

import tensorflow as tf

from impls.tensorflow.runtime import configure, to_native
from shared.experiment import prepare


def build(weights):
    """Return the model, a dict of Variables: W1 (2, 2), b1 (2,), W2 (2, 1), b2 (1,), copied."""
    return {name: tf.Variable(value) for name, value in weights.items()}


def forward(model, x):
    """Return the outputs (B, 1), between 0 and 1, for the inputs x (B, 2)."""
    h = layers(model, x)["h"]
    return tf.sigmoid(tf.matmul(h, model["W2"]) + model["b2"])  # (B, 2) @ (2, 1) -> (B, 1)


def layers(model, x):
    """Return the hidden layer's activations: h (B, 2)."""
    return {"h": tf.sigmoid(tf.matmul(x, model["W1"]) + model["b1"])}  # (B, 2) @ (2, 2) -> (B, 2)


def loss(model, x, y):
    """Return the mean squared error; y (B, 1) is 1 for women, 0 for men."""
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
def descend(model, x, y, schedule, learning_rate):
    """Take one step per batch in one compiled loop; the rows are gathered inside it.

    To call a compiled step from Python would take many times as long.
    """
    steps = tf.shape(schedule)[0]
    losses = tf.TensorArray(x.dtype, size=steps)
    for step in tf.range(steps):
        rows = schedule[step]
        batch = tf.gather(x, rows), tf.gather(y, rows)
        losses = losses.write(step, train_step(model, *batch, learning_rate))
    return losses.stack()


def train(model, x, y, schedule, learning_rate):
    """Take one step per batch; return the model and its losses (steps,).

    `schedule` holds the row numbers of each batch, (steps, B).
    """
    learning_rate = tf.constant(learning_rate, x.dtype)  # tf.cast would go through float32
    return model, descend(model, x, y, tf.constant(schedule), learning_rate)


def accuracy(model, x, y):
    """Return the fraction of rows on the right side of 1/2."""
    correct = tf.equal(forward(model, x) > 0.5, y > 0.5)
    return tf.reduce_mean(tf.cast(correct, x.dtype))


def export(model):
    """Return a copy of the weights: W1 (2, 2), b1 (2,), W2 (2, 1), b2 (1,)."""
    return {name: tf.identity(variable) for name, variable in model.items()}


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
