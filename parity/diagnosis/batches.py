"""Rows that a step saw in place of its own."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from parity.diagnosis.case import Case
from parity.diagnosis.hypothesis import Hypothesis, Select
from parity.diagnosis.in_run import flat, taken
from parity.results import Diagnosis
from parity.standard.inputs import Tensors
from parity.standard.native import wide_all
from shared.rows import Array, Rows, picked

OTHER_ORDER = "batches in another order"
CANDIDATES = 1000  # batches that are tried for one step


def mistakes(case: Case) -> Iterator[Hypothesis]:
    """Yield other rows for each step, by rule."""
    schedule = case.inputs.schedule
    if isinstance(schedule, int):
        return
    size, last = schedule.shape[1], len(schedule) - 1
    per_epoch = case.rows // size

    def batch(change: Callable[[int], int]) -> Select:
        return lambda case, step: case.batch(change(step))

    orders: dict[str, Callable[[int], int]] = {
        "each step takes the next step's batch": lambda k: min(k + 1, last),
        "each step takes the next step's batch, the last one the first": lambda k: (
            (k + 1) % (last + 1)
        ),
        "each step takes the batch before, the first one its own": lambda k: max(k - 1, 0),
        "each step takes the batch before, the first one the last": lambda k: (k - 1) % (last + 1),
        "the steps are in reverse": lambda k: last - k,
        "the steps of each epoch are in reverse": lambda k: (
            k // per_epoch * per_epoch
            + min(per_epoch, last + 1 - k // per_epoch * per_epoch)
            - 1
            - k % per_epoch
        ),
        "every step takes the first batch": lambda k: 0,
        "every epoch takes the batches of the first": lambda k: k % per_epoch,
    }
    for claim, order in orders.items():
        yield Hypothesis(OTHER_ORDER, claim, select=batch(order))
    yield Hypothesis(
        OTHER_ORDER,
        "the steps are in reverse, and the losses with them",
        select=batch(lambda k: last - k),
        logged=lambda before, after: before[::-1],
        whole=True,
    )
    yield Hypothesis(
        "the first rows at every step",
        "every step takes the first rows of all, not its own",
        select=_chosen(lambda r, k: (slice(size), slice(size))),
    )
    yield Hypothesis(
        "all rows in place of a batch",
        "every step takes all rows, not its own",
        select=_chosen(lambda r, k: (slice(None), slice(None))),
    )
    rows: dict[str, Callable[[Array, int], tuple[Any, Any]]] = {
        "the rows are taken in order, not as scheduled": lambda r, k: (
            (np.arange(k * size, (k + 1) * size) % case.rows,) * 2
        ),
        "each row number is one too large": lambda r, k: ((r + 1) % case.rows,) * 2,
        "each row number is one too small": lambda r, k: (r - 1, r - 1),
    }
    for claim, choose in rows.items():
        yield Hypothesis(OTHER_ORDER, claim, select=_chosen(choose))
    apart: dict[str, Callable[[Array, int], tuple[Any, Any]]] = {
        "x is of the batch, y of the first rows": lambda r, k: (r, slice(size)),
        "y is of the batch, x of the first rows": lambda r, k: (slice(size), r),
        "x is of the rows in rising order, y of the rows as they are": lambda r, k: (np.sort(r), r),
        "y is of the rows in rising order, x of the rows as they are": lambda r, k: (r, np.sort(r)),
        "y is of the rows that follow": lambda r, k: (r, (r + 1) % case.rows),
    }
    for claim, choose in apart.items():
        yield Hypothesis("targets of other rows", claim, select=_chosen(choose))


def _chosen(
    choose: Callable[[Array, int], tuple[Any, Any]],
) -> Select:
    def select(case: Case, step: int) -> tuple[Rows, Rows]:
        schedule = case.inputs.schedule
        assert not isinstance(schedule, int)
        x_rows, y_rows = choose(schedule[step], step)
        return picked(case.x, x_rows), picked(case.y, y_rows)

    return select


def search(case: Case) -> Diagnosis | None:
    """Look among all batches for the ones that the port's first steps took."""
    schedule = case.inputs.schedule
    if isinstance(schedule, int):
        return None
    states: dict[int, Tensors] = {0: case.inputs.weights, **case.findings.states}
    found = {}
    for step, (_, moved, gradient) in taken(case).items():
        weights = {name: wide_all(states[step])[name] for name in case.inputs.weights}
        own = np.abs(moved - gradient).max()
        for other in range(min(len(schedule), CANDIDATES)):
            theirs = flat(case, case.compute(weights, *case.batch(other)).gradients)
            if other != step and np.abs(moved - theirs).max() < own / 100:
                found[step] = other
                break
    if not found:
        return None
    listed = ", ".join(f"step {step} takes batch {other}" for step, other in found.items())
    evidence = f"by the gradients at the port's own weights, {listed}"
    return Diagnosis(OTHER_ORDER, evidence, 0.9 if len(found) > 1 else 0.6)
