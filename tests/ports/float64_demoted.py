"""Planted: the learning rate goes through float32, as in tf.cast(0.1, tf.float64)."""

import tensorflow as tf

from impls.tensorflow import iris
from impls.tensorflow.iris import (  # noqa: F401
    accuracy,
    build,
    export,
    forward,
    gradients,
    loss,
)

FRAMEWORK = "tensorflow"


def train(model, x, y, schedule, learning_rate):
    learning_rate = tf.cast(learning_rate, x.dtype)
    return model, iris.descend(model, x, y, schedule, learning_rate)
