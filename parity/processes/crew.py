"""The workers that one port spreads over: several processes, asked and heard as if they were one.

All get the same requests, and make the same calls. What worker 0 says is the port's answer; where
training spreads, the others must answer the very same bits.
"""

import math
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace

from parity.contract import PortName, Seat
from parity.processes.messages import Alike, Answer, Failed, Load, Message, PortRequest, Request
from parity.processes.worker import Worker, WorkerDiedError, WorkerHungError
from parity.standard.comparison import Comparison, compare_exactly, unusable
from parity.standard.inputs import Tensors
from parity.standard.place import Place

LONGEST_WAIT = 3600.0  # seconds, unless less is asked for
GRACE = 2.0  # seconds in which the others may fail, too, and show who was the first
# What all workers must know alike, by the rung that it is of; each may look at a model by itself.
SPREAD = {
    "gradients": "gradients",
    "update": "update",
    "resumed": "trajectory",
    "trajectory": "trajectory",
}
Answers = dict[tuple[str, int], Tensors]


class WorkerRaisedError(WorkerDiedError):
    """A worker of a group failed. It lives, but what it has left undone others wait for."""


@dataclass(frozen=True)
class Failure:
    """One worker's: it died, raised or hung."""

    rank: int
    error: WorkerDiedError

    @property
    def order(self) -> tuple[int, float]:
        """Where it stands among those that others come from: if one dies, they hang or raise."""
        kinds = (WorkerDiedError, WorkerRaisedError, WorkerHungError)
        return kinds.index(type(self.error)), self.error.noticed


class Crew:
    """The processes of a group of workers, each started, none of which has joined yet.

    Args:
        workers: in the order of their ranks.
        addresses: at which they find each other, one each.
    """

    def __init__(self, workers: list[Worker], addresses: tuple[str, ...]) -> None:
        self.workers, self.addresses = workers, addresses
        self.loaded: PortName | None = None
        self.turn = threading.Lock()

    @property
    def memory(self) -> int:
        """The most bytes that all of them held."""
        return sum(worker.memory for worker in self.workers)

    def lives(self) -> bool:
        """Whether none has ended."""
        return all(worker.lives() for worker in self.workers)

    def kill(self) -> None:
        """End all of them, and all that they started, now."""
        for worker in self.workers:
            worker.kill()

    def ask(
        self, request: Request, hear: Callable[[Message], None], timeout: float | None = None
    ) -> None:
        """Ask all of them, and pass on what worker 0 says, and whether the others say the same.

        Raises:
            WorkerDiedError: one ended, failed, or was silent for `timeout` seconds; all are ended.
        """
        answers: list[Answers] = [{} for _ in self.workers]
        failures: list[Failure] = []

        def ask_one(rank: int) -> None:
            try:
                answers[rank] = self._ask_one(rank, request, hear, timeout)
            except WorkerDiedError as error:
                failures.append(Failure(rank, error))
                raise

        with ThreadPoolExecutor(len(self.workers)) as pool:
            asked = [pool.submit(ask_one, rank) for rank in range(len(self.workers))]
            wait(asked, return_when=FIRST_EXCEPTION)
            if failures:
                wait(asked, GRACE)
                known = list(failures)  # not those whom the next line ends
                self.kill()
                raise self._blamed(known)
        found = compared(answers)
        apart = {comparison.place.rank for comparison in found if not comparison.agrees}
        hear(Alike(found, {rank: answers[rank] for rank in sorted(apart)}))

    def _ask_one(
        self, rank: int, request: Request, hear: Callable[[Message], None], timeout: float | None
    ) -> Answers:
        """Ask one of them, and return what it answered.

        Raises:
            WorkerDiedError: it ended, or was silent for too long.
            WorkerRaisedError: it failed, and lives.
        """
        answers: Answers = {}
        failed: list[Failed] = []

        def listen(message: Message) -> None:
            if isinstance(message, Failed):
                failed.append(message)
            elif rank == 0:
                hear(message)
            if isinstance(message, Answer):
                answers[message.rung, message.step] = message.tensors

        self.workers[rank].ask(self._of(request, rank, timeout), listen, timeout)
        for each in failed:
            raise WorkerRaisedError(each.sentence, each.traceback)
        return answers

    def _of(self, request: Request, rank: int, timeout: float | None) -> Request:
        """Return a request as one of them gets it."""
        if isinstance(request, Load):
            return replace(request, seat=Seat(rank, self.addresses, timeout or LONGEST_WAIT))
        assert isinstance(request, PortRequest)
        return replace(request, inputs=replace(request.inputs, rank=rank))

    def _blamed(self, failures: list[Failure]) -> WorkerDiedError:
        """Return the failure that others come from, as all of them together would tell it."""
        hung = [f.error.noticed for f in failures if isinstance(f.error, WorkerHungError)]
        ended = min(hung, default=math.inf)  # then that worker is killed, and others die of that
        first = min(
            (f for f in failures if f.error.noticed <= ended), key=lambda failure: failure.order
        )
        died = first.order[0] == 0
        alike = {str(failure.error) for failure in failures}
        if not died and len(failures) == len(self.workers) and len(alike) == 1:
            return first.error  # it is no one's alone
        error = first.error
        return WorkerDiedError(f"worker {first.rank} of {len(self.workers)}: {error}", error.log)


def compared(answers: list[Answers]) -> list[Comparison]:
    """Compare what all workers must know alike with what worker 0 answered, bit for bit.

    Args:
        answers: of each worker, by rung and step, tensors by name.
    """
    return [
        comparison
        for rung, step in dict.fromkeys(at for each in answers for at in each)
        if rung in SPREAD
        for rank in range(1, len(answers))
        for comparison in _held(
            Place(SPREAD[rung], max(step, 0), "", "other worker", rank=rank),
            answers[0].get((rung, step), {}),
            answers[rank].get((rung, step), {}),
        )
    ]


def _held(place: Place, expected: Tensors, got: Tensors) -> list[Comparison]:
    """Compare one worker's tensors with worker 0's; either may lack some."""
    return [
        compare_exactly(replace(place, name=name), expected[name], got[name])
        if name in expected and name in got
        else unusable(replace(place, name=name), *map(_there, (name in expected, name in got)))
        for name in {**expected, **got}
    ]


def _there(there: bool) -> str:
    return "an array" if there else "missing"
