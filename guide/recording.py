"""What the lines of a framework's ports gave: run as `python -m guide.recording`.

Every port is run as its recipe says, in eager mode and float32, from the initial weights on; at
some steps each of its functions is called once, on that step's batch. What a line gave there is
held to NumPy's port in float64, in noise floors that are measured at that very value.
"""

import importlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import default_rng
from numpy.typing import NDArray

from guide import edits, ports, tracing
from guide.ports import Net
from parity import contract
from parity.contract import PortName
from parity.processes import quiet_import
from parity.standard.comparison import LIMIT
from parity.standard.floors import K, last_place
from parity.standard.users_code import seed_all
from shared.batches import part, rows_of
from shared.experiment import Experiment, prepare
from shared.recipes import Recipe
from traps import catalogue

Array = NDArray[Any]
STEPS = (0, 1, 2)  # at which the functions are called: one after the other
SHOWN = 3  # numbers of an array
EAGER = ("numpy", "tensorflow", "torch", "jax")  # TensorFlow 1 runs a graph elsewhere
WORKING, EXACT = "float32", "float64"
Key = tuple[int, str]  # a line, and the name of an array in what it gave


@dataclass
class Trace:
    """What the lines of a port gave at one step: arrays, in the order in which they came last.

    parts: what the parts of a tuple are called on a line, "" where they have no name. raised: what
    the port raised instead of going on, or nothing.
    """

    seen: dict[Key, Array]
    parts: dict[int, Sequence[str]]
    raised: str


Traces = list[Trace]  # one per step of STEPS that the recipe has


class Notes:
    """Notes what lines give while a function of the contract is called: what the first call gave.

    to_numpy: of the framework's runtime.
    """

    def __init__(self, to_numpy: Callable[[Any], Array]) -> None:
        self.to_numpy = to_numpy
        self.seen: dict[Key, Array] = {}
        self.parts: dict[int, Sequence[str]] = {}
        self._function = ""  # that is called now, or none
        self._of: dict[int, str] = {}  # by which function a line was reached first

    @contextmanager
    def of(self, function: str) -> Iterator[None]:
        """Note what happens while a function is called."""
        self._function = function
        try:
            yield
        finally:
            self._function = ""

    def __call__(self, line: int, value: Any, names: Sequence[str]) -> Any:
        """Note what a line gave, in place of what it gave before; return it."""
        function = self._function
        if function and self._of.setdefault(line, function) == function:
            for key in [key for key in self.seen if key[0] == line]:
                del self.seen[key]
            for name, array in tracing.leaves(value, self.to_numpy).items():
                self.seen[line, name] = array
            self.parts[line] = names
        return value


@dataclass(frozen=True)
class Run:
    """A framework and an experiment, with which any source of a port is traced."""

    framework: str
    experiment: Experiment

    def trace(
        self, source: str, dtype: str, take: Callable[[Any], Any] = lambda array: array
    ) -> Traces:
        """Run a port in some precision; return a trace for each step.

        take: makes of an array what the port is given.
        """
        runtime = importlib.import_module(f"impls.{self.framework}.runtime")
        runtime.configure(dtype, "cpu", 1)
        runtime.run_eagerly(True)

        def given(array: Any) -> Any:
            wanted = array.astype(dtype) if array.dtype.kind == "f" else array
            return take(runtime.to_native(np.ascontiguousarray(wanted)))

        traces = []
        weights: dict[str, Any] = dict(self.experiment.weights)
        for step in steps_of(self.experiment):
            notes = Notes(runtime.to_numpy)
            raised = ""
            seed_all(self.framework, 0)  # layers draw weights before they get ours
            try:
                module = tracing.load(source, f"{self.framework}.py", notes)
                weights = self._call(module, notes, given, step, weights)
            except Exception as error:  # a port with a mistake in it may raise anything
                raised = f"{type(error).__name__}: {' '.join(f'{error}'.split())}"[:200]
            traces.append(Trace(notes.seen, notes.parts, raised))
        return traces

    def _call(
        self,
        module: Any,
        notes: Notes,
        given: Callable[[Any], Any],
        step: int,
        weights: dict[str, Any],
    ) -> dict[str, Any]:
        """Call each of a port's functions as at some step of its run.

        weights: those before the step, as NumPy has them; returned are those after it.
        """
        own, after = self.experiment, weights
        rows = rows_of(own.schedule, step) if own.steps else slice(None)
        batch = given(own.x[rows]), given(own.y[rows])
        native = {name: given(value) for name, value in weights.items()}
        for function in own.recipe.functions:
            model = None if function in ("build", "train") else module.build(native)
            with notes.of(function):
                match function:
                    case "build":
                        module.build(native)
                    case "train":  # from the start, whatever it keeps from step to step
                        initial = {name: given(value) for name, value in own.weights.items()}
                        data, steps = (given(own.x), given(own.y)), part(own.schedule, 0, step + 1)
                        model = module.build(initial)
                        model, _ = module.train(model, *data, steps, own.learning_rate)
                    case "forward" | "layers":
                        getattr(module, function)(model, batch[0])
                    case "export":
                        module.export(model)
                    case _:
                        getattr(module, function)(model, *batch)
            if function == "train":
                exported = module.export(model)
                after = {name: notes.to_numpy(value) for name, value in exported.items()}
        return after


