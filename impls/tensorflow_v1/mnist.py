"""Softmax regression on MNIST, 784-10, in TensorFlow 1: a graph, a Session and feed_dict.

The original, as one would have typed it, under the tf.compat.v1 of TensorFlow 2. Read it beside
impls/tensorflow/mnist.py, its port.
Source: "MNIST For ML Beginners", the tutorial of TensorFlow 1.
"""

import numpy as np
import tensorflow.compat.v1 as tf

from impls.tensorflow_v1.runtime import config, configure, graph_of, to_native
from shared.experiment import prepare


@graph_of
def softmax_regression(dtype):
    """Describe what is to be computed, from top to bottom; nothing is computed yet."""
    # Create the model
    x = tf.placeholder(dtype, [None, 784])
    W = tf.Variable(tf.random_normal([784, 10], dtype=dtype))
    b = tf.Variable(tf.random_normal([10], dtype=dtype))
    y = tf.matmul(x, W) + b  # (B, 784) @ (784, 10) -> (B, 10)

    # Define loss and optimizer
    y_ = tf.placeholder(tf.int64, [None])  # the digits
    cross_entropy = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y_, logits=y)
    )
    dW, db = tf.gradients(cross_entropy, [W, b])
    learning_rate = tf.placeholder(dtype, [])  # a number would go through float32
    train_step = tf.train.GradientDescentOptimizer(learning_rate).minimize(cross_entropy)

    # Test the trained model
    correct_prediction = tf.equal(tf.argmax(y, 1), y_)
    share_correct = tf.reduce_mean(tf.cast(correct_prediction, dtype))

    init = tf.global_variables_initializer()
    return locals()


def build(weights):
    """Return the model: a graph, and a Session in which W (784, 10), b (10,) have values."""
    W, b = weights["W"], weights["b"]
    net = softmax_regression(W.dtype.name)
    with net.W.graph.as_default():
        sess = tf.Session(config=config)
        # The tutorial starts from the weights that it draws; others are fed in their place.
        sess.run(net.init, feed_dict={net.W.initial_value: W, net.b.initial_value: b})
    return net, sess


def forward(model, x):
    """Return the logits (B, 10) for the images x (B, 784)."""
    net, sess = model
    return sess.run(net.y, feed_dict={net.x: x})


def loss(model, x, y):
    """Return the mean cross-entropy in nats, from logits; y (B,) holds the digits."""
    net, sess = model
    return sess.run(net.cross_entropy, feed_dict={net.x: x, net.y_: y})


def gradients(model, x, y):
    """Return d loss / d weights by tf.gradients, which adds them to the graph: W, b."""
    net, sess = model
    dW, db = sess.run([net.dW, net.db], feed_dict={net.x: x, net.y_: y})
    return {"W": dW, "b": db}


def train(model, x, y, schedule, learning_rate):
    """Take one step per batch; return the model and its losses (steps,).

    `schedule` holds the row numbers of each batch, (steps, B). Each step is a call of the Session
    from Python, as in the tutorial; impls/tensorflow/mnist.py loops inside its program.
    """
    net, sess = model
    losses = []
    for rows in schedule:
        feed_dict = {net.x: x[rows], net.y_: y[rows], net.learning_rate: learning_rate}
        value, _ = sess.run([net.cross_entropy, net.train_step], feed_dict=feed_dict)
        losses.append(value)  # before the update
    return model, np.array(losses)


def accuracy(model, x, y):
    """Return the fraction of images whose largest logit is that of the right digit."""
    net, sess = model
    return sess.run(net.share_correct, feed_dict={net.x: x, net.y_: y})


def export(model):
    """Return the weights: W (784, 10), b (10,)."""
    net, sess = model
    W, b = sess.run([net.W, net.b])
    return {"W": W, "b": b}


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
        print(f"step {last:5d}  mean loss {losses.mean():.6f}  test accuracy {test:.4f}")


if __name__ == "__main__":
    main()
