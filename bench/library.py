"""A process per library, which trains what it is asked to and says how long it took."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.contender import Contender
from bench.messages import (
    BenchMessage,
    BenchRequest,
    Checkpoint,
    Open,
    Opened,
    TimedCheckpoint,
    Trained,
    Work,
)
from parity.processes.messages import Failed
from parity.processes.worker import Worker, WorkerDiedError

LIBRARIES = ("numpy", "tensorflow", "torch", "jax", "tensorflow_v1", "sklearn")


class Library:
    """A library's process; it is a context, which ends the process."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._folder = tempfile.TemporaryDirectory(prefix="lockstep-bench-")
        own = Path(self._folder.name) / "worker"
        variables = {"NUMBA_NUM_THREADS": "1"}  # all others are told so already
        self._worker = Worker(1, own, variables, "bench.worker_main", BenchMessage)
        try:
            self.contenders: tuple[Contender, ...] = self._ask(Open(name), Opened).contenders
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        self._worker.kill()
        self._folder.cleanup()

    def warm_up(self, recipe: str) -> None:
        """Take a few steps, so that what the library's first use costs is no contender's."""
        self.train(Work(recipe, 0, 3))

    def train(self, work: Work) -> Trained:
        """Train, and return how long it took.

        Raises:
            RuntimeError: the library failed on this, or its process died.
        """
        trained: Trained = self._ask(work, Trained)
        return trained

    def checkpoint(self, work: Checkpoint) -> TimedCheckpoint:
        """Measure the noise floors of a checkpoint, and return how long it took.

        Raises:
            RuntimeError: the library failed on this, or its process died.
        """
        timed: TimedCheckpoint = self._ask(work, TimedCheckpoint)
        return timed

    def _ask(self, request: BenchRequest, expected: type) -> Any:
        heard: list[BenchMessage] = []
        try:
            self._worker.ask(request, heard.append)
        except WorkerDiedError as error:
            raise RuntimeError(f"{self.name} on {request}: {error}\n{error.log}") from error
        last = heard[-1]
        if isinstance(last, Failed):
            raise RuntimeError(f"{self.name} on {request}: {last.sentence}\n{last.traceback}")
        assert isinstance(last, expected)
        return last


@contextmanager
def opened(names: list[str]) -> Iterator[dict[str, Library]]:
    """Start a process per library, and end them all."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(Library(name)) for name in names}
