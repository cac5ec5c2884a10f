"""Batch order, made once in NumPy and handed to every port.

A schedule is what a port's `train` takes: the number of steps where each step sees every row, or
the row numbers of each batch, shape (steps, batch).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

Schedule = int | NDArray[np.int64]


@dataclass(frozen=True)
class FullBatch:
    """Every step sees every row."""

    steps: int

    def schedule(self, rows: int, steps: int | None, seed: int) -> Schedule:
        """Return the number of steps; `rows` and `seed` change nothing."""
        return steps or self.steps

    def __str__(self) -> str:
        return f"full batch, {self.steps:,} steps"


@dataclass(frozen=True)
class OneBatch:
    """Every step sees the same first `size` rows, as the TensorFlow 1 tutorial's first try did."""

    size: int
    steps: int

    def schedule(self, rows: int, steps: int | None, seed: int) -> Schedule:
        """Return the same row numbers for each step, (steps, size)."""
        return np.tile(np.arange(self.size), (steps or self.steps, 1))

    def __str__(self) -> str:
        return f"one fixed batch of {self.size}, {self.steps:,} steps"


@dataclass(frozen=True)
class Shuffled:
    """Batches of `size` rows, reshuffled every epoch; rows that fill no batch wait for the next.

    steps: how many there are; None for all of `epochs`.
    """

    size: int
    epochs: int
    steps: int | None = None

    def schedule(self, rows: int, steps: int | None, seed: int) -> Schedule:
        """Return the row numbers of each batch, (steps, size), the same for the same seed."""
        steps = steps or self.steps or self.epochs * (rows // self.size)
        return _shuffle(rows, self.size, steps, seed).copy()  # to each its own

    def __str__(self) -> str:
        length = f"{self.steps:,} steps" if self.steps else f"{self.epochs} epochs"
        return f"batches of {self.size}, reshuffled every epoch, {length}"


@dataclass(frozen=True)
class InOrder:
    """Batches of `size` rows in the data's own order, the same in every epoch."""

    size: int
    epochs: int

    def schedule(self, rows: int, steps: int | None, seed: int) -> Schedule:
        """Return the row numbers of each batch, (steps, size)."""
        epoch = np.arange(rows // self.size * self.size).reshape(-1, self.size)
        steps = steps or self.epochs * len(epoch)
        return np.tile(epoch, (-(-steps // len(epoch)), 1))[:steps]

    def __str__(self) -> str:
        size = "one row" if self.size == 1 else f"{self.size} rows"
        return f"{size} per step, in order, {self.epochs:,} epochs"


@dataclass(frozen=True)
class ForwardOnly:
    """No steps at all: the net is looked at as it is."""

    def schedule(self, rows: int, steps: int | None, seed: int) -> Schedule:
        """Return 0 steps, whatever is asked for."""
        return 0

    def __str__(self) -> str:
        return "forward only"


@lru_cache
def _shuffle(rows: int, size: int, steps: int, seed: int) -> NDArray[np.int64]:
    """Return row numbers (steps, size), drawn once for all who ask for the same."""
    random, per_epoch = RandomState(seed), rows // size
    epochs = [random.permutation(rows)[: per_epoch * size] for _ in range(-(-steps // per_epoch))]
    return np.concatenate(epochs).reshape(-1, size)[:steps]


Batches = FullBatch | OneBatch | Shuffled | InOrder | ForwardOnly


def length(schedule: Schedule) -> int:
    """Return how many steps a schedule has."""
    return schedule if isinstance(schedule, int) else len(schedule)


def part(schedule: Schedule, start: int, stop: int) -> Schedule:
    """Return the schedule of the steps from `start` up to, not including, `stop`."""
    return stop - start if isinstance(schedule, int) else schedule[start:stop]


def half(size: int) -> int:
    """Return how many rows half a batch is, as ports are asked for one: one more than half."""
    return size // 2 + 1


def rows_of(schedule: Schedule, step: int) -> slice | NDArray[np.int64]:
    """Return the index of the rows that one step sees: of all, or row numbers (B,)."""
    return slice(None) if isinstance(schedule, int) else schedule[step]
