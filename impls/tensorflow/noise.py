"""Noise in TensorFlow: every operation errs as another library's might.

Functions run eagerly, and a callback sees every operation: those of gradients and of optimizers,
too. What it returns is not listened to, so it changes the results where they lie in memory.
"""

import ctypes
from itertools import chain
from pathlib import Path

import numpy as np
import tensorflow as tf
from keras.src.backend.common.symbolic_scope import in_symbolic_scope
from tensorflow.python.eager import context, execute
from tensorflow.python.framework import op_callbacks  # there is no public place for one
from tensorflow.python.ops.parallel_for import control_flow_ops as vectorized

from shared.operations import Operations
from shared.rounding import NoiseLostError

OPERATIONS = Path(__file__).with_name("operations.toml")


class Noise:
    """While it lasts, every operation errs at random."""

    def __init__(self, rounding):
        self.operations = Operations(OPERATIONS, rounding)
        self.callback = self.process  # one object, to be found again
        self.busy = False

    def __enter__(self):
        self.eager = tf.config.functions_run_eagerly()
        tf.config.run_functions_eagerly(True)
        op_callbacks.add_op_callback(self.callback)
        self.pfor, vectorized.pfor = vectorized.pfor, _one_by_one
        self.tape = tf.GradientTape.__init__
        tf.GradientTape.__init__ = self.lasting
        return self

    def __exit__(self, *error):
        tf.GradientTape.__init__ = self.tape
        vectorized.pfor = self.pfor
        op_callbacks.remove_op_callback(self.callback)
        tf.config.run_functions_eagerly(self.eager)

    def take(self, value):
        """Return a tensor as it is: it is the operations that err."""
        return value

    def require(self, values, where):
        """Check that something has erred since the last time.

        Raises:
            NoiseLostError: nothing has; `where` is named.
        """
        self.operations.require(where)

    @property
    def lasting(self):
        """How tapes are made that serve several times, as for each row of a batch's Jacobian."""
        made = self.tape
        return lambda tape, persistent=False, watch_accessed_variables=True: made(
            tape, True, watch_accessed_variables
        )

    def process(self, name, inputs, attrs, outputs, op_name=None, graph=None):
        """Let the results of an operation err."""
        name = name.decode() if isinstance(name, bytes) else name
        if self.busy or self.operations.is_exact(name):
            return
        if graph is not None and in_symbolic_scope():
            return  # Keras asks a layer for the shape of what it returns, not for numbers
        if graph is not None:
            raise NoiseLostError(f"{name} is called in a graph, so that it cannot err")
        self.busy = True
        try:
            self.err(name, inputs, attrs, outputs)
        finally:
            self.busy = False

    def err(self, name, inputs, attrs, outputs):
        """Let the results of an operation err where they lie, and variables that it has changed."""
        error, results = self.operations.error(name), _own_memory(outputs, inputs)
        said = zip(attrs[::2], attrs[1::2], strict=True)
        attributes = {key: value for key, value in said if value is not None}  # None is no value
        if self.operations.sums(name) and results:
            nudged = [self.nudged(value) for value in inputs]
            if name in ("Sum", "Mean"):
                np.copyto(results[0], self.summed(name, *nudged, attributes["keep_dims"]))
                return
            attrs = tuple(chain.from_iterable(attributes.items()))
            again = execute.quick_execute(name, len(outputs), nudged, attrs, context.context())
            for number, result in results.items():
                np.copyto(result, _memory(again[number]))
        for result in results.values():
            error(result, copy=False)
        for handle in inputs:
            if handle.dtype == tf.resource:
                self.err_in_place(error, handle, attributes)

    def nudged(self, value):
        """Return a tensor of real numbers with an error, and any other as it is."""
        if not _is_real(value):
            return value
        return tf.constant(self.operations.rounding.rounded(_memory(value)))

    def err_in_place(self, error, handle, attributes):
        """Let a variable err that an operation has changed."""
        dtype = attributes.get("dtype", attributes.get("T"))
        value = tf.raw_ops.ReadVariableOp(resource=handle, dtype=dtype)
        changed = tf.constant(error(_memory(value)))
        tf.raw_ops.AssignVariableOp(resource=handle, value=changed)

    def summed(self, name, values, axes, keepdims):
        """Return a sum or a mean over some axes in another order."""
        axes = tuple(np.atleast_1d(axes.numpy()))
        values = _memory(values)
        total = self.operations.rounding.sum(values, axes, keepdims)
        if name == "Sum" or not total.size:
            return total
        terms = values.dtype.type(values.size / total.size)
        return self.operations.rounding.rounded(total / terms)


def _one_by_one(loop_fn, iters, *_, **__):
    """Do what `pfor` does in a graph, which vectorized_map and batch_jacobian are made of."""
    results = [loop_fn(tf.constant(number)) for number in range(int(iters))]
    return tf.nest.map_structure(lambda *each: tf.stack(each), *results)


def _is_real(value):
    """Whether a tensor is made of real or complex numbers."""
    return value.dtype.is_floating or value.dtype.is_complex


def _own_memory(outputs, inputs):
    """Return the memory of outputs, by their numbers, but for those that were given as inputs."""
    given = [_memory(value) for value in inputs if _is_real(value)]
    made = {number: _memory(value) for number, value in enumerate(outputs) if _is_real(value)}
    return {
        number: own
        for number, own in made.items()
        if not any(np.shares_memory(own, other) for other in given)
    }


def _memory(tensor):
    """Return an array that lies where a tensor does, and can be written to while that lives."""
    seen = np.asarray(memoryview(tensor))
    memory = (ctypes.c_char * seen.nbytes).from_address(seen.ctypes.data)
    return np.ndarray(seen.shape, seen.dtype, memory)
