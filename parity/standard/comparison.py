"""Comparing one tensor with what is expected of it. Everything that is not agreement fails."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.standard.place import Place

LIMIT = 8.0  # how many noise floors a port's error may measure; docs/evidence.md says why
CACHED = 1 << 19  # bytes of an array that are compared at once
SHOWN = 5  # how many of the values that differ are kept as examples

Array = NDArray[Any]


@dataclass(frozen=True)
class Example:
    """One value that differs: where, what was expected, what was got."""

    index: tuple[int, ...]
    expected: float | int | str
    got: float | int | str


@dataclass(frozen=True)
class Comparison:
    """What comparing one tensor found.

    place: which tensor. compared: how many values. mismatches: how many of them are over the limit.
    error: the largest one over its floor, with `floor` the noise floor there, `ratio` their
    quotient and `index` where in the tensor it is. examples: of mismatches, the worst first, or in
    order. unusable: why the tensor could not be compared, or holds what is no number; then it is an
    error of the port's.
    """

    place: Place
    compared: int
    mismatches: int
    ratio: float
    error: float
    floor: float
    index: tuple[int, ...] = ()
    examples: tuple[Example, ...] = ()
    unusable: str | None = None

    @property
    def agrees(self) -> bool:
        """Whether something was compared, and all of it is within the limit."""
        return self.compared > 0 and self.mismatches == 0 and self.unusable is None


def compare(
    place: Place,
    expected: Array,
    got: Array,
    floor: float | Array,
    dtype: str,
    in_order: bool = False,
) -> Comparison:
    """Compare a port's tensor with the reference's, value by value.

    Args:
        place: which tensor it is.
        expected: the reference's values, of any shape, in float64, or whole numbers.
        got: the port's, which must have the same shape, and the precision `dtype`, or be whole
            numbers where whole ones are expected.
        floor: the noise floor, one for all values or, of the same shape, one for each.
        dtype: "float32" or "float64".
        in_order: give the first mismatches as examples, rather than the worst.

    Raises:
        ValueError: the reference itself is not finite, or a floor is not over zero.
    """
    floors = np.broadcast_to(np.asarray(floor, np.float64), expected.shape)
    if not (np.isfinite(expected).all() and np.isfinite(floors).all() and (floors > 0).all()):
        raise ValueError(
            f"the reference's {place} at step {place.step} or its floor is no finite number"
        )
    if got.shape != expected.shape:
        return unusable(place, f"an array of shape {expected.shape}", f"shape {got.shape}")
    whole = expected.dtype.kind in "biu" and got.dtype.kind in "biu"
    if got.dtype != dtype and not whole:
        return unusable(place, f"an array of {dtype}", f"{got.dtype}")
    with np.errstate(invalid="ignore", over="ignore"):
        error = np.abs(got.astype(np.float64) - expected)
        ratio = error / floors
        agrees = ratio <= LIMIT  # in pass form: NaN fails
    return _summary(place, expected, got, agrees, error, floors, ratio, in_order)


def compare_exactly(place: Place, expected: Array, got: Array) -> Comparison:
    """Compare arrays of any shape that must be the same bit for bit, their shape and type as well.

    Whole numbers are compared by value, whatever their width: without x64, JAX has no int64.
    """
    if got.shape != expected.shape:
        return unusable(place, f"an array of shape {expected.shape}", f"shape {got.shape}")
    whole = expected.dtype.kind == "i" and got.dtype.kind in "iu"
    if got.dtype != expected.dtype and not whole:
        return unusable(place, f"an array of {expected.dtype}", f"{got.dtype}")
    if expected.dtype.kind == "b":  # 1 and 0, which can be subtracted and shown
        expected, got = expected.view(np.uint8), got.view(np.uint8)
    # A NaN would be unlike itself; bits are not, and 0.0 and -0.0 differ.
    ours, theirs = (expected, got) if whole else (bits(expected), bits(got))
    if got.size and all((ours[rows] == theirs[rows]).all() for rows in _parts(got)):
        return Comparison(place, got.size, 0, 0.0, 0.0, 0.0)
    agrees = ours == theirs
    with np.errstate(invalid="ignore"):
        error = np.abs(got.astype(np.float64) - expected.astype(np.float64))
    ratio = np.where(agrees, 0.0, np.inf)
    return _summary(place, expected, got, agrees, error, np.zeros(got.shape), ratio)


def unusable(place: Place, expected: str, got: str) -> Comparison:
    """Return the comparison of what cannot be compared: nothing, which fails."""
    return Comparison(
        place,
        compared=0,
        mismatches=0,
        ratio=float("inf"),
        error=float("inf"),
        floor=0.0,
        examples=(Example((), expected, got),),
        unusable=f"{place} is {got}, where {expected} is expected",
    )


def _parts(array: Array) -> Iterator[slice | tuple[()]]:
    """Yield the rows of an array in parts that fit a processor's cache, or all of it at once."""
    if array.nbytes <= CACHED:
        yield ()
        return
    size = max(1, CACHED * len(array) // array.nbytes)
    for start in range(0, len(array), size):
        yield slice(start, start + size)


def growth(got: Array, expected: Array) -> float:
    """Return by how much a noise floor grows with what it is the floor of; it never shrinks."""
    largest = float(np.abs(expected).max(initial=0))
    return max(1.0, float(np.abs(got).max(initial=0)) / largest) if largest else 1.0


def bits(array: Array) -> Array:
    """Return an array of numbers as whole numbers, which are the same where all bits are."""
    if array.dtype.kind != "f":
        return array
    return np.ascontiguousarray(array).view(f"u{array.dtype.itemsize}")


def _summary(
    place: Place,
    expected: Array,
    got: Array,
    agrees: Array,
    error: Array,
    floors: Array,
    ratio: Array,
    in_order: bool = False,
) -> Comparison:
    if ratio.size == 0:
        return unusable(place, "at least one value", "empty")
    ranked = np.where(np.isnan(ratio), np.inf, ratio).ravel()
    wrong = np.flatnonzero(~agrees)
    worst = wrong[np.argsort(-ranked[wrong], kind="stable")]
    examples = tuple(
        Example(
            tuple(int(i) for i in np.unravel_index(flat, expected.shape)),
            expected.ravel()[flat].item(),
            got.ravel()[flat].item(),
        )
        for flat in (wrong if in_order else worst)[:SHOWN]
    )
    top = int(worst[0]) if len(worst) else int(ranked.argmax())
    bad = np.argwhere(~np.isfinite(got)) if got.dtype.kind == "f" else np.empty((0, 0))
    return Comparison(
        place,
        compared=int(got.size),
        mismatches=len(wrong),
        ratio=float(ranked[top]),
        error=float(error.ravel()[top]),
        floor=float(floors.ravel()[top]),
        index=tuple(int(i) for i in np.unravel_index(top, expected.shape)),
        examples=examples,
        unusable=f"{place} has {len(bad):,} of {got.size:,} values that are no finite number, "
        f"the first at {bad[0].tolist()}"
        if len(bad)
        else None,
    )
