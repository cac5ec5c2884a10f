"""Softmax regression on MNIST, 784-10, in TensorFlow 2: the TensorFlow 1 tutorial, ported.

Source: "MNIST For ML Beginners", the tutorial of TensorFlow 1. What became of its pieces:

    x = tf.placeholder(tf.float32, [None, 784])       an argument, x
    W = tf.Variable(tf.zeros([784, 10]))              the same Variable, made in `build`
    y = tf.matmul(x, W) + b                           the same line, in `forward`
    softmax_cross_entropy_with_logits(...)            its sparse_ form, for y that holds digits
    GradientDescentOptimizer(0.5).minimize(loss)      tf.GradientTape and assign_sub
    sess = tf.Session(); sess.run(init)               nothing: Variables hold values at once
    for ...: sess.run(train_step, feed_dict=...)      the loop moves inside a tf.function
    tf.argmax, tf.equal, tf.cast, tf.reduce_mean      the same lines, in `accuracy`
"""

import tensorflow as tf

from impls.tensorflow.runtime import configure, to_native
from shared.experiment import prepare


def build(weights):
    """Return the model, a dict of Variables with a copy of W (784, 10), b (10,)."""
    return {name: tf.Variable(value) for name, value in weights.items()}


def forward(model, x):
    """Return the logits (B, 10) for the images x (B, 784)."""
    return tf.matmul(x, model["W"]) + model["b"]  # (B, 784) @ (784, 10) -> (B, 10)


def loss(model, x, y):
    """Return the mean cross-entropy in nats, from logits; y (B,) holds the digits."""
    z = forward(model, x)
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=z))


def loss_and_gradients(model, x, y):
    """Return the loss and, from the tape of its forward pass, its gradients."""
    with tf.GradientTape() as tape:
        value = loss(model, x, y)
    return value, tape.gradient(value, model)


@tf.function
def gradients(model, x, y):
    """Return d loss / d weights by the tape: W (784, 10), b (10,)."""
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


@tf.function
def descend(model, x, y, schedule, learning_rate):
    """Take one step per batch in one graph; the rows are gathered inside it.

    To call the step from Python would take several times as long. XLA (jit_compile=True) gains
    little on steps that are mostly two matrix products, and is slow to compile.
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
    """Return the fraction of images whose largest logit is that of the right digit."""
    correct = tf.equal(tf.argmax(forward(model, x), 1), y)
    return tf.reduce_mean(tf.cast(correct, x.dtype))


def export(model):
    """Return a copy of the weights: W (784, 10), b (10,)."""
    return {name: tf.identity(variable) for name, variable in model.items()}


def main():
    """Train on the recipe `mnist` and print the log."""
    configure("float32", "cpu", threads=1)
    experiment = prepare("mnist", "float32")
    print(experiment.headline)
    x, y = to_native(experiment.x), to_native(experiment.y)
    x_test, y_test = to_native(experiment.x_test), to_native(experiment.y_test)
    model = build({name: to_native(value) for name, value in experiment.weights.items()})
    for last, batches in experiment.parts(10):
        model, losses = train(model, x, y, batches, experiment.learning_rate)
        test = accuracy(model, x_test, y_test)
        print(f"step {last:5d}  mean loss {tf.reduce_mean(losses):.6f}  test accuracy {test:.4f}")


if __name__ == "__main__":
    main()
