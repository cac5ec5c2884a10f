"""A Dask cluster on this machine, for as long as a study or a test needs one."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from parity.contract import ROOT

TO_START = 60.0  # seconds
TO_END = 10.0


@dataclass(frozen=True)
class Loopback:
    """A scheduler and its workers, of one thread each."""

    address: str
    scheduler: "subprocess.Popen[bytes]"
    workers: "tuple[subprocess.Popen[bytes], ...]"


@contextmanager
def cluster(workers: int, variables: Mapping[str, str], cores: bool = False) -> Iterator[Loopback]:
    """Start a scheduler and workers, and end them.

    Args:
        workers: how many.
        variables: join their environment.
        cores: whether each worker gets a core of its own, where the system can do that.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lockstep-dask-")))
        file = folder / "scheduler.json"
        path = os.pathsep.join([f"{ROOT}", *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {**os.environ, **variables, "PYTHONPATH": path}

        def start(*arguments: object) -> "subprocess.Popen[bytes]":
            command = [sys.executable, "-m", "dask", *map(str, arguments)]
            process = subprocess.Popen(  # noqa: S603 - Dask's own command
                [*command, "--no-dashboard", "--scheduler-file", f"{file}"],
                cwd=folder,  # it is nobody's whose files are compared
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            stack.callback(_end, process)
            return process

        scheduler = start("scheduler", "--host", "127.0.0.1", "--port", 0)
        how = ("--nthreads", 1, "--no-nanny", "--local-directory", folder)
        started = tuple(start("worker", *how, "--name", f"node-{n}") for n in range(workers))
        free = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        for worker, core in zip(started, free if cores else [], strict=False):
            os.sched_setaffinity(worker.pid, [core])
        yield Loopback(_address(file, workers), scheduler, started)


def _address(file: Path, workers: int) -> str:
    """Return the scheduler's address once all workers have joined."""
    from distributed import Client  # which takes a while to import

    deadline = time.monotonic() + TO_START
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    with Client(scheduler_file=f"{file}", set_as_default=False) as client:
        client.wait_for_workers(workers, timeout=TO_START)
        return str(client.scheduler.address)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(TO_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
