"""A Dask cluster, on whose nodes cells are judged."""

import asyncio
import contextlib
import logging
import pickle
import secrets
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Self

import cloudpickle
from distributed import Client, Future, KilledWorker, Security, as_completed
from distributed.comm.core import connect
from distributed.core import send_recv

from parity.processes.progress import Progress
from parity.processes.standards import ReferenceFailedError
from parity.sessions.cluster import judge_main, node
from parity.sessions.cluster.node import Node
from shared.errors import ClusterError, InputError

LOGGERS = ("distributed", "distributed.client")
WAIT = 5.0  # seconds for a connection
TRIES = 2  # more, where a process is killed; where all of a Dask worker is lost, Dask says how many


def check_address(address: str) -> None:
    """Check that a scheduler can be reached; a client that cannot reach it is slow to end.

    Raises:
        InputError: it cannot, or it is no scheduler.
    """

    async def identity() -> dict[str, Any]:
        how = Security().get_connection_args("client")  # TLS, where Dask's configuration says so
        async with asyncio.timeout(WAIT):  # connecting includes an answer, which may never come
            comm = await connect(address, **how)
            try:
                return dict(await send_recv(comm, op="identity"))
            finally:
                comm.abort()

    with _reaching(address), ThreadPoolExecutor(1) as thread:  # in which no loop runs yet
        found = thread.submit(lambda: asyncio.run(identity())).result()
    if "workers" not in found:
        raise InputError(
            f"{address!r} is the address of a Dask {found['type'].lower()}: name its scheduler's"
        )


@contextlib.contextmanager
def _reaching(address: str) -> Iterator[None]:
    """Say in a sentence that a scheduler cannot be reached.

    Raises:
        InputError: it cannot.
    """
    try:
        yield
    except Exception as error:  # whoever answers there may say anything
        said = f"{error}" or f"no answer in {WAIT:g} s"
        raise InputError(
            f"no Dask scheduler can be reached at {address!r} ({said}): start one with "
            "dask scheduler, and name its address"
        ) from error


@dataclass(frozen=True)
class Call:
    """A cell: what to call on a node with what.

    name: for progress. work: the more, the earlier it starts.
    """

    name: str
    function: Callable[[Any], Any]
    argument: Any
    work: float = 0


class Cluster:
    """A connection to a Dask cluster, a context: however it ends, nothing is left there.

    Args:
        address: of the scheduler.
        progress: is told of cells, and of lost nodes.

    Raises:
        InputError: there is no cluster at that address, or it has no workers.
    """

    def __init__(self, address: str, progress: Progress) -> None:
        self._address, self._progress = address, progress
        self._run = f"lockstep-{secrets.token_hex(4)}"
        self._nodes: set[str] = set()
        self._futures: list[Future[Any]] = []
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        for name in LOGGERS:
            logging.getLogger(name).setLevel(logging.CRITICAL)  # it is said here, in sentences
        cloudpickle.register_pickle_by_value(node)
        check_address(self._address)
        with _reaching(self._address):
            self._client = client = Client(self._address, timeout=WAIT, set_as_default=False)
        with self._stack:
            self._stack.callback(client.close)
            self._nodes = set(client.nthreads())
            if not self._nodes:
                raise InputError(
                    f"the scheduler at {self._address} has no workers: start some with "
                    f"dask worker {self._address}"
                )
            self._stack.callback(client.unregister_worker_plugin, self._run)
            client.register_plugin(Node(self._run))
            self._stack.callback(lambda: client.cancel(self._futures, force=True))
            client.subscribe_topic(self._run, self._begun)
            client.subscribe_topic("all", self._changed)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        with contextlib.suppress(Exception):  # the scheduler may be gone
            self._stack.close()

    def results(self, calls: Sequence[Call]) -> Iterator[Any]:
        """Yield what each cell gives, in order, as soon as that is possible.

        Raises:
            ClusterError: a cell cannot be judged, whatever node it is on.
            InputError: a node cannot judge cells: it lacks data, or has other versions.
            ReferenceFailedError: the reference itself failed.
        """
        self._progress.planned(len(calls), 0)
        longest_first = sorted(enumerate(calls), key=lambda each: -each[1].work)
        order = {self._submitted(number, call): number for number, call in longest_first}
        self._futures = list(order)
        found: dict[int, Any] = {}
        due = 0
        for future in as_completed(self._futures, loop=self._client.loop):
            call = calls[order[future]]
            found[order[future]] = self._found(call, future)
            future.release()
            while due in found:
                yield found.pop(due)
                due += 1

    def _submitted(self, number: int, call: Call) -> "Future[Any]":
        with warnings.catch_warnings(action="ignore"):  # of large cells: a user's data travels once
            return self._client.submit(
                node.judging(self._run),
                *(call.name, judge_main.packed(call.function, call.argument)),
                key=f"{self._run}-{number}",
                retries=TRIES,
                pure=False,
            )

    def _found(self, call: Call, future: "Future[Any]") -> Any:
        """Return what a cell gave."""
        try:
            where, (kind, value) = future.result()
        except KilledWorker as error:
            raise ClusterError(
                f"{call.name} cannot be judged: {error.allowed_failures + 1} nodes were lost with "
                f"it, the last at {error.last_worker.address}"
            ) from error
        except CancelledError as error:
            raise ClusterError(
                f"the connection to the Dask scheduler at {self._address} was lost, and the "
                "results with it: start again"
            ) from error
        except Exception as error:
            raise ClusterError(f"{call.name} cannot be judged ({error})") from error
        if kind == "unusable":
            raise InputError(f"the node at {where} {value}")
        if kind == "failed":
            raise ReferenceFailedError(f"{value}")
        if kind == "broken":
            what, traceback = value
            broken = ClusterError(
                f"{call.name} cannot be judged: an internal error on the node at {where}, not the "
                f"fault of any port ({what})"
            )
            broken.add_note(traceback)
            raise broken
        self._progress.finished(where, call.name)
        return pickle.loads(value)  # noqa: S301 - whoever names a cluster trusts it

    def _begun(self, event: tuple[float, Any]) -> None:
        self._progress.working(event[1]["worker"], event[1]["what"])

    def _changed(self, event: tuple[float, Any]) -> None:
        """Say which node was lost, if it had cells of this run, and whether another is left."""
        change = event[1] if isinstance(event[1], dict) else {}
        if change.get("action") == "add-worker":
            self._nodes.add(change["worker"])
        if change.get("action") != "remove-worker":
            return
        self._nodes.discard(change["worker"])
        lost = {*change["processing-tasks"], *change["lost-computed-tasks"]}
        if any(f"{key}".startswith(self._run) for key in lost):
            self._progress.warn(
                f"LOST: the node at {change['worker']}; its cells are run "
                + ("elsewhere" if self._nodes else "as soon as another joins")
            )
