"""A worker process seen from the judge's side: started, asked, timed out, killed."""

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from parity.contract import ROOT
from parity.messages import Calling, Done, Failed, Message, Request

LOG_SHOWN = 4000  # characters
POSIX = os.name == "posix"


class WorkerDiedError(Exception):
    """A worker process crashed or hung. Its text is one sentence; `log` is what it printed last."""

    def __init__(self, sentence: str, log: str = "") -> None:
        super().__init__(sentence)
        self.log = log


class Worker:
    """One worker process. `log` gets all that it prints."""

    def __init__(self, threads: int, log: Path) -> None:
        pinned = dict.fromkeys(
            ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"),
            str(threads),
        )
        self.log = log
        with log.open("ab") as stderr:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "parity.worker",
                ],  # -P: nothing from the current folder
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env={**os.environ, **pinned, "PYTHONPATH": _python_path()},
                start_new_session=POSIX,  # so that Ctrl-C reaches the judge alone
            )
        self.messages: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with contextlib.suppress(EOFError, OSError, ValueError, pickle.UnpicklingError):
            while True:
                self.messages.put(pickle.load(self.process.stdout))
        self.messages.put(None)

    def ask(
        self, request: Request, hear: Callable[[Message], None], timeout: float | None = None
    ) -> None:
        """Send a request, and pass every message on until it is served or has failed.

        Raises:
            WorkerDiedError: the process ended, or was silent for `timeout` seconds and was killed.
        """
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):  # it has died: the messages end, too
            pickle.dump(request, self.process.stdin, protocol=pickle.HIGHEST_PROTOCOL)
            self.process.stdin.flush()
        calling = "import"
        while True:
            try:
                message = self.messages.get(timeout=timeout)
            except queue.Empty:
                self.kill()
                raise WorkerDiedError(
                    f"{calling} hung: it gave no answer in {timeout:g} s (--timeout)", self._log()
                ) from None
            if message is None:
                raise WorkerDiedError(f"{calling} {self._cause_of_death()}", self._log())
            if isinstance(message, Done):
                return
            if isinstance(message, Calling):
                calling = message.what
            hear(message)
            if isinstance(message, Failed):
                return

    def kill(self) -> None:
        """End the process and all that it started, now."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if POSIX:
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()
        self.process.wait()

    def _log(self) -> str:
        """Return the end of what the process printed."""
        return self.log.read_text(errors="replace")[-LOG_SHOWN:]

    def _cause_of_death(self) -> str:
        code = self.process.wait()
        if code == -getattr(signal, "SIGKILL", 9):
            return "was killed (SIGKILL), as the system does when memory runs out"
        if code < 0:
            return f"crashed the process ({signal.Signals(-code).name})"
        return f"ended the process (exit status {code})"


def _python_path() -> str:
    path = os.environ.get("PYTHONPATH")
    return os.pathsep.join([str(ROOT), path] if path else [str(ROOT)])
