"""What the lines of a framework's ports gave: run as `python -m guide.recording`.

What a line gave in float32 is held to what NumPy's port gives there in float64, in noise floors
that are measured at that very value; and so is what it gives with each mistake of the catalogue.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from guide import edits, ports
from guide.ports import Net
from guide.runs import (
    EXACT,
    WORKING,
    Array,
    Key,
    Run,
    Traces,
    experiment_of,
    recipe_of,
    source_of,
)
from guide.standards import MISSING, NOT_DUE, Standard, Standards, agrees, distance, least_floor
from parity.processes import quiet_import
from shared.experiment import Experiment
from traps import catalogue

SHOWN = 3  # numbers of an array


@dataclass(frozen=True)
class Value:
    """What a line gave, as a page shows it.

    name: in the value of its line, "" where it stands alone. shape: of the array. texts: its first
    numbers, per step. ratios: to the noise floors, per step; none where nothing says what is due.
    """

    name: str
    shape: str
    texts: list[str]
    ratios: list[float] | None


class Column:
    """A port's own numbers, and those of the same port with a mistake in it."""

    def __init__(self, net: Net, framework: str, experiment: Experiment, standards: Standards):
        self.source = source_of(net, framework)
        self.run = Run(framework, experiment)
        working, exact = (self.run.trace(self.source, dtype) for dtype in (WORKING, EXACT))
        for trace in (*working, *exact):
            assert not trace.raised, f"{net.name} in {framework} raised {trace.raised}"
        self.working = working
        self.matched: dict[Key, Standard | None] = {}
        self.own: dict[Key, Standard] = {}
        for key in working[0].seen:
            values = [trace.seen[key] for trace in exact]
            floors = [
                max(least_floor(value, WORKING), distance(trace.seen[key], value))
                for value, trace in zip(values, working, strict=True)
            ]
            self.own[key] = Standard(values, floors)
            self.matched[key] = standards.match(key, exact)

    def values(self) -> dict[int, list[Value]]:
        """Return what each line gives."""
        return _values(self.working, self.matched)

    def planted(self, source: str) -> dict[str, Any]:
        """Return how a port with a mistake in it differs, line by line.

        raised: what it raised at each step. first: the first line at each step, in the order of the
        run, that gave what is not due. lines: what they gave, where it differs from the right port.
        gone: those that give nothing now. Lines are called as guide/edits.py says.

        source: of that port.
        """
        called = edits.lines(self.source, source)
        traces = self.run.trace(source, WORKING)
        standards: dict[Key, Standard | None] = {}
        for trace in traces:
            for line in {line for line, _ in trace.seen}:
                real = called[line][1] or 0
                due = {name for number, name in self.own if number == real}
                there = {name for number, name in trace.seen if number == line}
                for name in filter(_is_of_a_tensor, due - there):
                    trace.seen[line, name] = MISSING
                for name in {*due, *there}:
                    if name in due:
                        standards[line, name] = self.matched[real, name] or self.own[real, name]
                    elif due and _is_of_a_tensor(name):
                        standards[line, name] = NOT_DUE
        right = {f"{line}": values for line, values in self.values().items()}
        wrong = {called[line][0]: values for line, values in _values(traces, standards).items()}
        return {
            "raised": [trace.raised for trace in traces],
            "first": [_first(wrong, step) for step in range(len(traces))],
            "lines": {line: v for line, v in wrong.items() if v != right.get(line)},
            "gone": [line for line in right if line not in wrong],
        }


def _first(lines: dict[str, list[Value]], step: int) -> str:
    """Return the first line that gave something else than is due, in the order of the run."""
    wrong = (
        line
        for line, values in lines.items()
        for value in values
        if value.texts[step] and value.ratios and not agrees(value.ratios[step])
    )
    return next(wrong, "")


def _values(traces: Traces, standards: dict[Key, Standard | None]) -> dict[int, list[Value]]:
    """Return what is shown of each line, in the order in which lines came last."""
    found: dict[int, list[Value]] = {}
    parts = {line: names for trace in traces for line, names in trace.parts.items()}
    keys = dict.fromkeys(key for trace in traces for key in trace.seen)
    for line, name in keys:
        arrays = [trace.seen.get((line, name)) for trace in traces]
        standard = standards.get((line, name))
        ratios = None
        if standard:
            ratios = [
                float("inf") if array is None else standard.ratio(step, array)
                for step, array in enumerate(arrays)
            ]
        shapes = {shape_text(array) for array in arrays if array is not None}
        texts = ["" if array is None else numbers_text(array) for array in arrays]
        shown = _label(name, parts[line])
        found.setdefault(line, []).append(Value(shown, " ".join(sorted(shapes)), texts, ratios))
    return found


def _is_of_a_tensor(name: str) -> bool:
    """Whether a name is a key of the port's own: what it returns by name is due by that name."""
    return bool(name) and not name.startswith("[")


def _label(name: str, parts: Sequence[str]) -> str:
    """Return a name in which a part of a tuple is called as in the code, if it has a name there."""
    place, _, inner = name.partition(" ")
    known = {f"[{number}]": part for number, part in enumerate(parts) if part}
    return f"{known.get(place, place)} {inner}".strip()


def shape_text(array: Array) -> str:
    """Return the shape of an array in NumPy's words; of a single number, none."""
    return f"{array.shape}" if array.ndim else ""


def numbers_text(array: Array) -> str:
    """Return the first numbers of an array, from the first on that is not zero."""
    flat = array.ravel()
    nonzero = np.flatnonzero(flat)
    start = int(nonzero[0]) if len(nonzero) else 0
    start = min(start, max(0, flat.size - SHOWN))
    words = [
        f"{value:.5g}" if flat.dtype.kind == "f" else f"{value}"
        for value in flat[start : start + SHOWN]
    ]
    return " ".join(["0 …"] * (start > 0) + words + ["…"] * (start + SHOWN < flat.size))


def record(framework: str, nets: Iterable[str]) -> dict[str, Any]:
    """Return what the lines of a framework's ports of some nets gave, by net.

    lines: what each gave. planted: of each mistake in the catalogue, what differs: see
    `Column.planted`.
    """
    quiet_import.import_framework(framework)
    own = [net for net in map(ports.net, nets) if framework in [p.framework for p in net.ports]]
    return {net.name: _record(net, framework) for net in own}


def _record(net: Net, framework: str) -> dict[str, Any]:
    recipe = recipe_of(net)
    assert recipe
    experiment = experiment_of(recipe)
    column = Column(net, framework, experiment, Standards(net, experiment))
    planted = {
        f"{bug}": column.planted(catalogue.changed(bug))
        for bug in catalogue.load().bugs
        if (bug.net, bug.framework, bug.recipe) == (net.name, framework, recipe.name)
    }
    return {"lines": column.values(), "planted": planted}


if __name__ == "__main__":
    _, name, file, *all_nets = sys.argv
    Path(file).write_text(json.dumps(record(name, all_nets), default=vars))
