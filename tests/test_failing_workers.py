"""Ports one of whose workers raises, dies, hangs or never joins: an error, and nothing is left."""

import socket
import sys
import time
from unittest.mock import Mock

import pytest

from parity.processes.crew import Crew, Failure
from parity.processes.mpi import Ends
from parity.processes.worker import WorkerDiedError, WorkerHungError
from tests.running import Compare, Run
from tests.test_processes import workers_of
from tests.test_workers import NUMPY, TORCH, judged

pytestmark = pytest.mark.plain_workers  # copies are not found by their environment

KILLED = "os.kill(os.getpid(), 9)"
FAILURES = {
    "raises": ("raise ValueError('no')", "worker 1 of 2: gradients, step 1 raised ValueError: no"),
    "dies": (KILLED, "worker 1 of 2: gradients, step 1 "),
    "exits": ("os._exit(0)", "worker 1 of 2: gradients, step 1 "),
    "hangs": ("time.sleep(600)", "gradients, step 1 hung"),
}
FAILING = """
assert b"LOCKSTEP_TEST=" in open("/proc/self/environ", "rb").read()  # by which it is found
calls = 0
def gradients(model, x, y):
    global calls
    calls += 1
    if calls == 2 and {rank} == 1:
        {what}
    return right.gradients(model, x, y)
"""


@pytest.fixture(scope="module")
def failed(compare: Compare, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One run in which worker 1 of each port fails, or never joins."""
    folder = tmp_path_factory.mktemp("failures")
    ports = {
        name: NUMPY + FAILING.format(what=what, rank="workers.rank")
        for name, (what, _) in FAILURES.items()
    }
    ports["dies_in_torch"] = TORCH + FAILING.format(what=KILLED, rank="dist.get_rank()")
    ports["never_joins"] = """
import time
from impls.torch.mnist_workers import *
from impls.torch.runtime import *
def join(rank, addresses, timeout):
    if rank == 1:
        time.sleep(600)
    group.join(rank, addresses, timeout)
"""
    marker = f"LOCKSTEP_TEST={folder}"
    how = "mnist-workers-2", "--dtype", "float32", "--timeout", 20
    run = judged(
        lambda *arguments: compare(*arguments, LOCKSTEP_TEST=str(folder)), folder, ports, *how
    )
    deadline = time.monotonic() + 10
    while workers_of(marker) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert workers_of(marker) == []
    return run


@pytest.mark.parametrize("name", FAILURES)
def test_a_worker_that_fails_is_the_ports_error(failed: Run, name: str) -> None:
    result = failed.result(f"{name}.py", "float32")
    assert result["verdict"] == "error"
    assert FAILURES[name][1] in result["error"]


def test_a_worker_that_was_killed_is_named(failed: Run) -> None:
    error = failed.result("dies_in_torch.py", "float32")["error"]
    assert error.startswith("worker 1 of 2: gradients, step 1 was killed (SIGKILL)")


def test_a_worker_that_never_joins_is_the_ports_error(failed: Run) -> None:
    error = failed.result("never_joins.py", "float32")["error"]
    assert "join hung: it gave no answer in 20 s (--timeout)" in error


@pytest.mark.parametrize(("died", "rank"), [(9.0, 0), (11.0, 1)])
def test_what_dies_once_another_is_killed_for_hanging_is_not_to_blame(
    died: float, rank: int
) -> None:
    crew = Crew([Mock(), Mock()], ("", ""))
    failures = [
        Failure(0, WorkerDiedError("it died", noticed=died)),
        Failure(1, WorkerHungError("it hung", noticed=10.0)),
    ]
    assert f"{crew._blamed(failures)}".startswith(f"worker {rank} of 2: it ")


@pytest.mark.skipif(sys.platform != "linux", reason="only its kernel keeps the order")
def test_the_first_of_mpi_to_end_is_known_whichever_is_asked_for_first() -> None:
    pairs = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    there = [socket.create_connection(server.getsockname()) for server in pairs]
    here = [server.accept()[0] for server in pairs]
    ends = Ends([connection.fileno() for connection in here])
    for rank in (2, 0, 1):
        there[rank].close()
    seen = [ends.of(rank) for rank in range(3)]
    assert seen[2] < seen[0] < seen[1]
    for open_one in (*pairs, *here):
        open_one.close()
