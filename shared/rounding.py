"""How another library may round: the one model of error behind the noise of every framework.

Each run rounds differently at random, so the spread of several runs shows how far rounding alone
moves a result.

Source: D. S. Parker, "Monte Carlo Arithmetic" (1997); the idea behind CADNA and Verificarlo.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
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
# Bytes of an array that err at once: they fit a processor's cache, and C gets memory for more of
# them from the system, each time anew.
CACHED = 112 << 10
POOL = 1 << 20  # errors that are drawn once, of which all take some, from a random one on
MANY = 1024  # terms of a sum, of which it matters much how they are summed
FEW = 16  # terms in a block; so few are summed faster by adding whole arrays
GRID = 64  # points on which the distribution of a uniform error is taken


class NoiseLostError(Exception):
    """A port did something through which the noise would drop out in silence."""


@dataclass(frozen=True)
class Rounding:
    """Rounding errors, drawn at random. Whole numbers, zeros, infinities and NaN have none."""

    random: Generator

    def rounded(self, values: Any, units: float = HALF, copy: bool = True) -> Array:
        """Return values each of which is off by up to `units` in the last place, and rounded.

        Small whole numbers, such as counts, are exact in every library. Without `copy`, values are
        changed where they are, unless they have gaps in memory; the same goes for the next two.
        """
        return _by_parts(partial(self._err, units=units, leaning=0), values, copy)

    def approximated(self, values: Any, units: float = APPROXIMATE, copy: bool = True) -> Array:
        """Return values off by up to `units`, half of that to one side in the whole array.

        A library's approximation is off in one direction, and does not average out in a sum.
        """
        return _by_parts(partial(self._err, units=units, leaning=self._side()), values, copy)

    def saturated(self, values: Any, units: float = APPROXIMATE, copy: bool = True) -> Array:
        """Return values that other libraries compute from numbers around 1, such as 1 + tanh(x).

        However small they are, they are off by units in the last place of a half.
        """
        leaning = self._side()

        def saturate(part: Array) -> None:
            half = np.maximum(np.abs(part), HALF)
            moved = half.copy()
            self._err(moved, units, leaning)
            moved -= half
            moved += part
            np.copysign(moved, part, out=part)

        return _by_parts(saturate, values, copy)

    def order(self, terms: int) -> NDArray[np.int64] | slice:
        """Return an index of the order to sum in: half of the time their own.

        In that, partial sums may grow: rows sorted by class sum up high before they cancel; no
        random order shows that.
        """
        if self.random.random() < 0.5:
            return slice(None)
        return np.roll(_shuffled(terms), int(self.random.random() * terms))

    def block(self, terms: int) -> int:
        """Return how many terms to sum at once: a random power of two, no more than there are.

        Of many terms, as of a mean over all pixels, sums one by one are off by far the most, and so
        many powers would hardly ever show them: they are half of all.
        """
        if terms > MANY and self.random.random() < 0.5:
            return 1
        return 1 << int(self.random.integers(0, math.floor(math.log2(terms)) + 1))

    def matmul(self, a: Array, b: Array) -> Array:
        """Multiply a (..., m, k) and b (..., k, n), both off, summing over k in another order."""
        a, b = map(self.rounded, alike([a, b]))
        terms, order = a.shape[-1], self.order(a.shape[-1])
        a, b = a[..., order], b[..., order, :]
        size = self.block(terms) if terms else 1
        total: Array = a[..., :size] @ b[..., :size, :]
        for start in range(size, terms, size):
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
        if not values.size:
            return np.zeros(kept if keepdims else rest, values.dtype)
        # Terms that lie side by side in memory stay so: to move them would take longer.
        side_by_side = values.ndim - 1 in axes
        place = range(-len(axes), 0) if side_by_side else range(len(axes))
        shape = (*rest, -1) if side_by_side else (-1, *rest)
        terms = np.moveaxis(values, axes, place).reshape(shape)
        order = self.order(terms.shape[-1 if side_by_side else 0])
        if not isinstance(order, slice):
            terms = terms.take(order, -1 if side_by_side else 0)
        terms = np.moveaxis(terms, -1, 0) if side_by_side else terms
        total = _one_by_one(_block_sums(terms, self.block(len(terms))), side_by_side)
        return self.rounded(total.reshape(kept) if keepdims else total)

    def _side(self) -> int:
        return 1 if self.random.random() < 0.5 else -1

    def _err(self, values: Array, units: float, leaning: int) -> None:
        """Let some values (n,) err where they are."""
        start = int(self.random.random() * (POOL - values.size))
        errors = _pool(units, leaning)[start : start + values.size]
        # In its bits, a number and the next one away from zero differ by one.
        bits = values.view(BITS[values.itemsize])
        if leaning:
            sizes = np.abs(values)
            can = (sizes > _tiny(values.dtype)) & (sizes < np.inf)
            errors = errors * (1 - 2 * (values < 0).view(np.int8))
        else:  # an error of one unit does not go past zero
            can = (bits & LAST_BITS[values.itemsize]) != 0
        bits += (errors * can.view(np.int8)).astype(bits.dtype)


def _by_parts(change: Callable[[Array], None], values: Any, copy: bool) -> Array:
    """Return real or complex values that are changed in place part by part, each (n,)."""
    changed = np.array(values, copy=copy or None)
    if changed.dtype.kind not in "fc":
        return changed
    flat = changed.ravel("K")
    if not np.may_share_memory(flat, changed):  # there are gaps between the values
        changed = np.array(changed)
        flat = changed.ravel("K")
    if changed.dtype.kind == "c":
        flat = flat.view(f"f{changed.dtype.itemsize // 2}")
    size = CACHED // flat.itemsize
    for start in range(0, flat.size, size):
        change(flat[start : start + size])
    return changed


def _block_sums(terms: Array, size: int) -> Array:
    """Return the sums of `size` terms each, (blocks, ...), of terms (n, ...)."""
    if size > FEW:
        return np.add.reduceat(terms, np.arange(0, len(terms), size))
    total = np.array(terms[::size])
    for start in range(1, size):
        added = terms[start::size]
        total[: len(added)] += added
    return total


def _one_by_one(terms: Array, side_by_side: bool) -> Array:
    """Return the sum of terms (n, ...), each added to that of those before it."""
    if side_by_side or terms[0].size == 1:  # NumPy would sum them in pairs
        return np.asarray(np.add.accumulate(terms)[-1])
    return np.asarray(np.add.reduce(terms))


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


@lru_cache
def _pool(units: float, leaning: int) -> NDArray[np.int8]:
    """Return errors, each as often as it is likely, in random order, (POOL,)."""
    drawn = np.random.default_rng(0).integers(0, LIKELY, POOL, np.uint8)
    return _likely(units, leaning).take(drawn)


@lru_cache(maxsize=16)
def _shuffled(terms: int) -> NDArray[np.int64]:
    """Return a random order, (terms,); each sum begins somewhere in it."""
    return np.random.default_rng(terms).permutation(terms)


@lru_cache
def _tiny(dtype: np.dtype[Any]) -> Any:
    """Return the size up to which an error of some units would take a number past zero."""
    return SMALLEST * np.finfo(dtype).smallest_subnormal
