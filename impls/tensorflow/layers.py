"""The layers of a Keras model, as they are called."""

import re
from contextlib import contextmanager

import tensorflow as tf
from tensorflow.python.framework import op_callbacks  # there is no public place for one

from impls.tensorflow.functions import eagerly

keras = tf.keras


def named(model):
    """Return the layers inside a model by name, those inside others as "outer.inner".

    A layer that was given no name is called by the attribute that holds it, or else is numbered.
    """
    if not isinstance(model, keras.Layer):
        return {}
    found = {}
    _collect(model, "", found)
    return found


@contextmanager
def watched(layers, note):
    """Tell of every call of some layers while it lasts, with tf.function switched off.

    Args:
        layers: by name.
        note: is given the name, the positional arguments, the named ones, and what was returned.
    """
    names = {id(layer): name for name, layer in layers.items()}
    call = keras.Layer.__call__

    def told(layer, *args, **kwargs):
        result = call(layer, *args, **kwargs)
        if id(layer) in names:
            note(names[id(layer)], args, kwargs, result)
        return result

    keras.Layer.__call__ = told
    try:
        with eagerly():
            yield
    finally:
        keras.Layer.__call__ = call


@contextmanager
def operations(note):
    """Tell of what every operation gives while it lasts; yield what inputs are to be taken by."""

    def told(name, inputs, attrs, outputs, op_name=None, graph=None):
        for value in outputs if graph is None else ():
            if value.dtype.is_floating:
                note(value.numpy())

    op_callbacks.add_op_callback(told)
    try:
        with eagerly():
            yield lambda value: value
    finally:
        op_callbacks.remove_op_callback(told)


def _collect(outer, prefix, found):
    numbers = {}
    attributes = {id(value): name for name, value in vars(outer).items()}
    for layer in outer._layers:
        kind = _snake_case(type(layer).__name__)
        if re.fullmatch(rf"{kind}(_\d+)?", layer.name):  # Keras numbers anew with every model
            number = numbers[kind] = numbers.get(kind, -1) + 1
            name = attributes.get(id(layer), f"{kind}_{number}" if number else kind)
        else:
            name = layer.name
        if not isinstance(layer, keras.layers.InputLayer):
            found[f"{prefix}{name}"] = layer
            _collect(layer, f"{prefix}{name}.", found)


def _snake_case(name):
    """Return the name of a class as Keras makes that of a layer of it."""
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
