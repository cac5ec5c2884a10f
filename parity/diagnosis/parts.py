"""Batches cut into parts: micro-batches of unequal sizes, and mini-batches with their updates."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from parity.diagnosis.case import Case, Compute, Computed
from parity.diagnosis.hypothesis import Hypothesis
from parity.standard.inputs import Tensors
from shared.rows import Array, Rows, count, picked

Cuts = list[slice]
UNEVEN = "mean of the means of uneven parts"
MINI = "mini-batches in place of all rows"
SIZES = (1, 2, 4, 5, 8, 10, 16, 20, 24, 25, 30, 32, 40, 48, 50, 60, 64, 96, 100, 128, 200, 256, 512)
NUMBERS = (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 24, 32)  # of parts


def mistakes(case: Case) -> Iterator[Hypothesis]:
    """Yield means of the means of parts, for cuts that leave the parts uneven."""
    for claim, cuts in _uneven(case.batch_size):
        yield Hypothesis(UNEVEN, claim, _averaged(case, cuts))


def _uneven(rows: int) -> Iterator[tuple[str, Callable[[int], Cuts]]]:
    """Yield ways to cut so many rows into parts that are not all of one size."""
    for size in SIZES:
        if size < rows and rows % size:
            claim = (
                f"the mean is that of the means of micro-batches of {size}, the last one shorter"
            )
            yield claim, partial(_by_size, size)
    for number in NUMBERS:
        if number < rows and rows % number:
            claim = f"the mean is that of the means of {number} parts, whose sizes differ by one"
            yield claim, partial(_by_number, number)
            if rows % -(-rows // number) and -(-rows // number) not in SIZES:
                claim = f"the mean is that of the means of {number} parts, the last one shorter"
                yield claim, partial(_in_chunks, number)


def _by_size(size: int, rows: int) -> Cuts:
    return [slice(start, start + size) for start in range(0, rows, size)]


def _by_number(number: int, rows: int) -> Cuts:
    """Cut as numpy.array_split does."""
    ends = np.cumsum([rows // number + (part < rows % number) for part in range(number)])
    return [slice(int(a), int(b)) for a, b in zip([0, *ends[:-1]], ends, strict=True)]


def _in_chunks(number: int, rows: int) -> Cuts:
    """Cut as torch.chunk does."""
    return _by_size(-(-rows // number), rows)


def _averaged(case: Case, cuts: Callable[[int], Cuts]) -> Compute:
    def compute(weights: Tensors, x: Rows, y: Rows) -> Computed:
        whole = case.compute(weights, x, y)
        parts = [case.compute(weights, picked(x, part), picked(y, part)) for part in cuts(count(x))]
        slopes = {
            name: np.asarray(sum(p.gradients[name] for p in parts) / len(parts))
            for name in whole.gradients
        }
        return whole._replace(loss=sum(p.loss for p in parts) / len(parts), gradients=slopes)

    return compute


def updates(case: Case) -> Iterator[Hypothesis]:
    """Yield an update for each of several mini-batches, where a step is to see all rows."""
    if not isinstance(case.inputs.schedule, int):
        return
    logs: dict[str, Callable[[Array, Array], float]] = {
        "the mean of their losses, by rows": lambda losses, rows: float(losses @ rows / rows.sum()),
        "the mean of their losses": lambda losses, rows: float(losses.mean()),
        "the loss of the last": lambda losses, rows: float(losses[-1]),
        "the loss of the first": lambda losses, rows: float(losses[0]),
        "the sum of their losses": lambda losses, rows: float(losses.sum()),
    }
    for size in SIZES:
        if size < case.batch_size:
            claim = f"each step makes an update for every batch of {size} rows"
            yield Hypothesis(MINI, f"{claim}, and logs the loss of all rows before them", size=size)
            yield Hypothesis(
                MINI,
                f"{claim}, and logs the loss of all rows after them",
                size=size,
                logged=lambda before, after: after,
            )
            for what, pooled in logs.items():
                yield Hypothesis(MINI, f"{claim}, and logs {what}", size=size, pooled=pooled)
    yield Hypothesis(
        MINI,
        "each step sees one row alone, in order",
        select=_one_row,
    )


def _one_row(case: Case, step: int) -> tuple[Rows, Rows]:
    row = [step % case.rows]
    return picked(case.x, row), picked(case.y, row)
