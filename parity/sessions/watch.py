"""Judging users' ports again whenever their files change."""

import queue
import threading
import time
from pathlib import Path
from typing import Self

import watchfiles

from parity.contract import FRAMEWORKS, PortName
from parity.results import Round, Trial
from parity.sessions.port_files import check_python
from parity.sessions.session import AbandonedError, Session
from shared.errors import InputError
from shared.port_parts import parts, ways

DEBOUNCE = 60  # milliseconds without a change after which a file counts as saved
EVENT_TIMEOUT = 0.5  # seconds; Python may miss a Ctrl-C just as a wait without end begins


class Watch:
    """Ports under judgement, and the files that they are made of; a context.

    Args:
        session: in which they are judged.
        trials: on what.
        ports: all of them; those of users' files are judged again when these change.
    """

    def __init__(self, session: Session, trials: list[Trial], ports: list[PortName]) -> None:
        self._session, self._trials, self._ports = session, trials, ports
        self._due, self._changed = ports, list[PortName]()
        self._frameworks: dict[str, str] = {}
        self._since = time.monotonic()
        self._events: queue.SimpleQueue[set[Path] | Exception] = queue.SimpleQueue()
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._watcher.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._watcher.join()

    def judge(self) -> Round:
        """Judge what is due; a change in the meantime makes that start again.

        Raises:
            InputError: the files cannot be watched.
            ReferenceFailedError: the reference itself failed.
        """
        while True:
            try:
                found = self._judge()
            except AbandonedError:
                if not self._events.empty():  # else what was abandoned had the change in it already
                    self.wait()
            else:
                self._due, self._changed = [], []
                return found

    def wait(self) -> None:
        """Return as soon as a port has changed.

        Raises:
            InputError: the files cannot be watched.
        """
        changed = list[PortName]()
        while not changed or not self._events.empty():
            try:
                event = self._events.get(timeout=EVENT_TIMEOUT)
            except queue.Empty:
                continue
            if isinstance(event, Exception):
                raise InputError(f"--watch cannot watch the ports' folders ({event})")
            changed += self._affected(event)
        self._changed = list(dict.fromkeys(self._changed + changed))
        self._due = list(dict.fromkeys(self._due + changed))
        self._since = time.monotonic()

    def _judge(self) -> Round:
        faults = {port: fault for port in self._due if (fault := _fault(port))}
        sound = [port for port in self._due if port not in faults]
        results = list(self._session.compare(self._trials, sound)) if sound else []
        seconds = time.monotonic() - self._since
        # A version that could not be loaded does not say what the next one will be written in.
        known = {r.port: r.framework for r in results if r.framework in FRAMEWORKS}
        self._frameworks |= known
        for port in sound:
            if port.file and str(port) in self._frameworks:
                self._session.prepare(port, self._frameworks[str(port)])
        return Round(tuple(self._changed), tuple(faults.values()), results, seconds)

    def _watch(self) -> None:
        """Tell of changes, and let the comparison that goes on be given up."""
        folders = {path.parent for port in self._ports if port.file for path in ways(port.file)}
        changes = watchfiles.watch(
            *sorted(folders),
            watch_filter=None,
            step=DEBOUNCE,
            stop_event=self._over,
            recursive=False,
            rust_timeout=500,  # milliseconds between looks at whether it is over
            raise_interrupt=False,
        )
        try:
            for each in changes:
                paths = {Path(path) for _, path in each}
                if self._affected(paths):
                    self._events.put(paths)
                    self._session.abandon()
        except Exception as error:  # whatever it is, nobody must wait for ever
            self._events.put(error)
            self._session.abandon()

    def _affected(self, paths: set[Path]) -> list[PortName]:
        """Return the ports that some files are part of."""
        return [port for port in self._ports if port.file and paths & parts(port.file)]


def _fault(port: PortName) -> str | None:
    """Return why a port's file cannot be judged as it is, if so."""
    try:
        if port.file:
            check_python(port.file)
    except InputError as error:
        return str(error).replace(str(port.file), str(port))  # as short as it was given
    return None
