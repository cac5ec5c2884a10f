"""Holding one function to another: the reference, its noise floors, and what the other returns."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.random import default_rng
from numpy.typing import NDArray

from parity.contract import PortError
from parity.functions.arguments import Arguments
from parity.functions.side import Side
from parity.standard.comparison import Comparison, compare, compare_exactly, unusable
from parity.standard.floors import AMPLIFIED, FAR, K, largest_distance, last_place, runs_for
from parity.standard.inputs import Tensors
from parity.standard.place import Place
from shared.errors import InputError
from shared.rounding import NoiseLostError

Array = NDArray[Any]
EXACTLY = "float32"  # in which a function that rounds nothing gives what it gives in float64


@dataclass(frozen=True)
class Judged:
    """What came of holding one function, `port`, to another.

    comparisons: one per array that either returns, in the reference's order.
    """

    reference: Side
    port: Side
    dtype: str
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True)
class Standard:
    """What a reference returns, by path, and how far rounding alone moves it.

    expected: real numbers in float64. floors: of these. undecided: of whole numbers, those that
    rounding alone may change, as it does where two largest values are nearly equal.
    """

    expected: Tensors
    floors: dict[str, float]
    undecided: Tensors


def judge(reference: Side, port: Side, arguments: Arguments) -> Judged:
    """Hold one function to another.

    Raises:
        InputError: the reference cannot be used.
    """
    __tracebackhide__ = True
    standard = measure(reference, arguments)
    try:
        got = port.run(arguments, arguments.dtype)
    except PortError as error:
        wrong = unusable(_place("outputs"), "arrays", "no array")
        return Judged(reference, port, arguments.dtype, (replace(wrong, unusable=str(error)),))
    comparisons = tuple(_compared(standard, got, arguments.dtype))
    return Judged(reference, port, arguments.dtype, comparisons)


def measure(reference: Side, arguments: Arguments) -> Standard:
    """Run the reference in float64, and with errors in the working precision.

    Raises:
        InputError: it cannot be used.
    """
    __tracebackhide__ = True
    try:
        expected = reference.run(arguments, "float64", eagerly=True)
        again = reference.run(arguments, "float64", eagerly=True)
        _check(reference, expected, again)
        runs = _noisy_runs(reference, arguments, expected)
    except PortError as error:
        raise InputError(f"the reference cannot be used: {error}") from error
    floors: dict[str, float] = {}
    undecided: Tensors = {}
    for path, value in expected.items():
        if value.dtype.kind == "f":
            own = [run[path] for run in runs]
            floors[path] = largest_distance(value, own, arguments.dtype)
            _check_finite(reference, path, value, floors[path])
            _check_near(reference, path, value, own, arguments.dtype)
        else:
            moved = [run[path] != value for run in runs]
            undecided[path] = np.any([np.zeros(value.shape, bool), *moved], axis=0)
            if undecided[path].all():
                raise InputError(
                    f"rounding alone decides every value of {path} that {reference} returns, so "
                    "there is nothing to compare: pass other arrays"
                )
    if runs and arguments.dtype == "float64":
        _check_fine(reference, arguments, expected, floors)
    return Standard(expected, floors, undecided)


def _noisy_runs(reference: Side, arguments: Arguments, expected: Tensors) -> list[Tensors]:
    """Return what the reference returns under noise, several times; nothing, if it is exact."""
    real = {path: value for path, value in expected.items() if value.dtype.kind == "f"}
    runs: list[Tensors] = []
    try:
        for seed in range(runs_for(real) if real else K):
            noise = reference.noise(default_rng(seed))
            runs.append(reference.run(arguments, arguments.dtype, noise))
            _check_run(reference, expected, runs[-1], arguments.dtype)
    except NoiseLostError as error:
        if _is_exact(reference, arguments):
            return []
        raise InputError(
            f"rounding in {reference} cannot be measured, for {error}: compute all of it with "
            f"operations of {reference.framework.name}, on the arrays that it is given"
        ) from error
    return runs


def _is_exact(reference: Side, arguments: Arguments) -> bool:
    """Whether a function rounds nothing: in float32 it gives what it gives in float64.

    Numbers are moved, compared or changed in sign; any others would be rounded.
    """
    wide = reference.run(arguments, "float64", eagerly=True, working=EXACTLY)
    narrow = reference.run(arguments, EXACTLY, eagerly=True, working=EXACTLY)
    return all(np.array_equal(wide[path], narrow[path]) for path in wide)


def _check(reference: Side, first: Tensors, second: Tensors) -> None:
    """Check what the reference returned in float64, twice."""
    if not first:
        raise InputError(f"the reference {reference} returned nothing, so nothing can be compared")
    for path, value in first.items():
        kind, other = value.dtype, second.get(path)
        if kind.kind == "f" and kind != np.float64:
            raise InputError(
                f"the reference {reference}, called in float64, returned {path} in {kind}: let it "
                "compute in the precision of its arguments"
            )
        if other is None or other.shape != value.shape:
            raise InputError(
                f"the reference {reference} is not deterministic: {path} has another shape when it "
                "is called again"
            )
        if not value.size:
            raise InputError(
                f"the reference {reference} returned {path} of shape {value.shape}, without a "
                "value to compare"
            )
        _check_same(reference, path, value, other)


def _check_same(reference: Side, path: str, value: Array, other: Array) -> None:
    """Check that two runs gave the same, but for the order in which threads may sum."""
    if value.dtype.kind == "f":
        far = np.abs(value - other) > AMPLIFIED * last_place(value, "float64")
    else:
        far = value != other
    if far.any():
        index = tuple(int(i) for i in np.argwhere(far)[0])
        raise InputError(
            f"the reference {reference} is not deterministic: at {list(index)} of {path}, two runs "
            f"in float64 gave {value[index]!s} and {other[index]!s}; switch off dropout and "
            "whatever else is drawn at random"
        )


def _check_run(reference: Side, expected: Tensors, run: Tensors, dtype: str) -> None:
    """Check that the reference returns the same arrays in the working precision."""
    for path, value in expected.items():
        got = run.get(path)
        if got is None or got.shape != value.shape:
            raise InputError(
                f"the reference {reference} returns {path} in float64, but not with rounding "
                f"errors in {dtype}"
            )
        if value.dtype.kind == "f" and got.dtype != dtype:
            raise InputError(
                f"the reference {reference}, called in {dtype}, returned {path} in {got.dtype}: "
                f"something that it uses is in {got.dtype}; pass it as an argument"
            )


def _check_finite(reference: Side, path: str, value: Array, floor: float) -> None:
    bad = np.argwhere(~np.isfinite(value))
    if len(bad):
        raise InputError(
            f"the reference {reference} returned {path} with {len(bad):,} of {value.size:,} values "
            f"that are no finite number, the first at {bad[0].tolist()}"
        )
    if not np.isfinite(floor):
        raise InputError(
            f"the reference {reference} returned {path} without finite numbers in some run with "
            "rounding errors: its numbers are too large for the precision"
        )


def _check_near(reference: Side, path: str, value: Array, runs: list[Array], dtype: str) -> None:
    """Check that noisy runs lie around the exact values.

    If they lie elsewhere, and close to each other, it is not rounding that has moved them.
    """
    if not runs:
        return
    spread = max(np.ptp(np.asarray(runs, np.float64), axis=0).max(), last_place(value, dtype))
    moved = np.abs(np.asarray(runs, np.float64) - value).min(axis=0).max()
    if moved > FAR * spread:
        raise InputError(
            f"the reference {reference} computes something else in {dtype} than in float64: {path} "
            f"differs by {moved:.2g}, of which rounding explains {spread:.2g}; switch off dropout, "
            "and whatever else depends on the precision"
        )


def _check_fine(
    reference: Side, arguments: Arguments, expected: Tensors, floors: dict[str, float]
) -> None:
    """Check that what rounding moves far in float64 is moved as much farther in float32.

    Otherwise something is rounded to float32 on the way, and errors would go unseen.
    """
    coarse = {
        path: floor
        for path, floor in floors.items()
        if floor * FAR > last_place(expected[path], "float32")
    }
    if not coarse:
        return
    runs = [
        reference.run(arguments, "float32", reference.noise(default_rng(seed)), working="float32")
        for seed in range(K)
    ]
    for path, floor in coarse.items():
        single = largest_distance(expected[path], [run[path] for run in runs], "float32")
        if single * FAR < floor * 2**29:
            raise InputError(
                f"the reference {reference} rounds to float32 on its way to {path}, though it is "
                f"called in float64: rounding moves it by {floor:.2g}, where {single / 2**29:.2g} "
                "is expected; let it compute in the precision of its arguments"
            )


def _compared(standard: Standard, got: Tensors, dtype: str) -> Iterator[Comparison]:
    for path, expected in standard.expected.items():
        if path not in got:
            yield unusable(_place(path), f"an array of shape {expected.shape}", "missing")
        elif path in standard.floors:
            yield compare(_place(path), expected, got[path], standard.floors[path], dtype)
        else:
            yield _compared_exactly(_place(path), expected, got[path], standard.undecided[path])
    for path in got.keys() - standard.expected.keys():
        yield unusable(_place(path), "nothing", f"an array of shape {got[path].shape}")


def _compared_exactly(place: Place, expected: Array, got: Array, undecided: Array) -> Comparison:
    if got.shape == expected.shape:
        got = np.where(undecided, expected.astype(got.dtype), got)
    if expected.dtype.kind == "u" and got.dtype.kind in "iu":
        expected = expected.astype(np.int64)
    return compare_exactly(place, expected, got)


def _place(path: str) -> Place:
    return Place("functions", 0, path)
