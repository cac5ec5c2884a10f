"""Noise in NumPy: arrays whose every operation errs as another library's might.

A port runs on them unchanged. What would lose the noise in silence is refused.
"""

from pathlib import Path

import numpy as np

from shared.operations import Operations
from shared.rounding import NoiseLostError, alike

OPERATIONS = Path(__file__).with_name("operations.toml")
COMPOSED = {np.sum, np.mean, np.max, np.min, np.clip, np.var, np.std}  # of ufuncs, which err


class Noise:
    """While it lasts, what is done with the arrays that `take` returns errs at random."""

    def __init__(self, rounding):
        self.operations = Operations(OPERATIONS, rounding)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def take(self, values):
        """Return an array as one that errs; what is no array as it is."""
        if not isinstance(values, np.ndarray | np.generic):
            return values
        view = np.asarray(values).view(NoisyArray)
        view.noise = self
        return view

    def require(self, values, where):
        """Check that what a port returned still errs.

        Raises:
            NoiseLostError: it does not; `where` it came from is named.
        """
        if not all(isinstance(value, NoisyArray) for value in values):
            raise NoiseLostError(f"{where} returned a plain array, which has lost the noise")


class NoisyArray(np.ndarray):
    """An array whose operations err. `Noise.take` makes them."""

    def __array_finalize__(self, source):
        self.noise = getattr(source, "noise", None)

    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **kwargs):
        if not all(isinstance(target, NoisyArray) for target in out):
            raise NoiseLostError(f"np.{ufunc.__name__} writes into a plain array")
        noise = _noise_of([*inputs, *out])
        kwargs = {k: v for k, v in kwargs.items() if k not in ("casting", "subok")}
        plain = [_plain_array(value) for value in inputs]
        result = _compute(noise.operations, ufunc, method, plain, kwargs)
        if out:
            np.copyto(_plain_array(out[0]), result, casting="same_kind")
            return out[0]
        return noise.take(result)

    def __array_function__(self, func, types, args, kwargs):
        if func is np.copyto and not isinstance(args[0], NoisyArray):
            raise NoiseLostError("np.copyto writes into a plain array")
        if func is np.copyto or func in COMPOSED:
            return super().__array_function__(func, types, args, kwargs)
        if kwargs.get("out") is not None:
            raise NoiseLostError(f"np.{func.__name__}(out=...) is not known to keep the noise")
        noise = _noise_of([*args, *kwargs.values()])
        plain = {name: _plain(value) for name, value in kwargs.items()}
        return _mapped(noise.take, _call(noise.operations, func, _plain(args), plain))

    def dot(self, other):
        """Multiply as np.dot does; the method of plain arrays has no noise."""
        return np.dot(self, other)


def _compute(operations, ufunc, method, inputs, kwargs):
    """Return what a ufunc computes on plain arrays, and errs."""
    rounding, name = operations.rounding, ufunc.__name__
    if ufunc.nout > 1:
        raise NoiseLostError(f"np.{name} returns several arrays")
    if method == "at":
        raise NoiseLostError(f"np.{name}.at is not known to keep the noise")
    if ufunc is np.matmul and min(np.ndim(value) for value in inputs) > 1:
        return rounding.matmul(*inputs)
    if ufunc is np.add and method == "reduce":
        return _sum(rounding, *inputs, **kwargs)
    if operations.is_exact(name):
        return getattr(ufunc, method)(*inputs, **kwargs)
    if method != "__call__" or operations.sums(name):
        inputs = _mapped(_nudged_by(rounding), alike(inputs))
    return operations.error(name)(getattr(ufunc, method)(*inputs, **kwargs))


def _call(operations, func, args, kwargs):
    """Return what a function of NumPy's, which is no ufunc, computes on plain arrays, and errs."""
    if operations.is_exact(func.__name__):
        return func(*args, **kwargs)
    result = func(*_mapped(_nudged_by(operations.rounding), alike(list(args))), **kwargs)
    return _mapped(operations.error(func.__name__), result)


def _sum(rounding, values, axis=0, dtype=None, keepdims=False, where=True):
    if where is not True:
        raise NoiseLostError("np.sum(where=...) is not known to keep the noise")
    return rounding.sum(values.astype(dtype or values.dtype), axis, keepdims)


def _nudged_by(rounding):
    return lambda value: rounding.rounded(value) if isinstance(value, np.ndarray) else value


def _mapped(function, value):
    """Call a function on a value, or on each in a list or tuple, however deep."""
    if isinstance(value, list | tuple):
        each = [_mapped(function, inner) for inner in value]
        return type(value)(*each) if hasattr(value, "_fields") else type(value)(each)
    return function(value)


def _plain(value):
    """Return arrays, also those in lists and tuples, without their noise."""
    return _mapped(_plain_array, value)


def _plain_array(value):
    return value.view(np.ndarray) if isinstance(value, NoisyArray) else value


def _noise_of(values):
    for value in values:
        if isinstance(value, NoisyArray) and value.noise is not None:
            return value.noise
        if isinstance(value, list | tuple) and any(isinstance(v, NoisyArray) for v in value):
            return _noise_of(value)
    raise NoiseLostError("a noisy array has lost its noise")
