"""What is timed: a port's own `train`, or another one in its place."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import attrgetter, getitem
from typing import Any, Literal

import numpy as np

ContenderKind = Literal["port", "idiom", "peer", "floor"]
# model, x, y, schedule and learning rate to (model, losses): as in the port contract.
Train = Callable[[Any, Any, Any, Any, float], tuple[Any, Any]]
Make = Callable[[Any], Train]  # from the module of a net's port

PORT: Make = attrgetter("train")  # the port's own


@dataclass(frozen=True)
class Contender:
    """One way to train a net.

    framework: whose worker runs it. kind: the port's own `train`; another idiom of its framework; a
    peer that a user would pick instead; or a floor, which does only what nobody can leave out.
    nets: those that it can train. share: of a recipe's steps, on which it is timed; slow ones take
    but a part of them. slow_start: whether a first call compiles for many seconds.
    """

    framework: str
    name: str
    kind: ContenderKind
    nets: tuple[str, ...] = ("iris", "planar", "mnist")
    share: float = 1.0
    slow_start: bool = False


def batches(
    schedule: Any, x: Any, y: Any, gather: Callable[[Any, Any], Any] = getitem
) -> Iterator[tuple[Any, Any]]:
    """Yield the batch of each step.

    Args:
        schedule: a number of full-batch steps, or row numbers (steps, B).
        x: all inputs, (rows, inputs), in the library's own arrays.
        y: all targets: classes (rows,), or (rows, outputs).
        gather: from an array and row numbers, (B,), to these rows.

    Yields:
        Inputs (B, inputs), and their targets.
    """
    if isinstance(schedule, int):
        for _ in range(schedule):
            yield x, y
    else:
        for rows in schedule:
            yield gather(x, rows), gather(y, rows)


def losses_of(values: list[Any]) -> np.ndarray[Any, Any]:
    """Return the losses of some steps as one array, (steps,)."""
    return np.array([float(value) for value in values])
