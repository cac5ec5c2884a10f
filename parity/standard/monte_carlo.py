"""Monte Carlo arithmetic: NumPy arrays whose every operation errs as another library's might.

A NumPy port runs on them unchanged. Each run rounds differently at random, so the spread of several
runs shows how far rounding alone moves a result.

Source: D. S. Parker, "Monte Carlo Arithmetic" (1997); the idea behind CADNA and Verificarlo.
"""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

# No library errs here: the result is one of the operands, a sign, or no real number.
EXACT = frozenset(
    {
        *(
            np.negative,
            np.positive,
            np.absolute,
            np.fabs,
            np.sign,
            np.maximum,
            np.minimum,
        ),
        *(np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal),
        *(
            np.logical_and,
            np.logical_or,
            np.logical_not,
            np.isfinite,
            np.isnan,
            np.isinf,
        ),
    }
)
# Approximated, and in a way that leans to one side: how many units in the last place they may err.
APPROXIMATE: dict[np.ufunc, float] = {
    **dict.fromkeys((np.exp, np.exp2, np.expm1, np.log, np.log2, np.log10, np.log1p), 2.0),
    **dict.fromkeys((np.tanh, np.sinh, np.cosh, np.sin, np.cos, np.arctan, np.power), 2.0),
    **dict.fromkeys((np.logaddexp, np.logaddexp2), 2.0),
    np.divide: 0.5,
}
# Functions that are made of ufuncs alone, or that compute nothing.
ALLOWED = frozenset(
    {
        *(
            np.sum,
            np.mean,
            np.max,
            np.min,
            np.clip,
            np.argmax,
            np.empty_like,
            np.zeros_like,
            np.ones_like,
            np.copyto,
        ),
        *(np.shape, np.ndim, np.size, np.copy, np.ravel, np.reshape, np.transpose),
    }
)


class NoiseLostError(Exception):
    """A NumPy port did something through which the noise would drop out in silence."""


