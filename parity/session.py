"""One comparison: all ports on all recipes, each in its own process, all at work at once."""

import os
import tempfile
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from parity import cache, consensus, yardsticks
from parity.contract import PortName
from parity.inputs import Store
from parity.inquiry import Inquiry
from parity.judge import judge
from parity.messages import Failed
from parity.port_run import Piece, PortRun
from parity.trials import Trial
from parity.verdicts import PortResult
from parity.workforce import Options, Progress, Workforce
from parity.yardsticks import Assistant, ReferenceFailedError, Yardstick
from shared.experiment import Experiment

Witness = Callable[[PortResult, Inquiry], None]
IMPORTS = {
    "tensorflow": 0,
    "tensorflow_v1": 1,
    "torch": 2,
    "jax": 3,
}  # the slowest to import starts first


def compare(
    trials: list[Trial],
    ports: list[PortName],
    options: Options,
    progress: Progress,
    witness: Witness | None = None,
) -> Iterator[PortResult]:
    """Yield a result per trial and port, in this order, as soon as a trial is judged.

    A port with one mode alone is judged in that one, once; a framework, on the nets that it has.
    `witness` is called with each result and
    what it rests on. However the iteration ends, no process is left behind.

    Raises:
        ReferenceFailedError: the reference itself failed.
    """
    with tempfile.TemporaryDirectory(prefix="lockstep-") as folder:
        workforce = Workforce(options, progress, Path(folder))
        store = Store(Path(folder))
        yardstick_of = {
            experiment: _yardstick(store, experiment, options)
            for experiment in dict.fromkeys(trial.experiment for trial in trials)
        }
        held_to = list(yardstick_of.values())
        pieces = [Piece(yardstick_of[trial.experiment], trial.mode) for trial in trials]
        runs = [PortRun(port, workforce, pieces, [Future() for _ in pieces]) for port in ports]
        assistant = Assistant(workforce)
        pool = ThreadPoolExecutor(max(1, _cores() // options.threads))
        try:
            _submit(pool, workforce, held_to, runs)
            for number, piece in enumerate(pieces):
                piece.yardstick.floors.result()
                yardsticks.check(piece.yardstick, held_to)
                records = [(run, run.records[number].result()) for run in runs]
                inquiries = [
                    Inquiry(piece.yardstick, run, record, assistant)
                    for run, record in records
                    if record
                ]
                for result, inquiry in zip(_judge_all(inquiries), inquiries, strict=True):
                    if witness:
                        witness(result, inquiry)
                    yield result
        finally:
            workforce.stop()
            _release(held_to, runs)
            pool.shutdown(cancel_futures=True)


def _yardstick(store: Store, experiment: Experiment, options: Options) -> Yardstick:
    inputs = store.inputs(experiment, options.device, options.threads)
    return Yardstick(experiment, inputs, cache.path(inputs, experiment.data.sha256))


def _submit(
    pool: ThreadPoolExecutor, workforce: Workforce, held_to: list[Yardstick], runs: list[PortRun]
) -> None:
    """Put all work into the pool's queue; what others wait for comes before them."""
    fresh = workforce.options.fresh
    missing = [yardstick for yardstick in held_to if fresh or not yardstick.recall()]
    pieces = sum(len(run.records) for run in runs) + 2 * len(missing)
    workforce.progress.planned(pieces, len(missing))
    if missing:
        pool.submit(yardsticks.refer, workforce, missing)
    for run in sorted(runs, key=lambda run: IMPORTS.get(str(run.port), len(IMPORTS))):
        pool.submit(run.climb)
    for yardstick in sorted(missing, key=lambda yardstick: -yardstick.work):
        pool.submit(yardsticks.measure, workforce, yardstick)


def _judge_all(inquiries: list[Inquiry]) -> list[PortResult]:
    """Judge all ports on one recipe in one precision."""
    judged = [(_judge(inquiry), inquiry.record) for inquiry in inquiries]
    return consensus.mark(inquiries[0].yardstick, judged) if inquiries else []


def _judge(inquiry: Inquiry) -> PortResult:
    """Judge one port; what cannot be judged is that port's error, and no other's."""
    port, yardstick, record = inquiry.run.port, inquiry.yardstick, inquiry.record
    try:
        return judge(port, yardstick, record, inquiry)
    except Exception as error:
        sentence = f"its answers cannot be judged ({type(error).__name__}: {error})"
        failure = Failed(sentence, traceback.format_exc())
        empty = replace(record.fresh(record.requested), lacking=record.lacking, failure=failure)
        return judge(port, yardstick, empty, None)


def _release(held_to: list[Yardstick], runs: list[PortRun]) -> None:
    """Let no thread wait for what will not come any more."""
    stopped = ReferenceFailedError("the comparison was stopped")
    for yardstick in held_to:
        yardsticks.fail(yardstick.reference, stopped)
        yardsticks.fail(yardstick.floors, stopped)
    for run in runs:
        for record in run.records:
            yardsticks.fail(record, stopped)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
