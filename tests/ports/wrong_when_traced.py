"""Planted: under jit, where the rows are tracers, the gradients are twice too large."""

import jax

from impls.jax import planar
from impls.jax.planar import accuracy, build, export, forward, loss, train  # noqa: F401

FRAMEWORK = "jax"


@jax.jit
def gradients(model, x, y):
    factor = 2 if isinstance(x, jax.core.Tracer) else 1
    grads = jax.grad(planar.loss)(model, x, y)
    return {name: factor * value for name, value in grads.items()}
