"""Rounds in alternation: every contender once per round, so that a slow spell hits them all."""

import math
import random
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from bench.contender import Contender
from bench.worker import Work, Worker, started
from shared import recipes
from shared.experiment import prepare

Tell = Callable[[str], None]


@dataclass
class Result:
    """A contender on one recipe.

    first: seconds of its first call. again: of the call right after it, in the same spell of the
    machine. seconds: of those of the rounds.
    first_loss, last_loss: of the first call, to see that it is the same work.
    """

    recipe: str
    contender: Contender
    steps: int
    budget: int
    first: float = float("nan")
    again: float = float("nan")
    seconds: list[float] = field(default_factory=list)
    first_loss: float = float("nan")
    last_loss: float = float("nan")

    @property
    def micros(self) -> float:
        """The median of the microseconds per step, the first call apart."""
        return 1e6 * statistics.median(self.seconds) / self.steps

    @property
    def quartiles(self) -> tuple[float, float]:
        """The lower and the upper quartile of the same."""
        if len(self.seconds) < 2:
            return self.micros, self.micros
        low, _, high = statistics.quantiles(self.seconds, n=4, method="inclusive")
        return 1e6 * low / self.steps, 1e6 * high / self.steps

    @property
    def start(self) -> float:
        """Seconds that only a first call takes: to trace, to compile."""
        return float(np.maximum(0.0, self.first - self.again))  # NaN stays NaN

    @property
    def at_budget(self) -> float:
        """Seconds of a first call at the recipe's budget, its steps at their median."""
        return self.start + 1e-6 * self.micros * self.budget

    def pays_from(self, other: Self) -> float:
        """The number of steps from which it takes less time than another, first calls included.

        Infinity where it never does.
        """
        gain = 1e-6 * (other.micros - self.micros)
        return float(np.maximum(0.0, (self.start - other.start) / gain)) if gain > 0 else math.inf

    @property
    def who(self) -> str:
        """Its name, with its library's."""
        return f"{self.contender.framework}: {self.contender.name}"


def run(names: list[str], libraries: list[str], rounds: int, tell: Tell) -> Iterator[list[Result]]:
    """Yield the results of each recipe: each contender called twice, then the rounds."""
    for name in names:
        with started(libraries) as workers:  # anew, so that first calls are first calls
            yield _measure(name, workers, rounds, tell)


def _measure(name: str, workers: dict[str, Worker], rounds: int, tell: Tell) -> list[Result]:
    net, budget = recipes.get(name).net, prepare(name, "float32").budget
    entries = [
        (library, number, Result(name, contender, max(1, round(contender.share * budget)), budget))
        for library, worker in workers.items()
        for number, contender in enumerate(worker.contenders)
        if net in contender.nets
    ]
    for library in {library for library, _, _ in entries}:
        workers[library].warm_up(name)
    for library, number, result in entries:
        work = Work(name, number, result.steps)
        timed = workers[library].ask(work)
        result.first, result.first_loss = timed.seconds, timed.first
        result.last_loss = timed.last
        result.again = workers[library].ask(work).seconds
    order = random.Random(0)  # noqa: S311 - an order, no secret
    for turn in range(rounds):
        tell(f"{name}: round {turn + 1} of {rounds}")
        order.shuffle(entries)
        for library, number, result in entries:
            result.seconds.append(workers[library].ask(Work(name, number, result.steps)).seconds)
    return sorted((result for _, _, result in entries), key=lambda result: result.micros)
