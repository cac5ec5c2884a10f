"""A library's process: trains what it is asked to, and takes the time.

Run as `python -m bench.worker_main`.
"""

import importlib
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.contender import Contender, Make
from bench.messages import BenchMessage, BenchRequest, Checkpoint, Open, Opened, Trained, Work
from bench.noise_worker import timed_checkpoint
from parity.processes import quiet_import, serving
from shared.batches import Schedule
from shared.experiment import Experiment, prepare


class Bench:
    """A library's contenders, and what was made for them and can be used again."""

    def __init__(self) -> None:
        self._framework = ""
        self._contenders: list[tuple[Contender, Make]] = []
        self._runtime: Any = None
        self._made: dict[Any, Any] = {}

    def __call__(self, request: BenchRequest, send: Callable[[BenchMessage], None]) -> None:
        """Serve a request."""
        if isinstance(request, Open):
            self._open(request.library)
            send(Opened(tuple(contender for contender, _ in self._contenders)))
        elif isinstance(request, Checkpoint):
            send(timed_checkpoint(request))
        else:
            send(self._train(request))

    def _open(self, library: str) -> None:
        self._framework = "numpy" if library == "sklearn" else library
        quiet_import.import_framework(self._framework)
        self._runtime = importlib.import_module(f"impls.{self._framework}.runtime")
        self._runtime.configure("float32", "cpu", 1)
        module = importlib.import_module(f"bench.rivals.{library}")
        self._contenders = list(module.CONTENDERS.items())

    def _train(self, work: Work) -> Trained:
        """Train once; what was made and compiled for the same contender is used again."""
        made, runtime = self._made, self._runtime
        experiment = _experiment(work, made)
        net = experiment.recipe.net
        module = importlib.import_module(f"impls.{self._framework}.{net}")
        contender, make = self._contenders[work.contender]
        key = contender.name, net
        if key not in made:
            made[key] = make(module)
        schedule = experiment.schedule
        data = (work.recipe, work.batch, work.hidden)
        if made.get("data") != data:
            made["data"] = data
            made["arrays"] = runtime.to_native(experiment.x), runtime.to_native(experiment.y)
        x, y = made["arrays"]
        model = module.build({k: runtime.to_native(w) for k, w in experiment.weights.items()})
        start = time.perf_counter()
        model, losses = made[key](model, x, y, schedule, experiment.learning_rate)
        found = losses if isinstance(losses, np.ndarray) else runtime.to_numpy(losses)
        values = np.asarray(found)
        seconds = time.perf_counter() - start
        return Trained(seconds, float(values[0]), float(values[-1]))


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


if __name__ == "__main__":
    serving.serve(BenchRequest, Bench())
