"""Ports that are run line by line: what each of their lines gave at the first steps of a recipe.

Every port is run in eager mode from the recipe's initial weights on; at each step, each of its
functions is called once, on that step's batch.
"""

import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from guide import tracing
from guide.ports import Net, beneath
from parity.contract import ROOT
from parity.processes.options import Options
from parity.sessions.made import complete
from parity.standard.users_code import seed_all
from shared.batches import part, rows_of
from shared.experiment import Experiment, prepare
from shared.recipes import Recipe

Array = NDArray[Any]
STEPS = (0, 1, 2)  # at which the functions are called: one after the other
WORKING, EXACT = "float32", "float64"
# The columns that are run, the slowest first. TensorFlow 1 runs a graph elsewhere.
EAGER = ("jax", "flax", "keras_fit", "keras", "tensorflow", "torch", "numpy")
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
    """A column and an experiment, with which any source of a port is traced."""

    column: str
    experiment: Experiment

    def trace(
        self, source: str, dtype: str, take: Callable[[Any], Any] = lambda array: array
    ) -> Traces:
        """Run a port in some precision; return a trace for each step.

        take: makes of an array what the port is given.
        """
        framework = beneath(self.column)
        runtime = importlib.import_module(f"impls.{framework}.runtime")
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
            seed_all(framework, 0)  # layers draw weights before they get ours
            try:
                module = tracing.load(source, f"{self.column}.py", notes)
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
        for function in filter(partial(hasattr, module), own.recipe.functions):  # may lack layers
            _name_anew()
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


def _name_anew() -> None:
    """Let Keras count the layers that it names from the first on again: their paths are keys."""
    if keras := sys.modules.get("keras"):
        keras.utils.clear_session(free_memory=False)


def recipe_of(net: Net) -> Recipe | None:
    """Return the recipe on which a net is looked at: its namesake, or its last."""
    own = [recipe for recipe in net.recipes if not recipe.workers]
    return min(reversed(own), key=lambda recipe: recipe.name != net.name, default=None)


def columns_of(net: Net) -> list[str]:
    """Return those of a net's columns whose lines are run."""
    return [port.framework for port in net.ports if port.framework in EAGER]


def reference_of(net: Net) -> str:
    """Return the column that all are held to: NumPy's or, of an example, its recipe's reference."""
    references = {recipe.reference for recipe in net.recipes}
    own = [port.framework for port in net.ports if ROOT / port.file in references]
    return own[0] if own else "numpy"


def experiment_of(recipe: Recipe) -> Experiment:
    """Return a recipe, made concrete with as many steps as are looked at.

    Raises:
        InputError: a Python file makes no data that can be used.
    """
    steps = STEPS[-1] + 1 if "train" in recipe.functions else None
    return prepare(complete(recipe, None, Options()), WORKING, steps, choice="digits")


def steps_of(experiment: Experiment) -> list[int]:
    """Return the steps at which an experiment is looked at."""
    return [step for step in STEPS if step < max(1, experiment.steps)]


def source_of(net: Net, column: str) -> str:
    """Return the source of a net's port in a column."""
    return next(port.source for port in net.ports if port.framework == column)