class NoisyArray(np.ndarray[Any, np.dtype[Any]]):
    """An array whose operations are perturbed. Make one with `noisy`."""

    random: Generator | None

    def __array_finalize__(self, source: Any) -> None:
        self.random = getattr(source, "random", None)

    def __array_ufunc__(
        self,
        ufunc: np.ufunc,
        method: str,
        *inputs: Any,
        out: tuple[Any, ...] = (),
        **kwargs: Any,
    ) -> Any:
        if not all(isinstance(target, NoisyArray) for target in out):
            raise NoiseLostError(f"np.{ufunc.__name__} writes into a plain array")
        random = _generator([*inputs, *out])
        result = _compute(random, ufunc, method, [_plain(value) for value in inputs], kwargs)
        if out:
            np.copyto(_plain(out[0]), result, casting="same_kind")
            return out[0]
        return noisy(result, random)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func is np.copyto and not isinstance(args[0], NoisyArray):
            raise NoiseLostError("np.copyto writes into a plain array")
        if func not in ALLOWED:
            raise NoiseLostError(f"np.{func.__name__} is not known to keep the noise")
        return super().__array_function__(func, types, args, kwargs)

    def dot(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse: unlike `@`, it bypasses the noise.

        Raises:
            NoiseLostError: always.
        """
        raise NoiseLostError("ndarray.dot is not perturbed: use @")


def noisy(array: Any, random: Generator) -> NoisyArray:
    """Return `array` as one whose operations are perturbed with numbers from `random`."""
    view = np.asarray(array).view(NoisyArray)
    view.random = random
    return view


def require_noisy(tensors: Iterable[Any], where: str) -> None:
    """Check that all tensors are still perturbed.

    Raises:
        NoiseLostError: one is not; `where` it came from is named.
    """
    if not all(isinstance(tensor, NoisyArray) for tensor in tensors):
        raise NoiseLostError(f"{where} returned a plain array")


def _plain(value: Any) -> Any:
    return value.view(np.ndarray) if isinstance(value, NoisyArray) else value


def _generator(values: Iterable[Any]) -> Generator:
    for value in values:
        if isinstance(value, NoisyArray) and value.random is not None:
            return value.random
    raise NoiseLostError("a noisy array has lost its random generator")


def _compute(
    random: Generator,
    ufunc: np.ufunc,
    method: str,
    inputs: list[Any],
    kwargs: dict[str, Any],
) -> Any:
    kwargs = {k: v for k, v in kwargs.items() if k not in ("casting", "subok")}
    if ufunc.nout > 1:
        raise NoiseLostError(f"np.{ufunc.__name__} returns several arrays")
    if method == "__call__" and ufunc is np.matmul:
        return _perturb(random, _matmul(random, *inputs), 0.5)
    if method == "reduce" and ufunc is np.add:
        return _perturb(random, _sum(random, *inputs, **kwargs), 0.5)
    if method == "reduce" and ufunc in EXACT:
        return ufunc.reduce(*inputs, **kwargs)
    if method != "__call__":
        raise NoiseLostError(f"np.{ufunc.__name__}.{method} is not known to keep the noise")
    result = ufunc(*inputs, **kwargs)
    if ufunc in EXACT:
        return result
    return _perturb(random, result, APPROXIMATE.get(ufunc, 0.5), leans=ufunc in APPROXIMATE)


def _perturb(random: Generator, result: Any, units: float, leans: bool = False) -> Any:
    """Move each number by up to `units` in the last place, then round it to a number again.

    Where an approximation leans, half of that has one sign for the whole array, so that it does not
    average out in a sum. The exact result lies anywhere within half a unit of the number we see.
    """
    result = np.asarray(result)
    if result.dtype.kind != "f":
        return result
    error = random.random(result.shape, np.float32) - np.float32(0.5)
    if leans:
        sign = random.choice((-1, 1))
        error += random.random(result.shape, np.float32) * np.float32(sign * units / 2)
        units /= 2
    error += (random.random(result.shape, np.float32) * 2 - 1) * np.float32(units)
    unit = np.where(result == 0, 0, np.spacing(np.abs(result)))  # an exact zero stays one
    return result + np.rint(error).astype(result.dtype) * unit.astype(result.dtype)


def _matmul(random: Generator, a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """Multiply a (m, k) and b (k, n), both perturbed, summing over k in some order and blocks."""
    if not a.ndim == b.ndim == 2:
        raise NoiseLostError(f"@ is perturbed for matrices alone, not for {a.ndim}-d @ {b.ndim}-d")
    a, b = _perturb(random, a, 0.5), _perturb(random, b, 0.5)
    order = _order(random, a.shape[-1])
    a, b = a[:, order], b[order]
    size = _block(random, len(order))
    total: NDArray[Any] = a[:, :size] @ b[:size]
    for start in range(size, len(order), size):
        total += a[:, start : start + size] @ b[start : start + size]
    return total


def _sum(
    random: Generator,
    a: NDArray[Any],
    axis: int | tuple[int, ...] | None = 0,
    dtype: Any = None,
    keepdims: bool = False,
    where: Any = True,
) -> Any:
    """Sum over some axes in some order and blocks."""
    if where is not True:
        raise NoiseLostError("np.sum(where=...) is not known to keep the noise")
    axes = tuple(range(a.ndim)) if axis is None else (axis,) if isinstance(axis, int) else axis
    axes = tuple(i % a.ndim for i in axes)
    rest = tuple(n for i, n in enumerate(a.shape) if i not in axes)
    terms = np.moveaxis(a, axes, range(len(axes))).reshape(-1, *rest).astype(dtype or a.dtype)
    terms = terms[_order(random, len(terms))]
    starts = np.arange(0, len(terms), _block(random, len(terms)))
    total = np.add.accumulate(np.add.reduceat(terms, starts, axis=0), axis=0)[-1]
    kept = tuple(1 if i in axes else n for i, n in enumerate(a.shape))
    return total.reshape(kept) if keepdims else total


def _order(random: Generator, length: int) -> NDArray[np.int64]:
    """Return an order to sum in: half of the time the rows' own, in which partial sums may grow.

    Rows sorted by class sum up high before they cancel; no random order shows that.
    """
    return np.arange(length) if random.random() < 0.5 else random.permutation(length)


def _block(random: Generator, length: int) -> int:
    """Return a random block size, a power of two up to `length`."""
    return 1 << int(random.integers(0, math.floor(math.log2(length)) + 1))
