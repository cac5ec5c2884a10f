"""A Keras model made otherwise: numbers that its layers hold, activations, and its optimizer."""

from contextlib import ExitStack, contextmanager

from impls.tensorflow import layers
from impls.tensorflow.functions import eagerly
from impls.tensorflow.variants import activations, optimizers
from shared.variants import Place, Variant, gathered, held, holding


def found(model, call, line):
    """Return the variants of a model, and of activations and optimizers in a call.

    Args:
        model: what is called.
        call: of no arguments.
        line: tells the line of a user's from which an operation is called.
    """
    variants = list(held(layers.named(model).items()))

    def activation(name, own, x):
        at = line()
        for cause, claim, _ in activations.otherwise(name, own, x):
            variants.append(Variant(cause, claim, (Place(at, at),)))
        return own(x)

    with eagerly(), activations.met(activation), optimizers.noted(variants):
        call()
    return gathered(variants)


@contextmanager
def applied(model, variant, line):
    """Let all be as a variant has it while it lasts, without tf.function; arguments as above."""

    def activation(name, own, x):
        at = line()
        for _, claim, function in activations.otherwise(name, own, x):
            if claim == variant.claim and Place(at, at) in variant.places:
                return function(x)
        return own(x)

    with ExitStack() as stack:
        stack.enter_context(eagerly())
        stack.enter_context(activations.met(activation))
        stack.enter_context(optimizers.applied(variant))
        if callable(variant.change):
            stack.enter_context(holding(layers.named(model), variant))
        yield