def steps_of(experiment: Experiment) -> list[int]:
    """Return the steps at which an experiment is looked at."""
    return [step for step in STEPS if step < max(1, experiment.steps)]


@dataclass(frozen=True)
class Standard:
    """What a value is held to: NumPy's in float64, and its noise floor, one of each per step."""

    values: list[Array]
    floors: list[float]

    def ratio(self, step: int, array: Array) -> float:
        """Return how far an array is from the value, in noise floors."""
        return _ratio(_distance(array, self.values[step]), self.floors[step])

    def turned(self) -> "Standard":
        """Return it in the layout that has the axes the other way round."""
        return Standard([value.T for value in self.values], self.floors)


NOT_DUE = Standard([np.empty(0)] * len(STEPS), [1.0] * len(STEPS))  # nothing has this shape
MISSING = np.array("missing")


class Standards:
    """What NumPy's port gives in float64, line by line, with noise floors in both precisions."""

    def __init__(self, net: Net, experiment: Experiment) -> None:
        source, run = _source(net, "numpy"), Run("numpy", experiment)
        port = contract.load(PortName("numpy"), net.name)
        self.exact = run.trace(source, EXACT)
        for step, trace in zip(steps_of(experiment), self.exact, strict=True):
            rows = rows_of(experiment.schedule, step)
            for name in ("x", "y"):  # which ports are given
                given = np.asarray(getattr(experiment, name)[rows])
                if given.size:
                    trace.seen[0, name] = given
        self.floors: dict[str, list[dict[Key, float]]] = {}
        for dtype in (WORKING, EXACT):
            found = [{key: _least(a, dtype) for key, a in t.seen.items()} for t in self.exact]
            for seed in range(K):
                with port.noise(default_rng(seed)) as noise:
                    erring = run.trace(source, dtype, noise.take)
                for floors, trace, exact in zip(found, erring, self.exact, strict=True):
                    assert not trace.raised, trace.raised
                    for key, array in trace.seen.items():  # x and y are exact
                        floors[key] = max(floors[key], _distance(array, exact.seen[key]))
            self.floors[dtype] = found
        self.keys = list(self.exact[0].seen)

    def of(self, key: Key, dtype: str) -> Standard:
        """Return the standard that one of NumPy's own values is."""
        values = [trace.seen[key] for trace in self.exact]
        return Standard(values, [floors[key] for floors in self.floors[dtype]])

    def match(self, key: Key, exact: Traces) -> Standard | None:
        """Return what a value of another port is held to, or nothing where NumPy's has no such one.

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


def _distance(one: Array, other: Array) -> float:
    if one.shape != other.shape or one is MISSING:
        return float("inf")
    with np.errstate(invalid="ignore"):
        return float(np.abs(one.astype(np.float64) - other.astype(np.float64)).max())


def _ratio(distance: float, floor: float) -> float:
    return distance / floor if distance and floor else (float("inf") if distance else 0.0)


def _least(array: Array, dtype: str) -> float:
    """Return the least that a noise floor may be: a unit in the last place, or 0 if whole."""
    return last_place(array, dtype) if array.dtype.kind == "f" else 0.0


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
        self.source = _source(net, framework)
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
                max(_least(value, WORKING), _distance(trace.seen[key], value))
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


def _source(net: Net, framework: str) -> str:
    return next(port.source for port in net.ports if port.framework == framework)


def record(framework: str, nets: Iterable[str]) -> dict[str, Any]:
    """Return what the lines of a framework's ports of some nets gave, by net.

    lines: what each gave. planted: of each mistake in the catalogue, what differs: see
    `Column.planted`.
    """
    quiet_import.import_framework(framework)
    own = [net for net in map(ports.net, nets) if framework in [p.framework for p in net.ports]]
    return {net.name: _record(net, framework) for net in own}


def recipe_of(net: Net) -> Recipe | None:
    """Return the recipe on which a net is looked at: its namesake, or its last."""
    own = [] if net.is_example else [recipe for recipe in net.recipes if not recipe.workers]
    return min(reversed(own), key=lambda recipe: recipe.name != net.name, default=None)


def experiment_of(recipe: Recipe) -> Experiment:
    """Return a recipe, made concrete with as many steps as are looked at."""
    steps = STEPS[-1] + 1 if "train" in recipe.functions else None
    return prepare(recipe, WORKING, steps, choice="digits")


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
