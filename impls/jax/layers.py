"""What a forward pass in JAX gives on its way: the results of its operations."""

from contextlib import contextmanager

import jax
import jax.numpy as jnp
import numpy as np
from jax._src.core import EvalTrace  # there is no public place in which operations can be met


@contextmanager
def operations(note):
    """Tell of what every operation gives while it lasts; yield what inputs are to be taken by."""
    evaluate = EvalTrace.process_primitive

    def told(trace, primitive, args, params):
        result = evaluate(trace, primitive, args, params)
        for value in result if primitive.multiple_results else [result]:
            if jnp.issubdtype(jnp.result_type(value), jnp.floating):
                note(np.asarray(value))
        return result

    EvalTrace.process_primitive = told
    try:
        with jax.disable_jit():
            yield lambda value: value
    finally:
        EvalTrace.process_primitive = evaluate
