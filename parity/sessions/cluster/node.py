"""What runs inside a Dask worker: it starts Lockstep's processes there, and hands them cells.

This module goes there by value, and takes nothing but Dask: a Dask worker is somebody else's
process, in which Lockstep's folders are not on the path.
"""

import asyncio
import contextlib
import pickle
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from typing import IO, Any, Literal

from distributed import Worker, WorkerPlugin, get_worker

Answer = tuple[Literal["found", "unusable", "failed", "broken"], Any]
START = (
    "import sys; from lockstep import TREE; sys.path.insert(0, str(TREE)); "
    "from parity.sessions.cluster import judge_main; judge_main.main()"
)
TO_END = 10.0  # seconds in which an interrupted process removes its files
SHOWN = 2000  # bytes of what a process printed last


class Judge:
    """A process of Lockstep's, which judges one cell at a time."""

    def __init__(self) -> None:
        self.log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        self.process = subprocess.Popen(  # noqa: S603 - a module of ours
            [sys.executable, "-P", "-c", START],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            start_new_session=True,  # the worker ends it
        )
        self.ready = False

    def ask(self, cell: bytes) -> Answer:
        """Return what came of a cell.

        Raises:
            OSError, EOFError: the process has ended.
        """
        assert self.process.stdin
        assert self.process.stdout
        if not self.ready:
            self.ready = pickle.load(self.process.stdout)  # noqa: S301 - of a process of ours
        pickle.dump(cell, self.process.stdin)
        self.process.stdin.flush()
        found: Answer = pickle.load(self.process.stdout)  # noqa: S301 - see above
        return found

    def lives(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def end(self) -> None:
        """End the process, and all that it started."""
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(TO_END)
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                with contextlib.suppress(OSError):
                    stream.close()

    def last_words(self) -> str:
        """Return the last line that it printed."""
        size = self.log.seek(0, 2)
        self.log.seek(max(0, size - SHOWN))
        lines = self.log.read().decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


class Node(WorkerPlugin):
    """The processes of one run on one node.

    Args:
        run: the run's name.
    """

    def __init__(self, run: str) -> None:
        self.name = run

    def setup(self, worker: Worker) -> None:
        """Have no process yet: each is started by the first cell that finds none idle."""
        self.worker = worker
        self.lock = threading.Lock()
        self.judges: list[Judge] = []
        self.idle: list[Judge] = []
        self.over = False

    async def teardown(self, worker: Worker) -> None:
        """End all processes."""
        with self.lock:
            self.over = True
        await asyncio.gather(*(asyncio.to_thread(judge.end) for judge in self.judges))

    def judge(self, what: str, cell: bytes) -> tuple[str, Answer]:
        """Return this node's address, and what came of a cell.

        Raises:
            RuntimeError: the process was killed; the cell may be tried again.
        """
        self.worker.log_event(self.name, {"worker": self.worker.address, "what": what})
        judge = self._taken()
        try:
            found = judge.ask(cell)
        except (OSError, EOFError, pickle.UnpicklingError):
            judge.end()
            if judge.ready or self.over:
                raise RuntimeError(f"a process of Lockstep's ended: {judge.last_words()}") from None
            found = (
                "unusable",
                f"cannot start Lockstep ({judge.last_words()}): install this version there",
            )
        with self.lock:
            self.idle.append(judge)
        return self.worker.address, found

    def _taken(self) -> Judge:
        """Return an idle process, or a new one."""
        with self.lock:
            if self.over:
                raise RuntimeError("the run is over")
            self.judges = [judge for judge in self.judges if judge.lives()]
            while self.idle:
                judge = self.idle.pop()
                if judge.lives():
                    return judge
            self.judges.append(Judge())
            return self.judges[-1]


def judging(run: str) -> Callable[[str, bytes], tuple[str, Answer]]:
    """Return a function of a cell's name and the cell, which hands it to a run's node.

    It is made here for it to travel by value, as no function of a module does.
    """

    def judge(what: str, cell: bytes) -> tuple[str, Answer]:
        node: Any = get_worker().plugins[run]  # a Node, whose class has come by value, too
        found: tuple[str, Answer] = node.judge(what, cell)
        return found

    return judge
