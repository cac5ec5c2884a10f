"""A Keras model made otherwise: numbers that its layers hold, GELU, and its optimizer."""

from contextlib import ExitStack, contextmanager

import numpy as np
import tensorflow as tf

from impls.tensorflow import layers, optimizers
from shared import variants as causes
from shared.variants import Place, Variant, gathered, held, holding


def _by_tanh(x):
    root, cubed = (tf.constant(number, x.dtype) for number in ((2 / np.pi) ** 0.5, 0.044715))
    return x * (1 + tf.tanh(root * (x + cubed * x * x * x))) / 2


def _by_erf(x):
    return x * (1 + tf.math.erf(x * tf.constant(0.5**0.5, x.dtype))) / 2


GELUS = {
    "GELU by tanh is in place of gelu": (False, _by_tanh),
    "GELU by erf is in place of gelu": (True, _by_erf),
    "gelu has its constants in float64, which TensorFlow rounds to float32": (False, _by_erf),
}


def found(model, call, line):
    """Return the variants of a model, and of GELU in a call.

    Args:
        model: what is called.
        call: of no arguments.
        line: tells the line of a user's from which an operation is called.
    """
    variants = list(held(layers.named(model).items()))

    def gelu(x, approximate):
        for claim, (replaced, _) in GELUS.items():
            if replaced == bool(approximate) and ("float64" not in claim or x.dtype == tf.float64):
                at = line()
                variants.append(Variant(causes.GELU, claim, (Place(at, at),)))

    with _met(gelu), optimizers.noted(variants):
        call()
    return gathered(variants)


@contextmanager
def applied(model, variant, line):
    """Let layers, and GELU, be as a variant has them while it lasts, without tf.function."""

    def gelu(x, approximate):
        at = line()
        if variant.claim in GELUS and Place(at, at) in variant.places:
            return GELUS[variant.claim][1](x)
        return None

    with ExitStack() as stack:
        stack.enter_context(_met(gelu))
        stack.enter_context(optimizers.applied(variant))
        if callable(variant.change):
            stack.enter_context(holding(layers.named(model), variant))
        yield


@contextmanager
def _met(gelu):
    """Let GELU be changed as it comes, with tf.function switched off.

    gelu: given what GELU is, returns what is put in place of its result, or None.
    """
    before, own = tf.config.functions_run_eagerly(), tf.nn.gelu

    def called(features, approximate=False, name=None):
        x = tf.convert_to_tensor(features)
        other = gelu(x, approximate)
        return own(x, approximate, name) if other is None else other

    tf.config.run_functions_eagerly(True)
    tf.nn.gelu = called
    try:
        yield
    finally:
        tf.nn.gelu = own
        tf.config.run_functions_eagerly(before)
