"""One worker process for many ports in turn, so that their framework is imported once."""

import threading

from parity.processes.worker import Worker
from parity.processes.workforce import Workforce


class SharedWorker:
    """A process that all ports of one comparison use in turn.

    What a port changes in its framework, the next one meets. So this is for ports that are known,
    such as planted bugs, and not for users' own.
    """

    def __init__(self, workforce: Workforce) -> None:
        self._workforce = workforce
        self._lock = threading.Lock()
        self._worker: Worker | None = None

    def take(self) -> Worker:
        """Return the process; where it has died, another.

        Raises:
            WorkerDiedError: the workforce was stopped.
        """
        with self._lock:
            if self._worker is None or not self._worker.lives():
                self._worker = self._workforce.start()
            return self._worker
