"""Comparisons: all ports on all recipes, each in its own process, all at work at once."""

import os
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Self

from parity.contract import PortName
from parity.judging import consensus, waivers
from parity.judging.inquiry import Inquiry, Witness
from parity.judging.judge import judge
from parity.processes import standards
from parity.processes.messages import Climb, Failed
from parity.processes.options import Options
from parity.processes.port_run import Piece, PortRun
from parity.processes.progress import Progress
from parity.processes.scratch import Scratch
from parity.processes.shared_worker import SharedWorker
from parity.processes.spare import Spare
from parity.processes.standards import Assistant, PendingStandard, ReferenceFailedError
from parity.processes.worker import Worker
from parity.processes.workforce import Workforce
from parity.results import PortResult, Trial
from parity.sessions import room
from parity.standard import cache
from parity.standard.inputs import Store
from shared import files
from shared.experiment import Experiment

# Those that take the longest start first, so that no core is idle while the last one works; in
# short runs, most of the time is that of the import.
SLOWEST = ("torch", "tensorflow", "jax", "tensorflow_v1")
SLOWEST_IMPORTS = ("tensorflow_v1", "tensorflow", "torch", "jax")


class AbandonedError(Exception):
    """A comparison was given up, because a port has changed meanwhile."""


def compare(
    trials: list[Trial],
    ports: list[PortName],
    options: Options,
    progress: Progress,
    witness: Witness | None = None,
) -> Iterator[PortResult]:
    """Make one comparison in a session of its own.

    Args:
        trials: what to compare on.
        ports: which to compare.
        options: how the processes run.
        progress: is told how far the comparison is.
        witness: as for `Session.compare`.

    Yields:
        A result per trial and port, as `Session.compare` does.

    Raises:
        ReferenceFailedError: the reference itself failed.
    """
    with Session(options, progress) as session:
        yield from session.compare(trials, ports, witness)


