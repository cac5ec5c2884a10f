"""Worker processes that `mpiexec` starts, as MPI wants it; each then connects to the judge.

What `mpiexec` passes on of standard input reaches one process alone, and of standard output comes
mixed, so that requests and messages go another way.
"""

import functools
import hmac
import os
import secrets
import select
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

from parity.contract import ROOT, PortName
from parity.processes import descendants
from parity.processes.addresses import HOST
from parity.processes.worker import POSIX, Started, WorkerDiedError
from shared import port_parts
from shared.recipes import port_file

PACKAGE = "mpi4py"
VARIABLE = "LOCKSTEP_RANKS"  # where a process finds the judge, and by what it is known there
TOKEN = 32  # characters
POLL = 0.2  # seconds
LONGEST = 60.0  # seconds that the processes may take to connect


def launches(port: PortName, net: str) -> bool:
    """Whether a port over workers is started by `mpiexec`: it imports mpi4py, maybe by another."""
    file = port.file or ROOT / "impls" / port.name / f"{port_file(net, 0)}.py"
    return port_parts.imports(file, PACKAGE)


def program() -> str | None:
    """Return the path of `mpiexec`, as it was installed beside Python or is found, if it is."""
    beside = str(Path(sys.executable).parent)
    return shutil.which("mpiexec", path=os.pathsep.join([beside, os.environ.get("PATH", "")]))


class Ranks:
    """The processes of one `mpiexec`.

    Args:
        size: how many.
        timeout: for all to connect, in seconds; at most a minute.
    """

    def __init__(self, size: int, timeout: float) -> None:
        self._size, self._timeout = size, min(timeout, LONGEST)
        self._left: list[Started] = []

    def launch(self, command: list[str], environment: dict[str, str], log: IO[bytes]) -> Started:
        """Return the next process; the first call starts all.

        Raises:
            WorkerDiedError: there is no `mpiexec`, or not all have connected.
        """
        if not self._left:
            self._left = self._start(command, environment, log)
        return self._left.pop(0)

    def _start(
        self, command: list[str], environment: dict[str, str], log: IO[bytes]
    ) -> list[Started]:
        mpiexec = program()
        if mpiexec is None:
            raise WorkerDiedError("it needs mpiexec, which is not installed: pip install mpich")
        token = secrets.token_hex(TOKEN // 2)
        with socket.create_server((HOST, 0)) as server:
            known = f"{server.getsockname()[1]}:{token}"
            python, *_, module = command
            process = subprocess.Popen(  # noqa: S603 - MPI's own, and a module of ours
                [
                    *(mpiexec, "-n", f"{self._size}"),
                    *(python, "-P", "-m", "parity.processes.mpi_rank", module),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**environment, VARIABLE: known},
                start_new_session=POSIX,
            )
            try:
                found = self._accept(server, process, token)
            except BaseException:
                process.kill()
                process.wait()
                descendants.kill_with(f"{VARIABLE}={known}")
                raise
            ends = Ends([stdout.fileno() for _, stdout in found])
            return [
                Started(process, *streams, functools.partial(ends.of, rank))
                for rank, streams in enumerate(found)
            ]

    def _accept(
        self, server: socket.socket, process: "subprocess.Popen[bytes]", token: str
    ) -> list[tuple[IO[bytes], IO[bytes]]]:
        """Return the streams to and from each process, in their order."""
        found: dict[int, tuple[IO[bytes], IO[bytes]]] = {}
        deadline = time.monotonic() + self._timeout
        server.settimeout(POLL)
        while len(found) < self._size:
            if process.poll() is not None or time.monotonic() > deadline:
                raise WorkerDiedError(
                    f"mpiexec started {len(found)} of {self._size} workers in {self._timeout:g} s"
                )
            try:
                connection, _ = server.accept()
            except TimeoutError:
                continue
            with connection:
                connection.settimeout(None)
                streams = connection.makefile("wb"), connection.makefile("rb")
                said, _, rank = (
                    streams[1].readline(TOKEN + 8).decode(errors="replace").partition(" ")
                )
                if hmac.compare_digest(said, token):
                    found[int(rank)] = streams
        return [found[rank] for rank in sorted(found)]


class Ends:
    """When each process of one `mpiexec` was seen to have ended, in the order in which they did.

    `mpiexec` kills the others at once when one ends, and the judge's threads, one each, may hear of
    that in any order. The kernel keeps it: epoll tells of connections in the order of their ends.

    Args:
        connections: of each process to the judge, in the order of their ranks.
    """

    def __init__(self, connections: list[int]) -> None:
        self._ranks = {connection: rank for rank, connection in enumerate(connections)}
        self._seen: dict[int, float] = {}
        self._looking = threading.Lock()
        self._epoll = select.epoll() if hasattr(select, "epoll") else None  # Linux alone has it
        if self._epoll:
            for connection in connections:
                self._epoll.register(connection, select.EPOLLRDHUP | select.EPOLLET)

    def of(self, rank: int) -> float:
        """Return when one that has ended was seen to have, as time.monotonic() tells it."""
        with self._looking:
            for connection, _ in self._epoll.poll(0) if self._epoll else ():
                self._seen[self._ranks[connection]] = time.monotonic()
            return self._seen.setdefault(rank, time.monotonic())
