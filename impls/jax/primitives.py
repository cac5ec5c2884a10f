"""What NumPy computes in JAX's place while noise is measured.

XLA would compile each of these operations for every shape, which takes longer than all the rest.
The arguments are those of JAX's primitives. What is not here, or NotImplemented, is left to JAX.
"""

import numpy as np


def divided(a, b):
    """Divide; JAX cuts off what remains of whole numbers."""
    return np.divide(a, b) if a.dtype.kind in "fc" else NotImplemented


def selected(which, *cases):
    """Choose the second case where a boolean is true, and the first where it is not."""
    return np.where(which, cases[1], cases[0]) if which.dtype == bool else NotImplemented


def converted(a, new_dtype, **_):
    """Convert to another type; what is no type of NumPy's is JAX's."""
    return a.astype(new_dtype) if isinstance(new_dtype, np.dtype) else NotImplemented


def broadcast(a, *sizes, shape, broadcast_dimensions, **_):
    """Repeat along the dimensions of `shape` that are not among `broadcast_dimensions`."""
    own = dict(zip(broadcast_dimensions, a.shape, strict=True))
    return np.broadcast_to(a.reshape([own.get(i, 1) for i in range(len(shape))]), shape)


def reshaped(a, new_sizes, dimensions, **_):
    """Reshape; in another order of dimensions it is JAX's."""
    return a.reshape(new_sizes) if dimensions is None else NotImplemented


def cut_out(a, start_indices, limit_indices, strides):
    """Return every so-manieth value between two along each axis."""
    steps = strides or [1] * a.ndim
    return a[tuple(map(slice, start_indices, limit_indices, steps))]


def elementwise(function):
    """Return a ufunc as a primitive, whose options say how exact and how wide a result is."""

    def of(*args, out_dtype=None, **_):
        return function(*args) if out_dtype is None else NotImplemented

    return of


ELEMENTWISE = {
    "abs": np.abs,
    "add": np.add,
    "add_any": np.add,
    "copy": np.array,
    "cos": np.cos,
    "div": divided,
    "eq": np.equal,
    "exp": np.exp,
    "expm1": np.expm1,
    "ge": np.greater_equal,
    "gt": np.greater,
    "is_finite": np.isfinite,
    "le": np.less_equal,
    "log": np.log,
    "log1p": np.log1p,
    "lt": np.less,
    "max": np.maximum,
    "min": np.minimum,
    "mul": np.multiply,
    "ne": np.not_equal,
    "neg": np.negative,
    "sign": np.sign,
    "sin": np.sin,
    "sqrt": np.sqrt,
    "square": np.square,
    "sub": np.subtract,
    "tanh": np.tanh,
}
NUMPY = {
    **{name: elementwise(function) for name, function in ELEMENTWISE.items()},
    "broadcast_in_dim": broadcast,
    "concatenate": lambda *each, dimension: np.concatenate(each, dimension),
    "convert_element_type": converted,
    "integer_pow": lambda a, y: a**y,
    "reduce_max": lambda a, axes, **_: a.max(axes),
    "reduce_min": lambda a, axes, **_: a.min(axes),
    "reshape": reshaped,
    "select_n": selected,
    "slice": cut_out,
    "squeeze": lambda a, dimensions: a.squeeze(dimensions),
    "transpose": lambda a, permutation: a.transpose(permutation),
}
