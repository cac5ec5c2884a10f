"""A worker process seen from the judge's side: started, asked, timed out, killed."""

import contextlib
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

from parity.contract import ROOT, PortName
from parity.processes import descendants, wire
from parity.processes.messages import Calling, Done, Failed, Message
from parity.processes.threads import pinned
from shared.legible import legible

POLL = 1.0  # seconds between looks at whether a silent process still lives
LOG_SHOWN = 4000  # bytes
LONGEST_LOG = 1 << 26  # bytes
POSIX = os.name == "posix"
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2"}  # TensorFlow's errors stay on


class Started(NamedTuple):
    """A process, the streams by which it is asked and heard, and when it was seen to have ended.

    `ended` tells it as time.monotonic() does; asked once the streams are at their end.
    """

    process: "subprocess.Popen[bytes]"
    stdin: IO[bytes]
    stdout: IO[bytes]
    ended: Callable[[], float] = time.monotonic


# Takes a command, its environment and its log.
Launch = Callable[[list[str], dict[str, str], IO[bytes]], Started]


def launch_alone(command: list[str], environment: dict[str, str], log: IO[bytes]) -> Started:
    """Start a process that is asked and heard by its standard streams."""
    process = subprocess.Popen(  # noqa: S603 - a module of ours
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        env=environment,
        start_new_session=POSIX,  # so that Ctrl-C reaches the judge alone
    )
    assert process.stdin is not None
    assert process.stdout is not None
    return Started(process, process.stdin, process.stdout)


class WorkerDiedError(Exception):
    """A worker process crashed or hung. Its text is one sentence.

    log: what it printed last. noticed: when that was noticed, as time.monotonic() has it, None for
    now.
    """

    def __init__(self, sentence: str, log: str = "", noticed: float | None = None) -> None:
        super().__init__(sentence)
        self.log = log
        self.noticed = time.monotonic() if noticed is None else noticed


class WorkerHungError(WorkerDiedError):
    """A worker process was silent for too long, and was killed."""


