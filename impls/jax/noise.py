"""Noise in JAX: every operation errs as another library's might.

Without jit, scan, while and cond run as Python does, and each operation of theirs, of what
differentiates them too, is one primitive that is evaluated by itself: here, with an error.
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax._src.core import EvalTrace  # there is no public place in which operations can be met

from shared.operations import Operations
from shared.rounding import NoiseLostError, alike

OPERATIONS = Path(__file__).with_name("operations.toml")
# What would be compiled as a whole, so that nothing in it errs.
CONTROL = {"closed_call", "cond", "core_call", "jit", "pjit", "pmap", "scan", "shard_map", "while"}


class Noise:
    """While it lasts, every operation errs at random."""

    def __init__(self, rounding):
        self.operations = Operations(OPERATIONS, rounding)
        self.eager = jax.disable_jit()

    def __enter__(self):
        self.eager.__enter__()
        self.evaluate = EvalTrace.process_primitive
        EvalTrace.process_primitive = lambda trace, *args: self.process(trace, *args)
        return self

    def __exit__(self, *error):
        EvalTrace.process_primitive = self.evaluate
        self.eager.__exit__(*error)

    def take(self, value):
        """Return an array as it is: it is the operations that err."""
        return value

    def require(self, values, where):
        """Check that something has erred since the last time.

        Raises:
            NoiseLostError: nothing has; `where` is named.
        """
        self.operations.require(where)

    def process(self, trace, primitive, args, params):
        """Evaluate a primitive, and let its results err."""
        operations, name = self.operations, primitive.name
        if name in CONTROL:
            raise NoiseLostError(f"{name} is compiled as a whole, so that nothing in it errs")
        if operations.is_exact(name):
            return self.evaluate(trace, primitive, args, params)
        if operations.sums(name):
            args = [_on_numpy(operations.rounding.rounded, value) for value in alike(args)]
        if name == "reduce_sum" and _is_real(args[0]):
            return jnp.asarray(operations.rounding.sum(np.asarray(args[0]), params["axes"]))
        if name == "dot_general":
            args = self.reordered(args, *params["dimension_numbers"][0])
        result, error = self.evaluate(trace, primitive, args, params), operations.error(name)
        if primitive.multiple_results:
            return [_on_numpy(error, value) for value in result]
        return _on_numpy(error, result)

    def reordered(self, factors, first_axes, second_axes):
        """Return two factors whose contracted axes are summed over in another order."""
        first, second = map(np.asarray, factors)
        for one, other in zip(first_axes, second_axes, strict=True):
            order = self.operations.rounding.order(first.shape[one])
            first, second = np.take(first, order, one), np.take(second, order, other)
        return [jnp.asarray(first), jnp.asarray(second)]


def _is_real(value):
    """Whether a value is made of real or complex numbers."""
    return jnp.issubdtype(jnp.result_type(value), jnp.inexact)


def _on_numpy(function, value):
    """Return a function of a NumPy array of an array of real or complex numbers."""
    return jnp.asarray(function(np.asarray(value))) if _is_real(value) else value
