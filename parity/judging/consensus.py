"""Which ports differ from the reference in the same way: then it is the reference that is suspect.

Ports that make independent mistakes do not agree with each other.
"""

from dataclasses import replace
from itertools import combinations

import numpy as np

from parity.processes.record import Record
from parity.results import PortResult
from parity.standard.comparison import compare, growth
from parity.standard.inputs import Tensors
from parity.standard.place import Place
from parity.standard.reference import Floors
from parity.standard.standard import Standard

ResultAndRecord = tuple[PortResult, Record]


def mark(standard: Standard, judged: list[ResultAndRecord]) -> list[PortResult]:
    """Return the results of one recipe in one precision, with `alike` filled in.

    Two ports are alike if they first differ from the reference on the same rung, and agree with
    each other on all of it.
    """
    alike: dict[str, set[str]] = {result.port: set() for result, _ in judged}
    for first, second in combinations(judged, 2):
        if _alike(standard, first, second):
            alike[first[0].port].add(second[0].port)
            alike[second[0].port].add(first[0].port)
    return [replace(result, alike=tuple(sorted(alike[result.port]))) for result, _ in judged]


def suspects(results: list[PortResult]) -> list[tuple[str, ...]]:
    """Return the groups of ports that are alike, where they span two frameworks or more."""
    framework = {result.port: result.framework for result in results}
    groups = {tuple(sorted({result.port, *result.alike})) for result in results if result.alike}
    return sorted(group for group in groups if len({framework[port] for port in group}) > 1)


def _alike(standard: Standard, first: ResultAndRecord, second: ResultAndRecord) -> bool:
    rungs = [result.divergence and result.divergence.rung for result, _ in (first, second)]
    if rungs[0] is None or rungs[0] != rungs[1]:
        return False
    reference, floors = standard.reference, standard.floors
    steps = standard.inputs.steps
    expected, noise = dict(reference.expected), dict(floors.expected)
    expected["trajectory", steps] = reference.path[steps]
    noise["trajectory", steps] = floors.path[steps]
    places = [at for at in expected if at[0] == rungs[0]]
    one, other = first[1].answers, second[1].answers
    dtype = standard.inputs.dtype
    return bool(places) and all(
        _same(expected[at], noise[at], one.get(at, {}), other.get(at, {}), dtype) for at in places
    )


def _same(expected: Tensors, floors: Floors, first: Tensors, second: Tensors, dtype: str) -> bool:
    """Whether two answers agree with each other; a floor grows with what it is the floor of."""
    for name, value in expected.items():
        if name not in first or name not in second or not np.isfinite(first[name]).all():
            return False
        own = first[name].astype(np.float64)
        floor = growth(own, value) * floors[name]
        if not compare(Place("forward", 0, name), own, second[name], floor, dtype).agrees:
            return False
    return True
