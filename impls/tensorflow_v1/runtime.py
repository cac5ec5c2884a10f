"""What surrounds every TensorFlow 1 port: precision, device, threads, and arrays in and out."""

from functools import lru_cache, wraps
from types import SimpleNamespace

import numpy as np
import tensorflow.compat.v1 as tf

MODE = "compiled"  # a graph, which a Session runs

config = tf.ConfigProto()


def configure(dtype, device, threads):
    """Prepare the Sessions to come for `dtype` ("float32" or "float64") on "cpu" or "cuda".

    TensorFlow 1 has no default precision: every placeholder and Variable carries its own.

    Raises:
        RuntimeError: `device` is "cuda" and TensorFlow finds none.
    """
    if device == "cuda" and not tf.config.list_physical_devices("GPU"):
        raise RuntimeError(f"TensorFlow finds no GPU, but was asked for {device!r}")
    config.device_count["GPU"] = 0 if device == "cpu" else 1
    config.intra_op_parallelism_threads = config.inter_op_parallelism_threads = threads
    tf.config.experimental.enable_tensor_float_32_execution(False)  # float32 means float32


def graph_of(describe):
    """Let a function that describes a graph return its nodes by their names: one graph per dtype.

    To describe a graph adds nodes to it every time, so it is done once for all models.
    """

    @lru_cache
    @wraps(describe)
    def described(dtype):
        with tf.Graph().as_default():
            return SimpleNamespace(**describe(dtype))

    return described


def to_native(array):
    """Copy a NumPy array: what a Session is fed, and what it returns, are NumPy arrays."""
    return np.array(array)


def to_numpy(value):
    """Return a NumPy array as it is."""
    return np.asarray(value)