class Worker:
    """One worker process, which serves requests.

    Args:
        threads: that its libraries may use.
        folder: its own one for temporary files, which is made here. All that it prints goes to a
            file that has no name any more, so that nothing can be put in its place.
        variables: join its environment.
        module: what it runs, which calls `serving.serve`.
        says: the type of its messages, a union; `Done`, `Failed` and `Calling` are among them.
        launch: starts the process.

    Raises:
        WorkerDiedError: it cannot be started.
    """

    def __init__(
        self,
        threads: int,
        folder: Path,
        variables: Mapping[str, str],
        module: str = "parity.worker_main",
        says: Any = Message,
        launch: Launch = launch_alone,
    ) -> None:
        self._says = says
        folder.mkdir()
        self._mark = f"TMPDIR={folder}"  # in the environment of all that the process starts
        log = folder.with_suffix(".log")
        stderr = log.open("ab")
        self._log = log.open("r+b")
        with contextlib.suppress(OSError):  # where an open file cannot be removed
            log.unlink()
        environment = {
            **variables,
            **QUIET,
            **os.environ,
            **pinned(threads),
            "PYTHONPATH": _python_path(),
            "TMPDIR": str(folder),  # TensorFlow leaves files there when it is killed
        }
        command = [sys.executable, "-P", "-m", module]  # -P: nothing from the current folder
        with stderr:
            started = launch(command, environment, stderr)
        self.process, self._stdin, self._stdout, self._ended = started
        self._folder = folder
        self._tail = ""  # of the log
        self._writing: threading.Thread | None = None
        self.messages: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.memory = 0  # the most bytes that the process said it held
        self.loaded: PortName | None = None  # the port that it serves
        self.turn = threading.Lock()  # held by the port that asks, where several share it
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        try:
            # It ended, or wrote what is no message.
            with contextlib.suppress(Exception), self._stdout as stream:
                while True:
                    self.messages.put(wire.read(stream, self._says))
        finally:
            self.messages.put(None)

    def _write(self, request: Any) -> None:
        with contextlib.suppress(OSError, ValueError):  # it has died: the messages end, too
            wire.write(self._stdin, request)

    def ask(self, request: Any, hear: Callable[[Any], None], timeout: float | None = None) -> None:
        """Send a request, and pass every message on until it is served or has failed.

        Raises:
            WorkerDiedError: the process ended, or was silent for `timeout` seconds and was killed.
        """
        # In a thread: a process that reads nothing would hold up the judge beyond any timeout.
        writing = threading.Thread(target=self._write, args=(request,), daemon=True)
        writing.start()
        self._writing = writing  # started, since whoever kills the process waits for it
        calling = "import"
        while True:
            try:
                message = self._next(timeout)
            except queue.Empty:
                noticed = time.monotonic()
                self.kill()
                said = f"{calling} hung: it gave no answer in {timeout:g} s (--timeout)"
                raise WorkerHungError(said, self.log(), noticed) from None
            if message is None:
                noticed = self._ended()
                cause = self._cause_of_death()
                self.kill()  # what it has started may still run
                raise WorkerDiedError(f"{calling} {cause}", self.log(), noticed)
            if isinstance(message, Done):
                self.memory = message.memory
                return
            if isinstance(message, Calling):
                calling = message.what
            hear(message)
            if isinstance(message, Failed):
                return

    def _next(self, timeout: float | None) -> Any:
        """Return the next message, or None where there will be none: the process has ended.

        A child that it forked may hold the pipe open, so that its end is no sure sign.

        Raises:
            queue.Empty: nothing came within `timeout` seconds.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            left = POLL if deadline is None else min(POLL, deadline - time.monotonic())
            ended = self.process.poll() is not None
            self._shorten_log()
            try:
                return self.messages.get(timeout=max(left, 0))
            except queue.Empty:
                if ended:
                    return None
                if deadline is not None and time.monotonic() >= deadline:
                    raise

    def lives(self) -> bool:
        """Whether the process has not ended."""
        return self.process.poll() is None

    def kill(self) -> None:
        """End the process, unless it has ended, and all that it started, now."""
        if self._log.closed:
            return
        if self.process.returncode is None:  # else another process may have its number by now
            self._kill_group()
            self.process.wait()
        descendants.kill_with(self._mark)
        if self._writing:
            self._writing.join(POLL)  # what was not written yet has nobody to read it
        if not (self._writing and self._writing.is_alive()):
            with contextlib.suppress(OSError):
                self._stdin.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._tail = self.log()
        self._log.close()

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if POSIX:
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()

    def log(self) -> str:
        """Return the end of what the process printed."""
        with contextlib.suppress(OSError, ValueError):  # closed, as the process has ended
            size = self._log.seek(0, os.SEEK_END)
            self._log.seek(max(0, size - LOG_SHOWN))
            self._tail = legible(self._log.read(LOG_SHOWN).decode(errors="replace"))
        return self._tail

    def _shorten_log(self) -> None:
        """Let no port fill the disk with what it prints."""
        with contextlib.suppress(OSError, ValueError):
            if self._log.seek(0, os.SEEK_END) > LONGEST_LOG:
                self._log.truncate(0)

    def _cause_of_death(self) -> str:
        try:
            code = self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.kill()
            return "closed the connection to the judge"
        self._kill_group()
        if code == -getattr(signal, "SIGKILL", 9):
            return "was killed (SIGKILL), as the system does when memory runs out"
        if code < 0:
            names = {each.value: each.name for each in signal.Signals}
            return f"crashed the process ({names.get(-code, f'signal {-code}')})"
        return f"ended the process (exit status {code})"


def _python_path() -> str:
    path = os.environ.get("PYTHONPATH")
    return os.pathsep.join([str(ROOT), path] if path else [str(ROOT)])
