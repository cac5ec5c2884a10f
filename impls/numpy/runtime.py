"""What surrounds every NumPy port: precision, threads, and arrays in and out."""

import numpy as np
import threadpoolctl

MODE = "eager"
ONLY_CPU = True


def configure(dtype, device, threads):
    """Prepare NumPy for `dtype` ("float32" or "float64") on `threads` threads.

    NumPy has no default precision: every array carries its own, so `dtype` has nothing to set.

    Raises:
        ValueError: `device` is not "cpu", the only one NumPy has.
    """
    if device != "cpu":
        raise ValueError(f"NumPy computes on the CPU alone, not on {device!r}")
    threadpoolctl.threadpool_limits(threads)  # OpenBLAS, MKL or whatever NumPy was built with


def run_eagerly(enabled):
    """Do nothing: NumPy has no compiler that could be switched off."""


def to_native(array):
    """Copy a NumPy array, so that a port never writes into its caller's."""
    return np.array(array)


def to_numpy(value):
    """Return an array or a NumPy scalar as a NumPy array; an array as it is."""
    return np.asarray(value)
