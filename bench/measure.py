"""Rounds in alternation: every contender once per round, so that a slow spell hits them all."""

import math
import random
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from bench.contender import Contender
from bench.library import Library, opened
from bench.messages import Work
from shared import recipes
from shared.experiment import prepare

LAUNCHES = 3  # of each library's process: in every one, each contender's first call is a new one

Announce = Callable[[str], None]


@dataclass
class BenchResult:
    """A contender on one recipe.

    firsts: seconds of its first call in each launch. agains: of the call right after it, in the
    same spell of the machine. seconds: of those of the rounds.
    first_loss, last_loss: of a first call, to see that it is the same work.
    """

    recipe: str
    contender: Contender
    steps: int
    budget: int
    firsts: list[float] = field(default_factory=list)
    agains: list[float] = field(default_factory=list)
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
    def first(self) -> float:
        """The median of the seconds of a first call."""
        return statistics.median(self.firsts)

    @property
    def start(self) -> float:
        """Seconds that only a first call takes, in the median: to trace, to compile."""
        only = np.subtract(self.firsts, self.agains)
        return float(np.maximum(0.0, np.median(only)))  # NaN stays NaN

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


def run(
    names: list[str], libraries: list[str], rounds: int, tell: Announce
) -> Iterator[list[BenchResult]]:
    """Measure recipe by recipe: first calls in a few launches, then the rounds.

    Args:
        names: of the recipes.
        libraries: whose contenders take part, of LIBRARIES.
        rounds: how often each contender is called after its first calls.
        tell: is told what is measured next.

    Yields:
        The results on one recipe, the fastest first.

    Raises:
        RuntimeError: a library failed, or its process died.
    """
    for name in names:
        yield _measure(name, libraries, rounds, tell)


@dataclass(frozen=True)
class Measurement:
    """A contender's work, and what it took."""

    library: str
    work: Work
    result: BenchResult

    def call_first(self, process: Library) -> None:
        """Time a first call, and the one after it."""
        timed = process.train(self.work)
        self.result.first_loss, self.result.last_loss = timed.first, timed.last
        self.result.firsts.append(timed.seconds)
        self.result.agains.append(process.train(self.work).seconds)

    def start_slowly(self, process: Library) -> None:
        """Time a first call in a process of its own, which starts the compiler; then compile here.

        It takes many seconds, so that once will do.
        """
        with Library(self.library) as own:
            own.warm_up(self.work.recipe)
            self.call_first(own)
        process.train(self.work)

    def call(self, process: Library) -> None:
        """Time a call."""
        self.result.seconds.append(process.train(self.work).seconds)


def _measure(name: str, libraries: list[str], rounds: int, tell: Announce) -> list[BenchResult]:
    order = random.Random(0)  # noqa: S311 - an order, no secret
    entries: list[Measurement] = []
    for left in reversed(range(LAUNCHES)):
        tell(f"{name}: first calls {LAUNCHES - left} of {LAUNCHES}")
        with opened(libraries) as processes:
            entries = entries or list(_entries(name, processes))
            for library in {entry.library for entry in entries}:
                processes[library].warm_up(name)
            order.shuffle(entries)
            for entry in entries:
                if not entry.result.contender.slow_start:
                    entry.call_first(processes[entry.library])
                elif not left:
                    entry.start_slowly(processes[entry.library])
            for turn in range(0 if left else rounds):
                tell(f"{name}: round {turn + 1} of {rounds}")
                order.shuffle(entries)
                for entry in entries:
                    entry.call(processes[entry.library])
    return sorted((entry.result for entry in entries), key=lambda result: result.micros)


def _entries(name: str, processes: dict[str, Library]) -> Iterator[Measurement]:
    net, budget = recipes.get(name).net, prepare(name, "float32").budget
    for library, process in processes.items():
        for number, contender in enumerate(process.contenders):
            if net in contender.nets:
                steps = max(1, round(contender.share * budget))
                result = BenchResult(name, contender, steps, budget)
                yield Measurement(library, Work(name, number, steps), result)
