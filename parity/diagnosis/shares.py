"""How workers' shares of a batch are put together: rightly, and as people get it wrong.

A worker's share of a batch has a mean loss and mean gradients. The batch's are the sum of these,
each times its part of the rows; whoever weighs them otherwise gets something else.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np

from parity.diagnosis.case import Case, Computed
from parity.diagnosis.factors import SUMMED
from parity.diagnosis.parts import UNEVEN
from parity.diagnosis.repeats import MISSING
from parity.standard.inputs import Tensors
from shared.rows import Array, Rows, count, picked
from shared.workers import share

ALONE = "gradients not summed over the workers"
SAME_ROWS = "the same rows on every worker"
LOSS_ALONE = "loss of one worker"
MICRO = (2, 3, 4, 8)  # micro-batches, into which a worker cuts its share


class Weighing(NamedTuple):
    """How the means of all workers' micro-batches are weighed; one each unless `micro` says more.

    claim: what the gradient, or the loss, then is. weigh: makes weights (workers, micro) of numbers
    of rows (workers, micro).
    """

    cause: str
    claim: str
    weigh: Callable[[Array], Array]
    micro: int = 1


def of_gradients(number: int, apart: bool) -> Iterator[Weighing]:
    """Yield ways to weigh gradients.

    Args:
        number: of workers.
        apart: whether their answers differ.
    """
    yield from _means(number)
    for rank in range(number):
        who = f"worker {rank}'s alone" + ("" if apart else ", as where all workers take its rows")
        cause = ALONE if apart else SAME_ROWS
        yield Weighing(cause, f"is {who}", partial(_mean, rank))
        yield Weighing(cause, f"is the part of it that is {who}", partial(_part, rank, 1))
        claim = f"is {number} times the part of it that is {who}"
        yield Weighing(cause, claim, partial(_part, rank, number))
    for rank in range(number) if number > 2 else ():
        yield Weighing(MISSING, f"is without worker {rank}'s rows", partial(_without, rank))
    for micro in MICRO:
        yield from _of_micro_batches(number, micro)


def _of_micro_batches(number: int, micro: int) -> Iterator[Weighing]:
    each = f"each worker's {micro} micro-batches"
    yield Weighing(
        UNEVEN, f"has the mean of the means of {each}", partial(_alike, 1 / micro), micro
    )
    yield Weighing(SUMMED, f"has the sum of the means of {each}", partial(_alike, 1.0), micro)
    claim = f"has of the last of {each} the part that is worker 0's alone"
    yield Weighing(ALONE, claim, partial(_unsynced, 1), micro)
    yield Weighing(ALONE, f"{claim}, {number} times", partial(_unsynced, number), micro)


def of_losses(number: int) -> Iterator[Weighing]:
    """Yield ways to weigh the losses of a number of workers, of which worker 0 tells."""
    yield from _means(number)
    yield Weighing(LOSS_ALONE, "is worker 0's alone", partial(_mean, 0))
    yield Weighing(LOSS_ALONE, "is the part of it that is worker 0's alone", partial(_part, 0, 1))
    claim = f"is {number} times the part of it that is worker 0's alone"
    yield Weighing(LOSS_ALONE, claim, partial(_part, 0, number))


def _means(number: int) -> Iterator[Weighing]:
    claim = f"is the mean of the {number} workers' means, whose shares differ by a row"
    yield Weighing(UNEVEN, claim, lambda rows: np.full(rows.shape, 1 / number))
    yield Weighing(SUMMED, f"is the sum of the {number} workers' means", np.ones_like)


def _mean(rank: int, rows: Array) -> Array:
    return _part(rank, 1, rows) > 0


def _part(rank: int, factor: int, rows: Array) -> Array:
    whose = np.arange(len(rows)) == rank
    return np.asarray(factor * whose[:, None] * rows / rows.sum())


def _without(rank: int, rows: Array) -> Array:
    return np.asarray(rows / rows.sum() - _part(rank, 1, rows))


def _alike(factor: float, rows: Array) -> Array:
    """Weigh all micro-batches of a worker as a factor times all of its rows."""
    parts = rows.sum(axis=1, keepdims=True) / rows.sum()
    return np.asarray(factor * np.broadcast_to(parts, rows.shape))


def _unsynced(factor: int, rows: Array) -> Array:
    """Weigh the last micro-batch of worker 0 by a factor, and those of the others not at all."""
    first = rows / rows.sum()
    first[:, -1] = _part(0, factor, rows)[:, -1]
    return np.asarray(first)


def summed(case: Case, weighing: Weighing, weights: Tensors, x: Rows, y: Rows) -> Computed:
    """Return the loss and the gradients of a batch, of all workers' weighed.

    Args:
        case: whose net it is.
        weighing: of the workers' means.
        weights: by name, in float64.
        x: the batch's inputs, (B, inputs), or several arrays by name.
        y: its targets, likewise.
    """
    cuts = [part for own in cut(case, y) for part in np.array_split(own, weighing.micro)]
    sizes = np.array([len(rows) for rows in cuts], float).reshape(-1, weighing.micro)
    chosen = [
        (float(weight), case.compute(weights, picked(x, rows), picked(y, rows)))
        for weight, rows in zip(weighing.weigh(sizes).ravel(), cuts, strict=True)
        if weight and len(rows)
    ]
    slopes = {
        name: np.asarray(sum(weight * answer.gradients[name] for weight, answer in chosen))
        for name in case.trained
    }
    return Computed(np.empty(0), sum(weight * answer.loss for weight, answer in chosen), slopes)


def cut(case: Case, y: Rows) -> list[Array]:
    """Return the row numbers (b,) of a batch's targets y (B, ...) that are each worker's."""
    rows, number = np.arange(count(y)), case.inputs.workers or 1
    if case.in_turn:
        return [rows[rank::number] for rank in range(number)]
    return [share(rows, rank, number) for rank in range(number)]


def each(case: Case, weights: Tensors, x: Rows, y: Rows) -> list[tuple[float, Computed]]:
    """Return which part of a batch's rows each worker has, and what it computes of these."""
    return [
        (len(rows) / count(y), case.compute(weights, picked(x, rows), picked(y, rows)))
        for rows in cut(case, y)
        if len(rows)
    ]
