"""What surrounds every TensorFlow port: precision, device, threads, and tensors in and out."""

import os

import numpy as np
import tensorflow as tf

MODE = "compiled"  # under tf.function


def configure(dtype, device, threads):
    """Prepare TensorFlow for `dtype` ("float32" or "float64") on `device` ("cpu" or "cuda").

    TensorFlow has no default precision: every tensor carries its own. Keras has one, for weights
    and for what optimizers keep (`set_floatx`), and one for layers (the dtype policy). Threads are
    fixed when the first tensor is made, maybe by an import and TF_NUM_INTRAOP_THREADS: later calls
    cannot change `threads`.

    Raises:
        RuntimeError: `device` is "cuda" and TensorFlow finds none, or `threads` has changed.
    """
    threading = tf.config.threading
    said = os.environ.get("TF_NUM_INTRAOP_THREADS") == f"{threads}"
    if threading.get_intra_op_parallelism_threads() != threads and not said:
        threading.set_intra_op_parallelism_threads(threads)
        threading.set_inter_op_parallelism_threads(threads)
    gpus = tf.config.list_physical_devices("GPU")
    if device == "cpu":
        tf.config.set_visible_devices([], "GPU")
    elif not gpus:
        raise RuntimeError(f"TensorFlow finds no GPU, but was asked for {device!r}")
    else:
        for gpu in gpus:  # other ports' processes want some of its memory, too
            tf.config.experimental.set_memory_growth(gpu, True)
    tf.keras.backend.set_floatx(dtype)
    tf.keras.config.set_dtype_policy(dtype)
    tf.config.experimental.enable_tensor_float_32_execution(False)  # float32 means float32


def run_eagerly(enabled):
    """Make tf.function, whether under XLA or not, run Python's own code, operation by operation."""
    tf.config.run_functions_eagerly(enabled)


def to_native(array):
    """Copy a NumPy array into a tensor."""
    return tf.constant(array)


def to_numpy(value):
    """Return a tensor as a NumPy array, on a CPU the same memory; of a Variable, a copy.

    Raises:
        TypeError: it is the gradient of what is looked up, as an embedding's is.
    """
    if isinstance(value, tf.IndexedSlices):
        raise TypeError("rows and their numbers: tf.convert_to_tensor makes a tensor of them")
    return np.asarray(value)
