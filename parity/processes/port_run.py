"""One port's way through all recipes, in its worker process."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

import numpy as np

from parity.contract import Mode, PortName
from parity.processes import mpi
from parity.processes.crew import Crew
from parity.processes.messages import (
    Climb,
    Failed,
    Load,
    Look,
    Message,
    PortRequest,
    Replay,
    Shapes,
    Visit,
)
from parity.processes.record import Record
from parity.processes.standards import PendingStandard, fail
from parity.processes.worker import Worker, WorkerDiedError
from parity.processes.workforce import Staff, Workforce
from parity.standard import plane
from parity.standard.inputs import Inputs
from parity.standard.reference import Reference
from parity.standard.standard import Standard


@dataclass(frozen=True)
class Piece:
    """A piece of work: what a port is held to, and in which mode it is to run."""

    pending: PendingStandard
    mode: Mode

    def __str__(self) -> str:
        return f"{self.pending}, eager" if self.mode == "eager" else f"{self.pending}"


@dataclass
class PortRun:
    """A port at work: its process, and a record of each piece of work as soon as it is done.

    A port with one mode alone runs in that one, once; the record of any more is None, and so is
    that of a net which a framework has no port of.

    Args:
        port: whose run it is.
        workforce: of which its process is.
        pieces: what it is to do.
        records: get what it did, one for each piece.
        start: gives it its process, once it is needed.
        gather: gives it the processes that it spreads over, of their number and whether they are
            MPI's.
        workers: over how many the port spreads at the moment, None for a process of its own.
    """

    port: PortName
    workforce: Workforce
    pieces: list[Piece]
    records: "list[Future[Record | None]]"
    start: Callable[[], Worker]
    gather: Callable[[int, bool], Crew]
    worker: Staff | None = None
    workers: int | None = None
    stopped: bool = False
    over: "Future[None]" = field(default_factory=Future)

    def climb(self) -> None:
        """Run through all recipes; where the process dies, start it again for the rest."""
        try:
            loaded = Record()
            done: set[tuple[str, str, Mode]] = set()
            for piece, future in zip(self.pieces, self.records, strict=True):
                if self.stopped:
                    return
                inputs = piece.pending.inputs
                if not self.port.covers(inputs.port):
                    self.workforce.progress.skipped(f"{self.port}", f"{piece}")
                    future.set_result(None)
                    continue
                if self._regroup(inputs) or (self.worker is None and loaded.failure is None):
                    loaded = self._load(inputs.net)
                record = loaded.fresh(piece.mode)
                this = (inputs.recipe, inputs.dtype, record.mode)
                if this in done:
                    self.workforce.progress.skipped(f"{self.port}", f"{piece}")
                    future.set_result(None)
                else:
                    future.set_result(self._climb(piece, record))
                done.add(this)
        except BaseException as error:  # whatever it is, nobody must wait for ever
            for future in self.records:
                fail(future, error)
        finally:
            if self.worker:
                self.workforce.rest(self.worker)
            self.over.set_result(None)

    def inputs(self, given: PendingStandard | Standard) -> Inputs:
        """Return what the port gets of a recipe in one precision."""
        own = given.experiment.recipe.renames_for(self.port.file)
        return replace(given.inputs, renames=own)

    def stop(self) -> None:
        """End the process; nothing is asked of the port any more."""
        self.stopped = True
        if self.worker:
            self.worker.kill()

    def ask_again(self, what: str, request: Visit | Replay | Look) -> list[Message] | None:
        """Return what the port says once it is through with all recipes, or None if it fails."""
        self.over.result()
        lost = self._regroup(request.inputs) or (
            self.worker is not None and not self.workforce.wake(self.worker)
        )
        if lost and self._load(request.inputs.net).failure:
            return None
        heard: list[Message] = []
        self._ask(what, request, heard)
        if self.worker:
            self.workforce.rest(self.worker)
        return None if not heard or isinstance(heard[-1], Failed) else heard

    def _regroup(self, inputs: Inputs) -> bool:
        """End what the port runs in where some inputs ask for another number of workers.

        Returns:
            Whether they do, so that the port must be loaded again.
        """
        if inputs.workers == self.workers:
            return False
        if self.worker:
            self.worker.kill()
        self.worker, self.workers = None, inputs.workers
        return True

    def _load(self, net: str) -> Record:
        """Start the process, or those of a group, and import the port's framework."""
        heard: list[Message] = []
        try:
            self.worker = self._staff(net)
        except WorkerDiedError as error:
            return _recorded(Record(), [Failed(f"{error}", error.log)])
        if self.stopped:  # while there was no process yet that could be ended
            self.worker.kill()
        self._ask("import", Load(self.port), heard)
        return _recorded(Record(), heard)

    def _staff(self, net: str) -> Staff:
        if self.workers is None:
            return self.start()
        return self.gather(self.workers, mpi.launches(self.port, net))

    def _climb(self, piece: Piece, record: Record) -> Record:
        """Do a piece of work, if the port could be loaded, and return its record."""
        heard: list[Message] = []
        if record.failure is None:
            inputs, reference = self.inputs(piece.pending), piece.pending.reference.result()
            final = reference.final(inputs.dtype)
            shapes = expected_shapes(reference)
            points = plane.grid(inputs.data("x")) if self.workforce.options.drawn else None
            climb = Climb(inputs, record.mode, reference.checkpoints, final, shapes, points)
            self._ask(f"{piece}", climb, heard)
        self.workforce.progress.finished(f"{self.port}", f"{piece}")
        return _recorded(record, heard)

    def _ask(self, what: str, request: PortRequest, heard: list[Message]) -> None:
        """Ask the process, if it lives, and collect what it says; its death is a failure, too."""
        if self.worker is None:
            return
        worker, who, timeout = self.worker, f"{self.port}", self.workforce.options.timeout
        try:
            with worker.turn:
                asked = isinstance(request, Load)
                if asked or worker.loaded != self.port:
                    hear = heard.append if asked else _ignore
                    self.workforce.ask(worker, who, "import", Load(self.port), hear, timeout)
                    worker.loaded = self.port
                if not asked:
                    self.workforce.ask(worker, who, what, request, heard.append, timeout)
        except WorkerDiedError as error:
            self.worker = None
            heard.append(Failed(f"{error}", error.log))


def expected_shapes(reference: Reference) -> Shapes:
    """Return the shapes of all that a port is to answer, as `Climb` takes them."""
    shapes: Shapes = {
        at: {name: np.shape(value) for name, value in tensors.items()}
        for at, tensors in reference.expected.items()
    }
    for split, outputs in reference.outputs.items():
        shapes["accuracy", split] = {"outputs": outputs.shape}
    steps = len(reference.losses)
    weights = {name: np.shape(value) for name, value in reference.path[steps].items()}
    shapes["trajectory", steps] = {"loss": (steps,), **weights}
    return shapes


def _ignore(message: Message) -> None:
    """What is said when a port is loaded again is known."""


def _recorded(record: Record, messages: list[Message]) -> Record:
    for message in messages:
        record.add(message)
    return record
