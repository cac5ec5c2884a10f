"""How another library may round: the one model of error behind the noise of every framework.

Each run rounds differently at random, so the spread of several runs shows how far rounding alone
moves a result.

Source: D. S. Parker, "Monte Carlo Arithmetic" (1997); the idea behind CADNA and Verificarlo.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Array = NDArray[Any]
HALF = 0.5  # units in the last place: what a result that is rounded correctly may be off by
APPROXIMATE = 2.0  # what an approximation, as of exp or tanh, may be off by
LIKELY = 256  # errors are drawn from so many that are equally likely, one byte each
BITS = {2: np.int16, 4: np.int32, 8: np.int64}  # by bytes of a number
# The last bits of a number, which are all 0 in small whole ones, in zeros and in infinities.
LAST_BITS = {2: (1 << 4) - 1, 4: (1 << 12) - 1, 8: (1 << 36) - 1}
SMALLEST = 16  # units of the smallest numbers, which an error would take past zero
GRID = 64  # points on which the distribution of a uniform error is taken


class NoiseLostError(Exception):
    """A port did something through which the noise would drop out in silence."""


@dataclass(frozen=True)
class Rounding:
    """Rounding errors, drawn at random. Whole numbers, zeros, infinities and NaN have none."""

    random: Generator

    def rounded(self, values: Any, units: float = HALF) -> Array:
        """Return values each of which is off by up to `units` in the last place, and rounded.

        Small whole numbers, such as counts, are exact in every library.
        """
        return self._moved(values, units, 0)

    def approximated(self, values: Any, units: float = APPROXIMATE) -> Array:
        """Return values off by up to `units`, half of that to one side in the whole array.

        A library's approximation is off in one direction, and does not average out in a sum.
        """
        return self._moved(values, units, 1 if self.random.random() < 0.5 else -1)

    def saturated(self, values: Any, units: float = APPROXIMATE) -> Array:
        """Return values that other libraries compute from numbers around 1, such as 1 + tanh(x).

        However small they are, they are off by units in the last place of a half.
        """
        values = np.asarray(values)
        half = np.maximum(np.abs(values), 0.5).astype(values.dtype)
        moved: Array = np.copysign(values + (self.approximated(half, units) - half), values)
        return moved

    def order(self, terms: int) -> NDArray[np.int64]:
        """Return an order to sum in: half of the time their own, in which partial sums may grow.

        Rows sorted by class sum up high before they cancel; no random order shows that.
        """
        return np.arange(terms) if self.random.random() < 0.5 else self.random.permutation(terms)

    def block(self, terms: int) -> int:
        """Return how many terms to sum at once: a random power of two, no more than there are."""
        return 1 << int(self.random.integers(0, math.floor(math.log2(terms)) + 1))

    def matmul(self, a: Array, b: Array) -> Array:
        """Multiply a (..., m, k) and b (..., k, n), both off, summing over k in another order."""
        a, b = map(self.rounded, alike([a, b]))
        order = self.order(a.shape[-1])
        a, b = a[..., order], b[..., order, :]
        size = self.block(len(order)) if len(order) else 1
        total: Array = a[..., :size] @ b[..., :size, :]
        for start in range(size, len(order), size):
            total += a[..., start : start + size] @ b[..., start : start + size, :]
        return self.rounded(total)

    def sum(
        self, values: Array, axes: int | tuple[int, ...] | None = None, keepdims: bool = False
    ) -> Array:
        """Sum over some axes, or over all, in another order and in blocks."""
        axes = tuple(range(values.ndim)) if axes is None else axes
        axes = tuple(i % values.ndim for i in ((axes,) if isinstance(axes, int) else axes))
        kept = tuple(1 if i in axes else n for i, n in enumerate(values.shape))
        rest = tuple(n for i, n in enumerate(values.shape) if i not in axes)
        terms = np.moveaxis(values, axes, range(len(axes))).reshape(-1, *rest)
        if not terms.size:
            return np.zeros(kept if keepdims else rest, values.dtype)
        terms = terms[self.order(len(terms))]
        starts = np.arange(0, len(terms), self.block(len(terms)))
        total = np.add.accumulate(np.add.reduceat(terms, starts, axis=0), axis=0)[-1]
        return self.rounded(total.reshape(kept) if keepdims else total)

    def _moved(self, values: Any, units: float, leaning: int) -> Array:
        values = np.asarray(values)
        if values.dtype.kind == "c":
            parts = np.ascontiguousarray(values).view(f"f{values.dtype.itemsize // 2}")
            moved: Array = self._moved(parts, units, leaning).view(values.dtype)
            return moved.reshape(values.shape)
        if values.dtype.kind != "f" or not values.size:
            return np.asarray(values)
        raw = self.random.bit_generator.random_raw(values.size // 8 + 1)
        drawn = raw.view(np.uint8)[: values.size].reshape(values.shape)
        errors = _likely(units, leaning).take(drawn, mode="clip")
        # In its bits, a number and the next one away from zero differ by one.
        bits = values.view(BITS[values.dtype.itemsize])
        tiny = SMALLEST * np.finfo(values.dtype).smallest_subnormal
        errors *= (np.abs(values) > tiny).view(np.int8)
        if leaning:
            errors *= np.isfinite(values).view(np.int8)
            errors *= 1 - 2 * (values < 0).view(np.int8)
        else:
            errors *= (bits & LAST_BITS[values.dtype.itemsize] != 0).view(np.int8)
        return np.asarray(bits + errors).view(values.dtype)


def alike(values: list[Any]) -> list[Any]:
    """Return values in which all arrays of real numbers are in the widest precision among them.

    What is multiplied by float64 is rounded as float64 is, though it be held in float32.
    """
    real = {np.dtype(value.dtype) for value in values if _is_real(value)}
    if len(real) < 2:
        return values
    widest = np.result_type(*real)
    return [value.astype(widest) if _is_real(value) else value for value in values]


def _is_real(value: Any) -> bool:
    return getattr(getattr(value, "dtype", None), "kind", None) == "f"


@lru_cache
def _likely(units: float, leaning: int) -> NDArray[np.int8]:
    """Return equally likely errors, rounded to whole units in the last place, (LIKELY,).

    The exact result lies anywhere within half a unit of the number we see.
    """
    share = (np.arange(GRID) + 0.5) / GRID
    one_sided = leaning * units / 2
    spread = units - abs(one_sided)
    exact, lean, rest = share - 0.5, one_sided * share, spread * (2 * share - 1)
    errors = np.sort(exact[:, None, None] + lean[:, None] + rest, axis=None)
    whole: NDArray[np.int8] = np.rint(errors.reshape(LIKELY, -1).mean(axis=1)).astype(np.int8)
    return whole
