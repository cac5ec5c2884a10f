"""How far a port's numbers lie from its own earlier ones."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from parity.baseline.facts import TrialName
from parity.baseline.values import Value
from parity.results import RUNGS, Divergence, first_divergence
from parity.standard.comparison import Comparison, bits, compare, growth, unusable
from parity.standard.place import Place

Array = NDArray[Any]
LARGEST = np.finfo(np.float64).max
SAME, WITHIN, MOVED = "same bits", "no change of meaning", "moved"
NEW, GONE, ERROR = "new", "gone", "in error"
Kind = Literal["same bits", "no change of meaning", "moved", "new", "gone", "in error"]


@dataclass(frozen=True)
class Change:
    """What became of one port's numbers on one recipe, in one precision.

    kind: "new" and "gone" are of a port that only one of both runs has. compared: how many values.
    other_bits: how many of them have other bits than before. worst: the largest distance, in noise
    floors. first: what moved first. fault: why that could not be compared.
    """

    trial: TrialName
    port: str
    kind: Kind
    compared: int = 0
    other_bits: int = 0
    worst: Comparison | None = None
    first: Divergence | None = None
    fault: str | None = None

    @property
    def holds(self) -> bool:
        """Whether the port's numbers mean what they did."""
        return self.kind in (SAME, WITHIN)


@dataclass(frozen=True)
class Since:
    """A run held to a baseline.

    file, written, options: of the baseline. environment: what differs in it: its name, what it was
    and what it is. changes: one for each result of either run. left_out: what was not compared.
    """

    file: str
    written: str
    options: tuple[str, ...]
    environment: list[tuple[str, str, str]]
    changes: list[Change]
    left_out: list[str]

    @property
    def holds(self) -> bool:
        """Whether something was compared, and all of it means what it did."""
        return bool(self.changes) and all(change.holds for change in self.changes)


def change(
    trial: TrialName, port: str, before: Mapping[Place, Array], now: Mapping[Place, Value]
) -> Change:
    """Hold a port's numbers to its earlier ones, tensor by tensor.

    Args:
        trial, port: what they are of.
        before: those of the baseline.
        now: those of this run, with their noise floors.
    """
    found = [_compare(place, before.get(place), value) for place, value in now.items()]
    found += [
        _incomparable(place, f"{place} is missing, and the baseline has it")
        for place in before
        if place not in now
    ]
    other = sum(
        int(np.count_nonzero(bits(before[place]) != bits(value.array)))
        for place, value in now.items()
        if place in before and _is_alike(before[place], value.array)
    )
    if found and all(c.agrees for c in found):
        kind: Kind = "no change of meaning" if other else "same bits"
    else:
        kind = "moved"
    by_rung = ([c for c in found if c.place.rung == rung] for rung in RUNGS)
    first = next(filter(None, map(first_divergence, by_rung)), None)
    at_first = (c for c in found if first and c.place == first.place)
    return Change(
        trial,
        port,
        kind,
        compared=sum(c.compared for c in found),
        other_bits=other,
        worst=max((c for c in found if c.compared), key=lambda c: c.ratio, default=None),
        first=first,
        fault=next((c.unusable for c in at_first if c.unusable), None),
    )


def _compare(place: Place, before: Array | None, value: Value) -> Comparison:
    """Compare one tensor with its earlier values, in pass form: NaN is never the same."""
    now = value.array
    if before is None:
        return _incomparable(place, f"{place} is new, and the baseline lacks it")
    if not _is_alike(before, now):
        was, is_now = (f"{each.dtype} of shape {each.shape}" for each in (before, now))
        return _incomparable(place, f"{place} is {is_now}, where the baseline has {was}")
    if not np.isfinite(before).all():
        return _incomparable(place, f"the baseline's {place} has values that are no finite number")
    # A port that computes larger numbers than the reference rounds them by more.
    with np.errstate(over="ignore"):
        floor = np.minimum(value.floor * growth(before, value.expected), LARGEST)
    wide = before if before.dtype.kind == "i" else before.astype(np.float64)
    in_order = place.rung == "trajectory" and place.name == "loss"
    found = compare(place, wide, now, floor, str(now.dtype), in_order=in_order)
    if in_order and found.examples and place.kind == "run":
        return replace(found, place=replace(place, step=found.examples[0].index[0]))
    return found


def _is_alike(before: Array, now: Array) -> bool:
    return (before.dtype, before.shape) == (now.dtype, now.shape)


def _incomparable(place: Place, why: str) -> Comparison:
    return replace(unusable(place, "", ""), examples=(), unusable=why)
