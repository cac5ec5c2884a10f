"""A worker process that is ready before it is needed: its framework imported, and at work once."""

import contextlib
import threading
import time

from parity.contract import PortName
from parity.processes.messages import Climb, Load, Message, Request
from parity.processes.worker import Worker, WorkerDiedError
from parity.processes.workforce import Workforce


class Spare:
    """A process in which a framework's own port has rehearsed what a user's port will do.

    That imports all that the framework imports late, and compiles what it compiles operation by
    operation. The user's port itself is new to the process, so no state of an older version of it
    can colour a verdict.

    Args:
        workforce: of which the process is.
        framework: whose runtime the user's port takes.
        climbs: the rehearsals, each on a net that the framework has a port of; without any, its
            framework is imported, and that is all.
    """

    def __init__(self, workforce: Workforce, framework: str, climbs: list[Climb]) -> None:
        self._workforce = workforce
        self._requests: list[Request] = [Load(PortName(framework)), *climbs]
        self._wanted = threading.Event()
        self._worker: Worker | None = None
        self._thread = threading.Thread(target=self._rehearse, daemon=True)
        self._thread.start()

    def take(self) -> Worker:
        """Return the process, as soon as it is through with what it is at; if it died, another.

        Raises:
            WorkerDiedError: the workforce was stopped.
        """
        self._wanted.set()
        self._thread.join()
        return self._worker if self._worker and self._worker.lives() else self._workforce.start()

    def end(self) -> None:
        """Wait until a rehearsal that was stopped is over."""
        self._wanted.set()
        self._thread.join()

    def _rehearse(self) -> None:
        timeout, profile = self._workforce.options.timeout, self._workforce.options.profile
        with contextlib.suppress(WorkerDiedError):
            self._worker = self._workforce.start()
            for request in self._requests:
                if not self._wanted.is_set():
                    start = time.monotonic()
                    self._worker.ask(request, _ignore, timeout)
                    if profile and isinstance(request, Load):
                        spent = time.monotonic() - start
                        profile.add(f"{request.port}", request, spent, self._worker.memory)


def _ignore(message: Message) -> None:
    """Rehearsals are not judged."""
