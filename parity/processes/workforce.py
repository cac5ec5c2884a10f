"""All worker processes of one comparison: started, asked, and ended together."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from parity.processes import addresses, mpi
from parity.processes.crew import Crew
from parity.processes.messages import Calling, Message, Request
from parity.processes.options import Options
from parity.processes.progress import Progress
from parity.processes.worker import Launch, Worker, WorkerDiedError, launch_alone

Staff = Worker | Crew  # a port's: its process, or those that it spreads over
MOST_RESTING = 6  # processes: all frameworks' and a user's


class Workforce:
    """Starts worker processes, and ends them all.

    Args:
        options: how they run.
        progress: is told of their work.
        folder: in which each gets one for its temporary files.
    """

    def __init__(self, options: Options, progress: Progress, folder: Path) -> None:
        self.options, self.progress, self.folder = options, progress, folder
        self.workers: list[Worker] = []
        self.resting: list[Staff] = []
        self.lock = threading.Lock()
        self.stopped = False
        # Processes die with the thread that started them: with this one, which lasts.
        self._starter = ThreadPoolExecutor(1)

    def start(self, launch: Launch = launch_alone) -> Worker:
        """Start a worker process.

        Raises:
            WorkerDiedError: the workforce was stopped, or it cannot be started.
        """
        with self.lock:
            if self.stopped:
                raise WorkerDiedError("the comparison was stopped")
            own = self.folder / f"worker-{len(self.workers)}"
            options = self.options
            starting = self._starter.submit(
                Worker, options.threads, own, options.variables, launch=launch
            )
            self.workers.append(starting.result())
            return self.workers[-1]

    def start_crew(self, count: int, under_mpi: bool) -> Crew:
        """Start the processes of a group of workers, by `mpiexec` or each by itself.

        Raises:
            WorkerDiedError: as `start`.
        """
        launch = mpi.Ranks(count, self.options.timeout).launch if under_mpi else launch_alone
        return Crew([self.start(launch) for _ in range(count)], addresses.choose(count))

    def ask(
        self,
        worker: Staff,
        who: str,
        what: str,
        request: Request,
        hear: Callable[[Message], None],
        timeout: float | None = None,
    ) -> None:
        """Ask a worker, passing on its messages and telling of its progress.

        Args:
            worker: one that was started here.
            who: its port, by name, for progress and profile.
            what: what it is at, in words, for progress.
            request: what it is asked.
            hear: is called with each message of its answer.
            timeout: seconds that it may say nothing, or None for as long as it takes.

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

    def rest(self, worker: Staff) -> None:
        """Keep a process that may be asked again, and end the one that has rested the longest.

        So there are never many at once, however many ports are compared.
        """
        with self.lock:
            self.resting = [each for each in self.resting if each is not worker] + [worker]
            ended, self.resting = self.resting[:-MOST_RESTING], self.resting[-MOST_RESTING:]
        for each in ended:
            each.kill()

    def wake(self, worker: Staff) -> bool:
        """Return whether a process can be asked again; if so, it rests no more."""
        with self.lock:
            self.resting = [each for each in self.resting if each is not worker]
            return worker.lives()

    def stop(self) -> None:
        """End all processes; from now on none starts."""
        with self.lock:
            self.stopped = True
            for worker in self.workers:
                worker.kill()
            self._starter.shutdown()
