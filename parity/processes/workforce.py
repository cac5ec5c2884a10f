"""All worker processes of one comparison: started, asked, and ended together."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from parity.processes import programs
from parity.processes.messages import Calling, Message, Request
from parity.processes.profile import Profile
from parity.processes.worker import Worker, WorkerDiedError
from parity.standard import cache


class Progress:
    """Is told of a comparison's work while it goes on, by several threads; this one ignores it."""

    def planned(self, pieces: int, cold: int) -> None:
        """So many pieces of work lie ahead, `cold` of them noise floors."""

    def working(self, who: str, what: str) -> None:
        """`who` has begun with `what`."""

    def explaining(self, who: str, what: str) -> None:
        """`who` disagrees on `what`, and is asked again to find out where and why."""

    def finished(self, who: str, what: str) -> None:
        """`who` is through with `what`."""

    def skipped(self, who: str, what: str) -> None:
        """`who` need not do `what`, because it would do the same again."""


@dataclass(frozen=True)
class Options:
    """How a comparison runs.

    timeout: of one call of a port, in seconds. fresh: do anew what is kept in the cache.
    hasty: whether even programs whose time is taken may come from there, which then tells nothing.
    profile: is told where the time goes, if it is there.
    """

    device: str = "cpu"
    threads: int = 1
    timeout: float = 300.0
    fresh: bool = False
    hasty: bool = False
    profile: Profile | None = None

    @property
    def variables(self) -> dict[str, str]:
        """What joins the environment of a worker process."""
        if self.fresh:
            return {}
        return programs.variables(str(cache.folder("programs")), self.hasty)


class Workforce:
    """Starts worker processes, and ends them all. `folder` is where they log."""

    def __init__(self, options: Options, progress: Progress, folder: Path) -> None:
        self.options, self.progress, self.folder = options, progress, folder
        self.workers: list[Worker] = []
        self.lock = threading.Lock()
        self.stopped = False

    def start(self) -> Worker:
        """Start a worker process.

        Raises:
            WorkerDiedError: the workforce was stopped.
        """
        with self.lock:
            if self.stopped:
                raise WorkerDiedError("the comparison was stopped")
            log = self.folder / f"worker-{len(self.workers)}.log"
            worker = Worker(self.options.threads, log, self.options.variables)
            self.workers.append(worker)
            return worker

    def ask(
        self,
        worker: Worker,
        who: str,
        what: str,
        request: Request,
        hear: Callable[[Message], None],
        timeout: float | None = None,
    ) -> None:
        """Ask a worker, passing on its messages and telling of its progress.

        Raises:
            WorkerDiedError: it ended, or said nothing for `timeout` seconds.
        """

        def listen(message: Message) -> None:
            if isinstance(message, Calling):
                self.progress.working(who, f"{what}: {message.what}")
            hear(message)

        self.progress.working(who, what)
        start = time.monotonic()
        try:
            worker.ask(request, listen, timeout)
        finally:
            if self.options.profile:
                spent = time.monotonic() - start
                self.options.profile.add(who, request, spent, worker.memory)

    def stop(self) -> None:
        """End all processes; from now on none starts."""
        with self.lock:
            self.stopped = True
            for worker in self.workers:
                worker.kill()
