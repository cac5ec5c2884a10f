"""A process per framework, which trains what it is asked to and says how long it took."""

import importlib
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bench.contender import Contender
from parity.processes import quiet_import
from parity.processes.worker import QUIET
from shared.batches import Schedule
from shared.experiment import Experiment, prepare

# One thread each, whatever a library was built with; read when it is imported.
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
TO_END = 10.0  # seconds that a process may take to end by itself
LIBRARIES = ("numpy", "tensorflow", "torch", "jax", "tensorflow_v1", "sklearn")


@dataclass(frozen=True)
class Work:
    """What to train, and for how many steps; of synthetic work, its arrays are made by the worker.

    contender: its place in its library's list. batch, hidden: of synthetic work, rows per step of a
    softmax regression, or the hidden units of a planar net; None for the recipe's own. data: as
    --data of compare.py.
    """

    recipe: str
    contender: int
    steps: int
    batch: int | None = None
    hidden: int | None = None
    data: str = "auto"


@dataclass(frozen=True)
class Timed:
    """How long it took to train, from the arrays to the losses in NumPy; and some of the losses."""

    seconds: float
    first: float
    last: float


class Worker:
    """A library's process."""

    def __init__(self, library: str) -> None:
        os.environ.update({**QUIET, **os.environ, **ONE_THREAD})
        self.library = library
        context = get_context("spawn")  # JAX and TensorFlow hold threads: never forked
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, library), daemon=True)
        self._process.start()
        theirs.close()
        self.contenders: tuple[Contender, ...] = self._pipe.recv()  # once it has imported all

    def warm_up(self, recipe: str) -> None:
        """Take a few steps, so that what the library's first use costs is no contender's."""
        self.ask(Work(recipe, 0, 3))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pipe.close()  # which ends the process, and lets it clean up
        self._process.join(TO_END)
        self._process.kill()
        self._process.join()

    def ask(self, work: Work) -> Timed:
        """Train, and return how long it took.

        Raises:
            RuntimeError: the library failed on this, or its process died.
        """
        self._pipe.send(work)
        try:
            answer = self._pipe.recv()
        except EOFError as error:
            raise RuntimeError(f"{self.library} died on {work}") from error
        if isinstance(answer, str):
            raise RuntimeError(f"{self.library} failed on {work}: {answer}")
        timed: Timed = answer
        return timed


@contextmanager
def started(libraries: list[str]) -> Iterator[dict[str, Worker]]:
    """Start a worker per library, and end them all."""
    with ExitStack() as stack:
        yield {library: stack.enter_context(Worker(library)) for library in libraries}


def _serve(pipe: Connection, library: str) -> None:
    framework = "numpy" if library == "sklearn" else library
    quiet_import.import_framework(framework)
    runtime = importlib.import_module(f"impls.{framework}.runtime")
    runtime.configure("float32", "cpu", 1)
    own: tuple[Contender, ...] = importlib.import_module(f"bench.rivals.{library}").CONTENDERS
    pipe.send(tuple(contender.described() for contender in own))
    made: dict[Any, Any] = {}
    while True:
        try:
            work = pipe.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            pipe.send(_train(runtime, framework, own[work.contender], work, made))
        except Exception as error:
            pipe.send(f"{type(error).__name__}: {error}")


def _train(
    runtime: Any, framework: str, contender: Contender, work: Work, made: dict[Any, Any]
) -> Timed:
    """Train once; what was made and compiled for the same contender is used again."""
    experiment = _experiment(work, made)
    net = experiment.recipe.net
    module = importlib.import_module(f"impls.{framework}.{net}")
    key = contender.name, net
    if key not in made:
        assert contender.make
        made[key] = contender.make(module)
    schedule = experiment.schedule
    data = (work.recipe, work.batch, work.hidden)
    if made.get("data") != data:
        made["data"] = data
        made["arrays"] = runtime.to_native(experiment.x), runtime.to_native(experiment.y)
    x, y = made["arrays"]
    model = module.build({k: runtime.to_native(w) for k, w in experiment.weights.items()})
    start = time.perf_counter()
    model, losses = made[key](model, x, y, schedule, experiment.learning_rate)
    values = np.asarray(runtime.to_numpy(losses) if not isinstance(losses, np.ndarray) else losses)
    seconds = time.perf_counter() - start
    return Timed(seconds, float(values[0]), float(values[-1]))


def _experiment(work: Work, made: dict[Any, Any]) -> Experiment:
    """Return the experiment, with its data loaded once."""
    key = ("experiment", work.recipe, work.steps, work.batch, work.hidden)
    if key not in made:
        for old in [k for k in made if isinstance(k, tuple) and k[0] == "experiment"]:
            if old[1] != work.recipe:
                del made[old]
        experiment = prepare(work.recipe, "float32", work.steps, choice=work.data)
        made[key] = _resized(experiment, work)
    found: Experiment = made[key]
    return found


def _resized(experiment: Experiment, work: Work) -> Experiment:
    """Return an experiment with batches or a hidden layer of another size."""
    random = np.random.default_rng(0)
    if work.hidden:
        shapes = {"W1": (2, work.hidden), "b1": (work.hidden,), "W2": (work.hidden, 1), "b2": (1,)}
        weights = {
            k: (0.01 * random.standard_normal(s)).astype("float32") for k, s in shapes.items()
        }
        return replace(experiment, weights=weights, learning_rate=0.01)
    if work.batch:
        schedule: Schedule = _batches(len(experiment.x), work.batch, work.steps)
        return replace(experiment, schedule=schedule)
    return experiment


def _batches(rows: int, size: int, steps: int) -> NDArray[np.int64]:
    """Return row numbers, (steps, size), in order and around the end."""
    return np.arange(steps * size).reshape(steps, size) % rows
