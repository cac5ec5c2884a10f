"""What a function of a user's needs to be judged by itself, in TensorFlow."""

from contextlib import contextmanager, nullcontext

import tensorflow as tf

from shared.errors import InputError

keras = tf.keras


@contextmanager
def precision(dtype):
    """Have Keras make layers in `dtype`, and float32 mean float32; then all as it was."""
    fine = tf.config.experimental
    before = fine.tensor_float_32_execution_enabled()
    floatx, policy = keras.backend.floatx(), keras.config.dtype_policy()
    try:
        keras.backend.set_floatx(dtype)
        keras.config.set_dtype_policy(dtype)
        fine.enable_tensor_float_32_execution(False)
        yield
    finally:
        keras.backend.set_floatx(floatx)
        keras.config.set_dtype_policy(policy)
        fine.enable_tensor_float_32_execution(before)


@contextmanager
def eagerly():
    """Have tf.function run Python's own code."""
    before = tf.config.functions_run_eagerly()
    try:
        tf.config.run_functions_eagerly(True)
        yield
    finally:
        tf.config.run_functions_eagerly(before)


def owns(value):
    """Whether a value holds weights of its own: a layer casts what it is given to its precision."""
    return isinstance(value, keras.Layer)


@contextmanager
def holding(owners, working, dtype):
    """Have layers hold copies rounded to `working`, in `dtype`; then their own again.

    What tf.function has compiled for one variable cannot do with another, so a layer that is in
    `dtype` already keeps its variables, and where one is not, nothing is compiled. The state of a
    generator of random numbers goes on.

    Raises:
        InputError: one of them is in a precision that is not judged.
    """
    layers = {id(layer): layer for owner in owners for layer in owner._flatten_layers()}.values()
    variables = {
        id(v): v for owner in owners for v in owner.variables if "float" in v.dtype
    }.values()
    policies = [(layer, layer._dtype_policy) for layer in layers]
    _check(layers, variables)
    other = any(v.dtype != dtype for v in variables) or any(p.name != dtype for _, p in policies)
    own = [(v, v._value, v._dtype, tf.identity(v._value)) for v in variables]
    try:
        with eagerly() if other else nullcontext():
            for v, _, _, values in own if other else ():
                v._value = tf.Variable(tf.cast(tf.cast(values, working), dtype))
                v._dtype = dtype
            for layer, _ in policies if other else ():
                layer.dtype_policy = dtype
            yield
    finally:
        for v, variable, name, values in own:
            v._value, v._dtype = variable, name
            variable.assign(values)
        for layer, policy in policies:
            layer._dtype_policy = policy


def differentiate(call, leaves, weights):
    """Call a function of some tensors; return its outputs, by path, and gradients of a sum of them.

    Args:
        call: takes a list of tensors, and returns a dict.
        leaves: the tensors.
        weights: of the numbers of an output in that sum, given its shape.
    """
    with tf.GradientTape() as tape:
        tape.watch(leaves)
        outputs = call(leaves)
    summed = [
        value for value in outputs.values() if tf.is_tensor(value) and value.dtype.is_floating
    ]
    weighed = [tf.constant(weights(value.shape), value.dtype) for value in summed]
    gradients = tape.gradient(summed, leaves, weighed, unconnected_gradients="zero")
    return outputs, [tf.convert_to_tensor(gradient) for gradient in gradients]


def _check(layers, variables):
    for layer in layers:
        if not layer.built and not getattr(layer.build, "_is_default", False):
            raise InputError(
                f"the layer {layer.name} is not built, so it has no weights yet: call it once"
            )
    for v in variables:
        if v.dtype not in ("float32", "float64"):
            raise InputError(
                f"the weight {v.path} is {v.dtype}, where float32 or float64 is expected: build "
                "the layer in one of them"
            )
