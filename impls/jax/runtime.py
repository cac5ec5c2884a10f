"""What surrounds every JAX port: precision, device, threads, and arrays in and out."""

import os

import jax
import jax.numpy as jnp
import numpy as np

MODE = "compiled"  # under jax.jit
ONE_THREAD = "--xla_cpu_multi_thread_eigen=false"


def configure(dtype, device, threads):
    """Prepare JAX for `dtype` ("float32" or "float64") on `device` ("cpu" or "cuda").

    JAX computes in float32 unless `jax_enable_x64` is set, whatever the dtype of its inputs.
    XLA computes on one thread or on all cores, and reads its flags once, when the first array is
    made: later calls cannot change `threads`.

    Raises:
        RuntimeError: `device` is "cuda" and JAX finds none.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    if threads == 1 and ONE_THREAD not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {ONE_THREAD}".strip()
    if device == "cuda":  # other ports' processes want some of its memory, too
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    jax.config.update("jax_enable_x64", dtype == "float64")
    jax.config.update("jax_default_matmul_precision", "highest")  # float32 means float32, not TF32
    jax.config.update("jax_default_device", jax.local_devices(backend=device)[0])


def run_eagerly(enabled):
    """Make jax.jit, and with it jax.lax.scan, run Python's own code, operation by operation."""
    jax.config.update("jax_disable_jit", enabled)


def to_native(array):
    """Copy a NumPy array into a JAX array; `jax.device_put` may share its memory."""
    return jnp.array(array)


def to_numpy(value):
    """Return a JAX array as a NumPy array that cannot be written to; on a CPU, the same memory."""
    return np.asarray(value)
