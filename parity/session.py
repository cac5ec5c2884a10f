"""One comparison: all ports on all recipes, each in its own process, all at work at once."""

import contextlib
import os
import tempfile
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from parity import cache
from parity.contract import PortName
from parity.floors import NoiseFloors, check_scale
from parity.inputs import Inputs, Store, Tensors
from parity.judge import judge
from parity.ladder import Record
from parity.messages import (
    Answer,
    Calling,
    Climb,
    Failed,
    Load,
    Measure,
    Message,
    Refer,
    Replay,
    Request,
    Result,
)
from parity.process import Worker, WorkerDiedError
from parity.reference import Reference
from parity.verdicts import PortResult
from shared.experiment import Experiment

REFERENCE = PortName("numpy")
IMPORTS = {"tensorflow": 0, "torch": 1, "jax": 2}  # the slowest to import starts first


class Progress(Protocol):
    """What a session tells of its work while it goes on; called from several threads."""

    def planned(self, pieces: int, cold: int) -> None:
        """So many pieces of work lie ahead, `cold` of them noise floors."""

    def working(self, who: str, what: str) -> None:
        """`who` has begun with `what`."""

    def finished(self, who: str, what: str) -> None:
        """`who` is through with `what`."""


class ReferenceFailedError(Exception):
    """The reference or its noise floors cannot be had, so no verdict is possible."""


@dataclass(frozen=True)
class Options:
    """How a session runs. timeout: of one call of a port, in seconds."""

    device: str = "cpu"
    threads: int = 1
    timeout: float = 300.0


@dataclass
class Yardstick:
    """One recipe in one precision, and what ports are held to on it, once that is there."""

    experiment: Experiment
    inputs: Inputs
    kept: Path
    reference: "Future[Reference]" = field(default_factory=Future)
    floors: "Future[NoiseFloors]" = field(default_factory=Future)

    def __str__(self) -> str:
        return f"{self.inputs.recipe} {self.inputs.dtype}"

    def recall(self) -> bool:
        """Take reference and floors from the cache, if they are there."""
        found = cache.load(self.kept)
        if found:
            self.reference.set_result(found[0])
            self.floors.set_result(found[1])
        return found is not None


@dataclass
class PortRun:
    """One port's way through all recipes: its worker, and a record of each recipe."""

    port: PortName
    records: "list[Future[Record]]"
    worker: Worker | None = None
    over: "Future[None]" = field(default_factory=Future)


