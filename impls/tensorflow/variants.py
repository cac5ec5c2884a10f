"""The layers of a Keras model made otherwise, one number at a time: what a port may have done."""

from contextlib import contextmanager

import tensorflow as tf

from impls.tensorflow import layers
from shared.variants import gathered, held, holding


def found(model, call, line):
    """Return the variants of a model.

    Args:
        model: what is called.
        call: unused here: layers hold their numbers.
        line: unused, likewise.
    """
    return gathered(held(layers.named(model).items()))


@contextmanager
def applied(model, variant, line):
    """Let layers be as a variant has them while it lasts, with tf.function switched off."""
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        with holding(layers.named(model), variant):
            yield
    finally:
        tf.config.run_functions_eagerly(before)
