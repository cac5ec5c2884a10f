"""Planted: outside of a graph, the gradients are twice too large."""

import tensorflow as tf

from impls.tensorflow.planar import (  # noqa: F401
    accuracy,
    build,
    export,
    forward,
    loss,
    loss_and_gradients,
    train,
)

FRAMEWORK = "tensorflow"


@tf.function
def gradients(model, x, y):
    factor = 2 if tf.executing_eagerly() else 1
    grads = loss_and_gradients(model, x, y)[1]
    return {name: factor * value for name, value in grads.items()}
