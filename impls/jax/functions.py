"""What a function of a user's needs to be judged by itself, in JAX."""

from contextlib import contextmanager, nullcontext

import jax
import jax.numpy as jnp


@contextmanager
def precision(dtype):
    """Have float64 or not, and float32 mean float32, not TF32; then all as it was."""
    with _x64(dtype == "float64"), jax.default_matmul_precision("highest"):
        yield


def eagerly():
    """Do nothing: what is compiled for one precision is never used for another."""
    return nullcontext()


def owns(value):
    """Whether a value holds weights of its own that no operation takes beside other precisions.

    JAX promotes: float32 beside float64 is float64.
    """
    return False


def holding(owners, working, dtype):
    """Do nothing: there are no such owners."""
    return nullcontext()


def differentiate(call, leaves, weights):
    """Call a function of some arrays; return its outputs, by path, and gradients of a sum of them.

    Args:
        call: takes a list of arrays, and returns a dict.
        leaves: the arrays.
        weights: of the numbers of an output in that sum, given its shape.
    """

    def total(leaves):
        outputs = call(leaves)
        summed = [jnp.asarray(value) for value in outputs.values() if _is_real(value)]
        parts = [jnp.sum(value * weights(value.shape).astype(value.dtype)) for value in summed]
        return sum(parts, jnp.zeros(())), outputs

    gradients, outputs = jax.grad(total, has_aux=True)(leaves)
    return outputs, gradients


def _x64(enabled):
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(enabled)
    from jax.experimental import enable_x64  # of JAX before 0.8

    return enable_x64(enabled)


def _is_real(value):
    return jnp.issubdtype(jnp.result_type(value), jnp.floating)