class Session:
    """Runs ports and judges them. Leaving `run`, in whatever way, leaves no process behind."""

    def __init__(self, options: Options, progress: Progress) -> None:
        self.options, self.progress = options, progress
        self.workers: list[Worker] = []
        self.lock = threading.Lock()
        self.stopped = False
        self.folder = Path()

    def run(self, experiments: list[Experiment], ports: list[PortName]) -> Iterator[PortResult]:
        """Yield a result per experiment and port, in this order, as soon as each is judged.

        Raises:
            ReferenceFailedError: the reference itself failed.
        """
        with tempfile.TemporaryDirectory(prefix="lockstep-") as folder:
            self.folder = Path(folder)
            store = Store(self.folder)
            yardsticks = [self._yardstick(store, experiment) for experiment in experiments]
            runs = [PortRun(port, [Future() for _ in yardsticks]) for port in ports]
            pool = ThreadPoolExecutor(max(1, _cores() // self.options.threads))
            try:
                self._submit(pool, yardsticks, runs)
                yield from self._judge_all(yardsticks, runs)
            finally:
                self._stop(yardsticks, runs)
                pool.shutdown(cancel_futures=True)

    def _yardstick(self, store: Store, experiment: Experiment) -> Yardstick:
        inputs = store.inputs(experiment, self.options.device, self.options.threads)
        return Yardstick(experiment, inputs, cache.path(inputs, experiment.data.sha256))

    def _submit(
        self, pool: ThreadPoolExecutor, yardsticks: list[Yardstick], runs: list[PortRun]
    ) -> None:
        """Put all work into the pool's queue; what others wait for comes before them."""
        missing = [yardstick for yardstick in yardsticks if not yardstick.recall()]
        self.progress.planned(len(yardsticks) * len(runs) + 2 * len(missing), len(missing))
        if missing:
            pool.submit(self._refer, missing)
        for run in sorted(runs, key=lambda c: IMPORTS.get(str(c.port), len(IMPORTS))):
            pool.submit(self._climb, yardsticks, run)
        for yardstick in sorted(missing, key=lambda y: -y.inputs.steps * y.inputs.size):
            pool.submit(self._measure, yardstick)

    def _judge_all(self, yardsticks: list[Yardstick], runs: list[PortRun]) -> Iterator[PortResult]:
        for number, yardstick in enumerate(yardsticks):
            reference, floors = yardstick.reference.result(), yardstick.floors.result()
            self._check_scale(yardstick, yardsticks)
            for run in runs:
                record = run.records[number].result()
                yield self._judge(yardstick, run, reference, floors, record)

    def _judge(
        self,
        yardstick: Yardstick,
        run: PortRun,
        reference: Reference,
        floors: NoiseFloors,
        record: Record,
    ) -> PortResult:
        """Judge one port; what cannot be judged is that port's error, and no other's."""

        def replay(steps: int) -> Tensors | None:
            return self._replay(yardstick, run, steps)

        held_to = (yardstick.experiment, yardstick.inputs, reference, floors)
        try:
            return judge(run.port, *held_to, record, replay)
        except Exception as error:
            sentence = f"its answers cannot be judged ({type(error).__name__}: {error})"
            failure = Failed(sentence, traceback.format_exc())
            empty = Record(record.framework, record.mode, record.lacking, failure=failure)
            return judge(run.port, *held_to, empty, replay)

    def _check_scale(self, yardstick: Yardstick, yardsticks: list[Yardstick]) -> None:
        """Refuse floors whose two precisions do not fit: somewhere the noise dropped out."""
        for other in yardsticks:
            both = {other.inputs.dtype: other, yardstick.inputs.dtype: yardstick}
            if other.inputs.recipe == yardstick.inputs.recipe and len(both) == 2:
                floors = {dtype: y.floors.result().expected for dtype, y in both.items()}
                problem = check_scale(floors["float32"], floors["float64"])
                if problem:
                    raise ReferenceFailedError(f"{yardstick.inputs.recipe}: {problem}")

    def _worker(self) -> Worker:
        with self.lock:
            if self.stopped:
                raise WorkerDiedError("the comparison was stopped")
            log = self.folder / f"worker-{len(self.workers)}.log"
            worker = Worker(self.options.threads, log)
            self.workers.append(worker)
            return worker

    def _ask(self, worker: Worker, who: str, what: str, request: Request, hear: Any) -> None:
        """Ask a worker, passing on its messages and telling of its progress."""

        def listen(message: Message) -> None:
            if isinstance(message, Calling):
                self.progress.working(who, f"{what}: {message.what}")
            hear(message)

        self.progress.working(who, what)
        worker.ask(request, listen, None if who == "reference" else self.options.timeout)

    def _compute(self, worker: Worker, what: str, request: Request) -> Any:
        """Ask the reference's worker for something, and return it."""
        heard: list[Message] = []
        try:
            self._ask(worker, "reference", what, request, heard.append)
        except WorkerDiedError as error:
            raise ReferenceFailedError(f"the reference failed on {what}: {error}") from error
        for message in heard:
            if isinstance(message, Failed):
                raise ReferenceFailedError(f"the reference failed on {what}: {message.sentence}")
            if isinstance(message, Result):
                return message.value
        raise ReferenceFailedError(f"the reference gave nothing on {what}")

    def _refer(self, yardsticks: list[Yardstick]) -> None:
        """Run the reference of every recipe."""
        try:
            worker = self._worker()
            for yardstick in yardsticks:
                request = Refer(yardstick.inputs)
                yardstick.reference.set_result(self._compute(worker, f"{yardstick}", request))
                self.progress.finished("reference", f"{yardstick}")
            worker.kill()
        except Exception as error:
            for yardstick in yardsticks:
                _fail(yardstick.reference, error)

    def _measure(self, yardstick: Yardstick) -> None:
        """Measure the noise floors of one recipe, and keep them."""
        what = f"{yardstick}"
        try:
            reference = yardstick.reference.result()
            worker = self._worker()
            floors = self._compute(worker, what, Measure(yardstick.inputs, reference))
            worker.kill()
            cache.save(yardstick.kept, reference, floors)
            yardstick.floors.set_result(floors)
            self.progress.finished("reference", f"{what}: noise floors")
        except Exception as error:
            _fail(yardstick.floors, error)

    def _climb(self, yardsticks: list[Yardstick], run: PortRun) -> None:
        """Run one port through all recipes; where its process dies, start it again for the rest."""
        try:
            loaded = Record()
            for yardstick, future in zip(yardsticks, run.records, strict=True):
                if run.worker is None and loaded.failure is None:
                    loaded = self._load(run)
                record = replace(
                    loaded, seconds=dict(loaded.seconds), answers={}, unchanged=[], predictions=[]
                )
                if record.failure is None:
                    self._climb_one(yardstick, run, record)
                future.set_result(record)
                self.progress.finished(f"{run.port}", f"{yardstick}")
        except Exception as error:
            for future in run.records:
                _fail(future, error)
        finally:
            run.over.set_result(None)

    def _load(self, run: PortRun) -> Record:
        """Start a port's process and import its framework."""
        record = Record()
        try:
            run.worker = self._worker()
            self._ask(run.worker, f"{run.port}", "import", Load(run.port), record.add)
        except WorkerDiedError as error:
            run.worker = None
            record.failure = Failed(f"{error}", error.log)
        return record

    def _climb_one(self, yardstick: Yardstick, run: PortRun, record: Record) -> None:
        reference = yardstick.reference.result()
        final = reference.final(yardstick.inputs.dtype)
        request = Climb(yardstick.inputs, reference.checkpoints, final)
        assert run.worker is not None
        try:
            self._ask(run.worker, f"{run.port}", f"{yardstick}", request, record.add)
        except WorkerDiedError as error:
            run.worker = None
            record.failure = Failed(f"{error}", error.log)

    def _replay(self, yardstick: Yardstick, run: PortRun, steps: int) -> Tensors | None:
        """Return a port's weights after some steps, or None where it does not come so far."""
        run.over.result()
        answers: list[Message] = []
        if run.worker is None:
            return None
        try:
            request = Replay(yardstick.inputs, steps)
            what = f"{yardstick}: bisecting"
            self._ask(run.worker, f"{run.port}", what, request, answers.append)
        except WorkerDiedError:
            run.worker = None
        return next((m.tensors for m in answers if isinstance(m, Answer)), None)

    def _stop(self, yardsticks: list[Yardstick], runs: list[PortRun]) -> None:
        """End all processes, and all waiting for them."""
        with self.lock:
            self.stopped = True
            for worker in self.workers:
                worker.kill()
        stopped = ReferenceFailedError("the comparison was stopped")
        for yardstick in yardsticks:
            _fail(yardstick.reference, stopped)
            _fail(yardstick.floors, stopped)
        for run in runs:
            for future in run.records:
                _fail(future, stopped)


def _fail(future: "Future[Any]", error: Exception) -> None:
    if not future.done():
        with contextlib.suppress(Exception):  # another thread was faster
            future.set_exception(error)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
