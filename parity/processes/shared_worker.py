"""Worker processes for several ports or comparisons in turn: their framework is imported once."""

import threading

from parity.processes.crew import Crew
from parity.processes.worker import Worker
from parity.processes.workforce import Workforce


class SharedWorker:
    """A process, or those to spread over, that several ports use in turn, or one again and again.

    What a port changes in its framework, the next one meets. So several are ports that are known,
    such as planted bugs, and not users' own.
    """

    def __init__(self, workforce: Workforce) -> None:
        self._workforce = workforce
        self._lock = threading.Lock()
        self._worker: Worker | None = None
        self._crew: Crew | None = None
        self._gathered: tuple[int, bool] | None = None

    def take(self) -> Worker:
        """Return the process; where it has died, another.

        Raises:
            WorkerDiedError: the workforce was stopped.
        """
        with self._lock:
            if self._worker is None or not self._workforce.wake(self._worker):
                self._worker = self._workforce.start()
            return self._worker

    def start_crew(self, count: int, under_mpi: bool) -> Crew:
        """Return the processes to spread over; new ones where one has died, or others are asked.

        Raises:
            WorkerDiedError: as `take`, or they cannot be started.
        """
        with self._lock:
            asked = count, under_mpi
            if self._crew and not (self._workforce.wake(self._crew) and self._gathered == asked):
                self._crew.kill()
                self._crew = None
            if self._crew is None:
                self._crew, self._gathered = self._workforce.start_crew(*asked), asked
            return self._crew