class Session:
    """The processes and the arrays of one comparison, or of several that follow each other.

    It is a context: however it ends, no process and no file is left behind.

    Args:
        options: how its processes run.
        progress: is told of its work.
        shared: whether all ports use one process in turn; see `SharedWorker`.
        kept: whether each port's process is kept for the comparisons that follow.

    Raises:
        InputError: there is no temporary folder.
    """

    def __init__(
        self,
        options: Options,
        progress: Progress,
        shared: bool = False,
        kept: bool = False,
    ) -> None:
        self._scratch = Scratch()
        self.workforce = Workforce(options, progress, self._scratch.path)
        self._store = Store(self._scratch.path / "arrays")
        self._assistant = Assistant(self.workforce)
        self._at_once = options.at_once or max(1, _cores() // options.threads)
        self._pool = ThreadPoolExecutor(self._at_once)
        self._standards: dict[Experiment, PendingStandard] = {}
        self._runs: list[PortRun] = []
        self._spares: dict[PortName, Spare] = {}
        self._shared = SharedWorker(self.workforce) if shared else None
        self._kept: dict[PortName, SharedWorker] | None = {} if kept else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.workforce.stop()
        self._release(ReferenceFailedError("the comparison was stopped"))
        self._pool.shutdown(cancel_futures=True)
        for spare in self._spares.values():
            spare.end()  # it may still read from the folder
        self._scratch.remove()

    def begin(self, ports: list[PortName]) -> None:
        """Start the processes that the next comparison begins with, in the background."""
        for port in self._in_order(ports)[: self._at_once]:
            if port.file is None:
                self._spares[port] = Spare(self.workforce, f"{port}", [])

    def compare(
        self, trials: list[Trial], ports: list[PortName], witness: Witness | None = None
    ) -> Iterator[PortResult]:
        """Yield a result per trial and port, in this order, as soon as a trial is judged.

        A port with one mode alone is judged in that one, once; a framework, on the nets that it
        has.

        Args:
            trials: what to compare on.
            ports: which to compare.
            witness: is called with each result and what it rests on, before the result is yielded.

        Raises:
            AbandonedError: `abandon` was called meanwhile.
            InputError: the temporary folder has no room for the data, or a recipe expects a
                difference of a tensor that is not there.
            ReferenceFailedError: the reference itself failed.
        """
        for run in self._runs if not self._shared and self._kept is None else ():
            run.stop()
        missing = self._add([trial.experiment for trial in trials])
        pieces = [Piece(self._standards[trial.experiment], trial.mode) for trial in trials]
        self._runs = [
            PortRun(
                port,
                self.workforce,
                pieces,
                [Future() for _ in pieces],
                self._source(port),
                (self._held(port) or self.workforce).start_crew,
            )
            for port in ports
        ]
        self._submit(missing)
        for number, piece in enumerate(pieces):
            standard = piece.pending.resolve()
            standards.check(piece.pending, list(self._standards.values()))
            waivers.check(standard)
            records = [(run, run.records[number].result()) for run in self._runs]
            inquiries = [
                Inquiry(standard, run, record, self._assistant) for run, record in records if record
            ]
            results = _judge_all(inquiries, piece.pending.untouched)
            for result, inquiry in zip(results, inquiries, strict=True):
                if any(run.stopped for run in self._runs):
                    raise AbandonedError
                if witness:
                    witness(result, inquiry)
                yield result

    def _source(self, port: PortName) -> Callable[[], Worker]:
        """Return what gives a port its process."""
        held = self._held(port)
        if held:
            return held.take
        spare = self._spares.pop(port, None)
        return spare.take if spare else self.workforce.start

    def _held(self, port: PortName) -> SharedWorker | None:
        """Return what holds the processes that a port is to use again, if it is."""
        if self._kept is None:
            return self._shared
        return self._kept.setdefault(port, SharedWorker(self.workforce))

    def forget(self) -> None:
        """Drop what ports were held to so far, and its arrays; no comparison may go on."""
        self._standards.clear()
        self._store.remove()

    def tell(self, progress: Progress) -> None:
        """Tell of the progress of comparisons to come there."""
        self.workforce.progress = progress

    def abandon(self) -> None:
        """Give up the comparison that goes on, from another thread: it raises AbandonedError."""
        for run in self._runs:
            run.stop()
            for record in run.records:
                standards.fail(record, AbandonedError())

    def prepare(self, port: PortName, framework: str) -> None:
        """Have a process ready for the next comparison of a user's port, in the background.

        framework: whose arrays it takes.
        """
        over_workers = any(piece.pending.inputs.workers for piece in self._runs[0].pieces)
        if port in self._spares or over_workers:
            return
        own = PortName(framework)
        climbs = [
            Climb(piece.pending.inputs, piece.mode, reference.checkpoints, reference.final(dtype))
            for piece in self._runs[0].pieces
            if own.covers(piece.pending.inputs.port)
            for reference, dtype in [(piece.pending.reference.result(), piece.pending.inputs.dtype)]
        ]
        self._spares[port] = Spare(self.workforce, framework, climbs)

    def _add(self, experiments: list[Experiment]) -> list[PendingStandard]:
        """Find what ports are held to on some experiments; return what must be measured."""
        new = [each for each in dict.fromkeys(experiments) if each not in self._standards]
        added: list[PendingStandard] = []
        options = self.workforce.options
        folder = self._scratch.path
        room.check_folder(folder, new)
        for experiment in new:
            try:
                inputs = self._store.inputs(experiment, options.device, options.threads)
            except OSError as error:  # others write there, too, or there is a quota
                raise room.full(folder, new, files.reason(error)) from error
            # Nobody knows all that a user's reference depends on: it is run before it is looked up.
            own = inputs.reference.file is not None
            kept = None if own else cache.path(inputs, experiment.data.sha256)
            untouched = partial(self._store.untouched, inputs, experiment)
            alike = [each for each in self._standards.values() if kept and each.kept == kept]
            pending = PendingStandard(experiment, inputs, kept, untouched)
            if alike:  # a recipe over another number of workers
                pending.reference, pending.floors = alike[0].reference, alike[0].floors
            else:
                added.append(pending)
            self._standards[experiment] = pending
        return [pending for pending in added if options.fresh or not pending.recall()]

    def _submit(self, missing: list[PendingStandard]) -> None:
        """Put all work into the pool's queue; what others wait for comes before them."""
        pieces = sum(len(run.records) for run in self._runs) + 2 * len(missing)
        kept = sum(pending.kept is not None for pending in missing)
        self.workforce.progress.planned(pieces, kept)
        if missing:
            self._pool.submit(standards.refer, self.workforce, missing)
        runs = {run.port: run for run in self._runs}
        for port in self._in_order(list(runs)):
            self._pool.submit(runs[port].climb)
        for pending in sorted(missing, key=lambda pending: -pending.work):
            self._pool.submit(standards.measure, self.workforce, pending)

    def _in_order(self, ports: list[PortName]) -> list[PortName]:
        """Return ports in the order in which they start."""
        longest = SLOWEST_IMPORTS if self.workforce.options.hasty else SLOWEST
        known = [port for name in longest for port in ports if port == PortName(name)]
        return known + [port for port in ports if port not in known]

    def _release(self, error: Exception) -> None:
        """Let no thread wait for what will not come any more."""
        for pending in self._standards.values():
            standards.fail(pending.reference, error)
            standards.fail(pending.floors, error)
        for run in self._runs:
            for record in run.records:
                standards.fail(record, error)


def _judge_all(inquiries: list[Inquiry], untouched: Callable[[], bool]) -> list[PortResult]:
    """Judge all ports on one recipe in one precision."""
    judged = [(_judge(inquiry, untouched), inquiry.record) for inquiry in inquiries]
    return consensus.mark(inquiries[0].standard, judged) if inquiries else []


def _judge(inquiry: Inquiry, untouched: Callable[[], bool]) -> PortResult:
    """Judge one port; what cannot be judged is that port's error, and no other's."""
    port, standard, record = inquiry.run.port, inquiry.standard, inquiry.record
    try:
        result = judge(port, standard, record, inquiry)
        if result.verdict == "agree" or untouched():
            return result
        failure = Failed(standards.TOUCHED, "")
    except Exception as error:
        sentence = f"its answers cannot be judged ({type(error).__name__}: {error})"
        failure = Failed(sentence, traceback.format_exc())
    empty = replace(record.fresh(record.requested), lacking=record.lacking, failure=failure)
    return judge(port, standard, empty, None)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
