"""What the lines of a column's ports gave: run as `python -m guide.recording`.

What a line gave in float32 is held to what the reference gives there in float64, in noise floors
that are measured at that very value; and so is what it gives with each mistake of the catalogue.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from guide import edits, given, ports, runs
from guide.given import Value
from guide.ports import Net
from guide.runs import EXACT, WORKING, Key, Run
from guide.standards import MISSING, NOT_DUE, Standard, Standards, agrees, distance, least_floor
from parity.processes import quiet_import
from shared.experiment import Experiment
from shared.recipes import Recipe
from traps import catalogue


class Column:
    """A port's own numbers, and those of the same port with a mistake in it."""

    def __init__(self, net: Net, column: str, experiment: Experiment, standards: Standards):
        self.source = runs.source_of(net, column)
        self.run = Run(column, experiment)
        working, exact = (self.run.trace(self.source, dtype) for dtype in (WORKING, EXACT))
        for trace in (*working, *exact):
            assert not trace.raised, f"{net.name} in {column} raised {trace.raised}"
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
        return given.values(self.working, self.matched)

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
        wrong = {
            called[line][0]: values for line, values in given.values(traces, standards).items()
        }
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


def _is_of_a_tensor(name: str) -> bool:
    """Whether a name is a key of the port's own: what it returns by name is due by that name."""
    return bool(name) and not name.startswith("[")


def record(column: str, nets: Iterable[str]) -> dict[str, Any]:
    """Return what the lines of a column's ports of some nets gave, by net.

    data: the title of what they were given. steps: at which. lines: what each gave. planted: of
    each mistake in the catalogue, what differs: see `Column.planted`.
    """
    quiet_import.import_framework(ports.beneath(column))
    own = [net for net in map(ports.net, nets) if column in runs.columns_of(net)]
    return {net.name: _record(net, column) for net in own}


def _record(net: Net, column: str) -> dict[str, Any]:
    recipe = runs.recipe_of(net)
    assert recipe
    experiment = runs.experiment_of(recipe)
    quiet_import.import_framework(runs.reference_of(net))
    standards = Standards(net, experiment)  # of an example, all files can be imported from now on
    own = Column(net, column, experiment, standards)
    return {
        "data": experiment.data.title,
        "steps": runs.steps_of(experiment),
        "lines": own.values(),
        "planted": _planted(net, recipe, own),
    }


def _planted(net: Net, recipe: Recipe, column: Column) -> dict[str, Any]:
    """Return what differs with each mistake."""
    known = catalogue.load_examples() if net.is_example else catalogue.load()
    return {
        f"{bug}": column.planted(catalogue.changed(bug))
        for bug in known.bugs
        if (bug.net, ports.column_of(bug)) == (net.name, column.run.column)
        and (net.is_example or bug.recipe == recipe.name)
    }


if __name__ == "__main__":
    _, name, file, *all_nets = sys.argv
    Path(file).write_text(json.dumps(record(name, all_nets), default=vars))
