"""The floors of one checkpoint of a reference, timed in its library's process."""

import statistics
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from numpy.random import default_rng

from bench.messages import Checkpoint, TimedCheckpoint
from parity import contract
from parity.contract import PortName
from parity.standard.floors import runs_for
from parity.standard.inputs import Store
from parity.standard.native import Native
from parity.standard.reference import rungs
from shared.experiment import prepare

PLAIN = 5  # steps before each run with noise


def timed_checkpoint(work: Checkpoint) -> TimedCheckpoint:
    """Take plain steps and runs with noise in alternation, at the initial weights, in float32."""
    with TemporaryDirectory(prefix="lockstep-bench-") as folder:
        experiment = prepare(f"{work.recipe}", "float32", 1)
        inputs = Store(Path(folder)).inputs(experiment, "cpu", 1)
        inputs = replace(inputs, reference=PortName(work.reference.name, work.reference))
        native = Native(contract.load(inputs.reference, inputs.net), inputs, inputs.dtype)
        native.data("x"), native.data("y")  # which are held from then on
        plain, noisy = [], []
        for k in range(runs_for(inputs.weights)):
            plain += [_step(native) for _ in range(PLAIN)]
            start = time.perf_counter()
            with native.err(default_rng(k)):
                for _ in rungs(native, inputs.weights, 0):
                    pass
            noisy.append(time.perf_counter() - start)
    return TimedCheckpoint(statistics.median(plain), sum(noisy))


def _step(native: Native) -> float:
    """Return how long one step takes, from the weights to the weights."""
    inputs, start = native.inputs, time.perf_counter()
    model = native.build(inputs.weights)
    native.export(*native.train(model, inputs.schedule, inputs.learning_rate))
    return time.perf_counter() - start
