"""Moving averages of weights, which the reference exports beside these, made otherwise."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from parity.diagnosis.case import Case, distance
from parity.diagnosis.hypothesis import Hypothesis, Scored
from parity.standard.comparison import LIMIT
from parity.standard.inputs import Tensors

Array = NDArray[Any]
CAUSE = "another moving average of the weights"
SHARES = (0.1, 0.01, 0.001, 1e-4, 0.05, 0.005, 0.5)  # of what is new, as people choose them
WARMED = 9 / 10, 9 / 11  # at a first step, where (1 + t) / (10 + t) is kept if that is less
ROUND = 1e-6  # relative; what is fitted so close to a share is that very share


class Average(NamedTuple):
    """An average: of which weight it is, and the share of what is new."""

    weight: str
    share: float


@dataclass(frozen=True, kw_only=True)
class Averaged(Hypothesis):
    """The reference with its averages made otherwise.

    made: an average, given that before the step, and the weight before and after it.
    """

    own: dict[str, Average]
    made: Callable[[Array, Array, Array], Array]

    def predict(self, case: Case, rung: str, step: int, random: Generator | None = None) -> Tensors:
        """Return what this makes of the rung update at one step."""
        before, after = case.weights[step], case.expected["update", step]
        return after | {
            name: self.made(before[name], before[own.weight], after[own.weight])
            for name, own in self.own.items()
        }

    def _refuted(self, case: Case) -> bool:
        return False  # what nothing is computed from, no loss shows


def tried(case: Case) -> Iterator[Scored | None]:
    """Yield how well other averages explain a port, on the rung update."""
    averages = recognise(case)
    shares = {own.share for own in averages.values()}
    if len(shares) != 1:
        return
    (share,) = shares
    for claim, made in _others(case, averages, share):
        yield Averaged(CAUSE, claim, own=averages, made=made).diagnose(case, "update")


def recognise(case: Case) -> dict[str, Average]:
    """Return what the reference exports that is a moving average, within noise floors."""
    found = {}
    for name in case.buffers:
        alike = sorted(case.trained, key=_like(name), reverse=True)
        own = (_average(case, name, weight) for weight in alike)
        if average := next(filter(None, own), None):
            found[name] = average
    return found


def _like(name: str) -> Callable[[str], int]:
    """Return how many last letters another name has in common with one."""

    def common(other: str) -> int:
        pairs = zip(reversed(name), reversed(other), strict=False)
        return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(name), len(other)))

    return common


def _average(case: Case, name: str, weight: str) -> Average | None:
    """Return the average that an exported array is of a weight; None if of another, or of none."""
    moved = {}
    for step, before in case.weights.items():
        after = case.expected.get(("update", step), {})
        if name not in after or weight not in after or after[name].shape != after[weight].shape:
            return None
        moved[step] = before[name], after[name], after[weight]
    way = np.concatenate([(new - old).ravel() for old, _, new in moved.values()])
    went = np.concatenate([(now - old).ravel() for old, now, _ in moved.values()])
    if not (way @ way):
        return None
    share = _usual(float(way @ went / (way @ way)))
    for step, (old, now, new) in moved.items():
        off = distance(old + share * (new - old), now)
        if not off <= LIMIT * case.noise["update", step][name]:
            return None
    return Average(weight, share)


def _usual(share: float) -> float:
    """Return a share that a fitted one is close to, of what is new or of what is kept."""
    usual = (1 - kept for kept in SHARES)
    return next((each for each in (*SHARES, *usual) if abs(each - share) <= ROUND * each), share)


def _others(
    case: Case, averages: dict[str, Average], share: float
) -> Iterator[tuple[str, Callable[[Array, Array, Array], Array]]]:
    yield "averages are not updated", lambda old, was, new: old
    claim = "averages are of the weights before each step, not after it"
    yield claim, lambda old, was, new: old + share * (was - old)
    yield "averages are the weights themselves", lambda old, was, new: new
    claim = f"{share:g} is the share of the average that is kept, not of the weights that are new"
    yield claim, lambda old, was, new: new + share * (old - new)
    claim = f"averages begin at 0, and are {share:g} of the weights after a first step"
    yield claim, lambda old, was, new: share * new
    for first in WARMED:
        said = "as where (1 + t) / (10 + t) is kept if that is less"
        claim = f"the share of the weights that are new is {first:.3g} at a first step, {said}"
        yield claim, partial(_moved, first)
    fitted = _fitted(case, averages)
    if fitted is not None:
        claim = f"the share of the weights that are new is {fitted:g}, not {share:g}"
        yield claim, partial(_moved, fitted)


def _moved(share: float, old: Array, was: Array, new: Array) -> Array:
    return old + share * (new - old)


def _fitted(case: Case, averages: dict[str, Average]) -> float | None:
    """Return the share that fits the port's averages best; None where nothing tells of one."""
    top = bottom = 0.0
    for step, got in case.answered("update"):
        before, after = case.weights[step], case.expected["update", step]
        for name, own in averages.items():
            way = after[own.weight] - before[name]
            top += float((way * (got[name] - before[name])).sum())
            bottom += float((way * way).sum())
    return _usual(top / bottom) if bottom else None
