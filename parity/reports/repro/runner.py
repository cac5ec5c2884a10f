"""Running a script as whoever gets it will, to see whether it shows its difference."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from parity.processes import descendants
from parity.processes.scratch import Scratch
from parity.reports.repro.script import SHOWS
from shared.legible import legible

TAIL = 1 << 16  # bytes of what a script prints that are looked at
LONGEST_LINE = 200  # characters of it that are shown


class Runner:
    """Runs one script after another, until it is stopped.

    timeout: seconds that each may take.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def run(self, path: Path, variables: Mapping[str, str]) -> str | None:
        """Run a script; return why it does not show its difference, or None if it does.

        variables: join its environment.
        """
        scratch = Scratch()
        try:
            status, text = self._ran(path, variables, scratch.path)
        except subprocess.TimeoutExpired:
            return f"run by itself, it did not end within {self._timeout:g} s (--timeout)"
        finally:
            scratch.remove()
        if status == 1 and SHOWS.search(text):
            return None
        if status == 0:
            return "run by itself, it shows no difference"
        last = next(filter(str.strip, reversed(text.splitlines())), "").strip()
        said = f": {legible(last, LONGEST_LINE)}" if last else ""
        return f"run by itself, it fails with status {status}{said}"

    def _ran(self, path: Path, variables: Mapping[str, str], own: Path) -> tuple[int, str]:
        """Run a script with a temporary folder of its own; return its status and what it said."""
        log = own / "log"
        environment = {
            **os.environ,
            **variables,
            "TMPDIR": str(own),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        with self._lock, log.open("wb") as stream:
            if self._stopped:
                return 0, ""
            process = self._process = subprocess.Popen(  # noqa: S603 - a script of ours
                [sys.executable, path],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=os.name == "posix",
            )
        try:
            status = process.wait(self._timeout)
        finally:
            with self._lock:
                _end(process)
                self._process = None
            descendants.kill_with(f"TMPDIR={own}")
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL))
            return status, file.read().decode(errors="replace")

    def stop(self) -> None:
        """End the script that runs; none is run any more."""
        with self._lock:
            self._stopped = True
            if self._process:
                _end(self._process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a script, if it runs, and all that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()
