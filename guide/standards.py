"""What the numbers of ports' lines are held to: a reference in float64, and its noise floors."""

from dataclasses import dataclass

import numpy as np
from numpy.random import default_rng

from guide.ports import Net
from guide.runs import (
    EXACT,
    STEPS,
    WORKING,
    Array,
    Key,
    Run,
    Traces,
    reference_of,
    source_of,
    steps_of,
)
from parity import contract
from parity.contract import PortName
from parity.standard.comparison import LIMIT
from parity.standard.floors import K, last_place
from shared.batches import rows_of
from shared.experiment import Experiment


@dataclass(frozen=True)
class Standard:
    """What a value is held to: the reference's, and its noise floor, one of each per step."""

    values: list[Array]
    floors: list[float]

    def ratio(self, step: int, array: Array) -> float:
        """Return how far an array is from the value, in noise floors."""
        return _ratio(distance(array, self.values[step]), self.floors[step])

    def turned(self) -> "Standard":
        """Return it in the layout that has the axes the other way round."""
        return Standard([value.T for value in self.values], self.floors)


NOT_DUE = Standard([np.empty(0)] * len(STEPS), [1.0] * len(STEPS))  # nothing has this shape
MISSING = np.array("missing")


class Standards:
    """What a net's reference gives in float64, line by line, with floors in both precisions."""

    def __init__(self, net: Net, experiment: Experiment) -> None:
        reference = reference_of(net)
        source, run = source_of(net, reference), Run(reference, experiment)
        file = experiment.recipe.reference
        port = contract.load(PortName(reference, file), net.name)
        self.exact = run.trace(source, EXACT)
        for step, trace in zip(steps_of(experiment), self.exact, strict=True):
            rows = rows_of(experiment.schedule, step)
            for name in ("x", "y"):  # which ports are given
                given = np.asarray(getattr(experiment, name)[rows])
                if given.size:
                    trace.seen[0, name] = given
        self.floors: dict[str, list[dict[Key, float]]] = {}
        for dtype in (WORKING, EXACT):
            found = [{key: least_floor(a, dtype) for key, a in t.seen.items()} for t in self.exact]
            for seed in range(K):
                with port.noise(default_rng(seed)) as noise:
                    erring = run.trace(source, dtype, noise.take)
                for floors, trace, exact in zip(found, erring, self.exact, strict=True):
                    assert not trace.raised, trace.raised
                    for key, array in trace.seen.items():  # x and y are exact
                        floors[key] = max(floors[key], distance(array, exact.seen[key]))
            self.floors[dtype] = found
        self.keys = list(self.exact[0].seen)

    def of(self, key: Key, dtype: str) -> Standard:
        """Return the standard that one of the reference's own values is."""
        values = [trace.seen[key] for trace in self.exact]
        return Standard(values, [floors[key] for floors in self.floors[dtype]])

    def match(self, key: Key, exact: Traces) -> Standard | None:
        """Return what a port's value is held to, or nothing where the reference has no such one.

        It is the value that agrees with it in float64, at every step, as the judge asks: a wrong
        one would have to agree with the right one to 15 digits. Layouts may differ.
        """
        own = [trace.seen.get(key) for trace in exact]
        for name in self.keys:
            wanted = self.of(name, EXACT)
            for turn in (False, True):
                held = wanted.turned() if turn else wanted
                if all(
                    array is not None and agrees(held.ratio(step, array))
                    for step, array in enumerate(own)
                ):
                    working = self.of(name, WORKING)
                    return working.turned() if turn else working
        return None


def agrees(ratio: float) -> bool:
    """Whether a value is as near as the judge asks; NaN is not."""
    return ratio <= LIMIT


def distance(one: Array, other: Array) -> float:
    """Return the largest distance between two arrays; infinity where one is of another shape."""
    if one.shape != other.shape or one is MISSING:
        return float("inf")
    with np.errstate(invalid="ignore"):
        return float(np.abs(one.astype(np.float64) - other.astype(np.float64)).max())


def _ratio(distance: float, floor: float) -> float:
    return distance / floor if distance and floor else (float("inf") if distance else 0.0)


def least_floor(array: Array, dtype: str) -> float:
    """Return the least that a noise floor may be: a unit in the last place, or 0 if whole."""
    return last_place(array, dtype) if array.dtype.kind == "f" else 0.0
