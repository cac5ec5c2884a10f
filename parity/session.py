"""One comparison: all ports on all recipes, each in its own process, all at work at once."""

import os
import tempfile
import traceback
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from parity import cache, consensus, yardsticks
from parity.contract import PortName
from parity.inputs import Store
from parity.inquiry import Inquiry
from parity.judge import judge
from parity.ladder import Record
from parity.messages import Failed
from parity.port_run import PortRun
from parity.verdicts import PortResult
from parity.workforce import Options, Progress, Workforce
from parity.yardsticks import Assistant, ReferenceFailedError, Yardstick
from shared.experiment import Experiment

IMPORTS = {"tensorflow": 0, "torch": 1, "jax": 2}  # the slowest to import starts first


def compare(
    experiments: list[Experiment], ports: list[PortName], options: Options, progress: Progress
) -> Iterator[PortResult]:
    """Yield a result per experiment and port, in this order, as soon as an experiment is judged.

    However the iteration ends, no process is left behind.

    Raises:
        ReferenceFailedError: the reference itself failed.
    """
    with tempfile.TemporaryDirectory(prefix="lockstep-") as folder:
        workforce = Workforce(options, progress, Path(folder))
        store = Store(Path(folder))
        held_to = [_yardstick(store, experiment, options) for experiment in experiments]
        runs = [PortRun(port, workforce, [Future() for _ in held_to]) for port in ports]
        assistant = Assistant(workforce)
        pool = ThreadPoolExecutor(max(1, _cores() // options.threads))
        try:
            _submit(pool, workforce, held_to, runs)
            for number, yardstick in enumerate(held_to):
                yardstick.floors.result()
                yardsticks.check(yardstick, held_to)
                records = [run.records[number].result() for run in runs]
                results = [
                    _judge(yardstick, run, record, assistant)
                    for run, record in zip(runs, records, strict=True)
                ]
                yield from consensus.mark(yardstick, list(zip(results, records, strict=True)))
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
    missing = [yardstick for yardstick in held_to if not yardstick.recall()]
    pieces = len(held_to) * len(runs) + 2 * len(missing)
    workforce.progress.planned(pieces, len(missing))
    if missing:
        pool.submit(yardsticks.refer, workforce, missing)
    for run in sorted(runs, key=lambda run: IMPORTS.get(str(run.port), len(IMPORTS))):
        pool.submit(run.climb, held_to)
    for yardstick in sorted(missing, key=lambda yardstick: -yardstick.work):
        pool.submit(yardsticks.measure, workforce, yardstick)


def _judge(yardstick: Yardstick, run: PortRun, record: Record, assistant: Assistant) -> PortResult:
    """Judge one port; what cannot be judged is that port's error, and no other's."""
    try:
        inquiry = Inquiry(yardstick, run, record, assistant)
        return judge(run.port, yardstick, record, inquiry)
    except Exception as error:
        sentence = f"its answers cannot be judged ({type(error).__name__}: {error})"
        failure = Failed(sentence, traceback.format_exc())
        empty = Record(record.framework, record.mode, record.lacking, failure=failure)
        return judge(run.port, yardstick, empty, None)


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
