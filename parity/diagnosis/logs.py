"""Losses that are logged otherwise of a run that is right: means, sums, late ones, rounded ones."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.diagnosis.case import Case
from parity.diagnosis.hypothesis import Hypothesis
from parity.diagnosis.precision import CAUSES, FORMATS, formats
from parity.standard.comparison import LIMIT

Array = NDArray[Any]
MEAN, SUM = "loss as a running mean", "loss as a running sum"
EPOCH, STALE = "loss as the mean of an epoch", "loss logged only now and then"
DECIMALS = range(2, 9)


def mistakes(case: Case) -> Iterator[Hypothesis]:
    """Yield other losses that are logged of the same run."""
    yield Hypothesis(
        "loss taken after the update",
        "losses[i] is the loss after update i",
        logged=lambda before, after: after,
    )
    yield Hypothesis(
        "loss one step late",
        "losses[i] is the loss before update i - 1",
        logged=lambda before, after: np.concatenate([before[:1], before[:-1]]),
    )
    yield Hypothesis(
        "the loss is never recorded",
        "every one of the losses is 0",
        logged=lambda before, after: np.zeros_like(before),
    )
    yield Hypothesis(
        "the best loss so far",
        "losses[i] is the least of all losses up to i",
        logged=lambda before, after: np.minimum.accumulate(before),
    )
    for which, place in (("first", 0), ("last", -1)):
        yield Hypothesis(
            STALE,
            f"every one of the losses is that of the {which} step",
            logged=partial(_only, place),
            whole=True,
        )
    yield from _running(case)
    yield from _blocks(case)
    yield from _rounded(case)


def _only(place: int, before: Array, after: Array) -> Array:
    return np.full_like(before, before[place])


def _running(case: Case) -> Iterator[Hypothesis]:
    """Yield running means and sums: of the whole run, of an epoch each, and of moving averages."""
    steps = case.inputs.steps
    for every in (steps, *_restarts(case)):
        anew = f", beginning anew every {every:,} steps" if every < steps else ""
        period = every if every < steps else 0
        for cause, what, mean in ((MEAN, "mean", True), (SUM, "sum", False)):
            yield Hypothesis(
                cause,
                f"losses[i] is the {what} of all losses up to i{anew}",
                logged=partial(_accumulated, every, mean),
                period=period,
            )
    got, due = case.losses, case.reference.losses
    if len(got) > 2:
        bottom = float(((got[:-1] - due[1:]) ** 2).sum())
        share = float((got[1:] - due[1:]) @ (got[:-1] - due[1:])) / bottom if bottom else 0.0
        if 0 < share < 1:
            claim = f"losses[i] is {share:.4g} of losses[i - 1] and {1 - share:.4g} of the loss"
            yield Hypothesis(MEAN, claim, logged=partial(_smoothed, share), fitted=1)


def _accumulated(every: int, mean: bool, before: Array, after: Array) -> Array:
    out = np.empty_like(before)
    for start in range(0, len(before), every):
        part = np.cumsum(before[start : start + every], axis=0)
        numbers = np.arange(1, len(part) + 1).reshape(-1, *([1] * (part.ndim - 1)))
        out[start : start + every] = part / numbers if mean else part
    return out


def _smoothed(share: float, before: Array, after: Array) -> Array:
    smoothed = before.copy()
    for i in range(1, len(before)):
        smoothed[i] = share * smoothed[i - 1] + (1 - share) * before[i]
    return smoothed


def _restarts(case: Case) -> list[int]:
    """Return after how many steps a loss is right again, as where a sum begins anew."""
    near = np.abs(case.losses - case.reference.losses) <= LIMIT * case.loss_floors
    wrong = np.flatnonzero(~near)
    if not len(wrong):
        return []
    later = np.flatnonzero(near[wrong[0] :])
    return [int(wrong[0] + later[0])] if len(later) else []


def _blocks(case: Case) -> Iterator[Hypothesis]:
    """Yield one figure for several steps each, where the port's losses are such."""
    got, steps = case.losses, case.inputs.steps
    changes = np.flatnonzero(np.diff(got)) + 1
    every = int(changes[0]) if len(changes) else steps
    if every < 2 or any(change % every for change in changes):
        return
    span = f"each {every:,} steps" if every < steps else "the whole run"
    for cause, what, figure in (
        (EPOCH, "the mean of the losses of", np.mean),
        (SUM, "the sum of the losses of", np.sum),
        (STALE, "the first loss of", lambda losses, axis: losses[0]),
        (STALE, "the last loss of", lambda losses, axis: losses[-1]),
    ):
        claim = f"there is one figure for {span}: {what} these"
        yield Hypothesis(cause, claim, logged=partial(_repeated, every, figure), whole=True)


def _repeated(every: int, figure: Any, before: Array, after: Array) -> Array:
    out = np.empty_like(before)
    for start in range(0, len(before), every):
        out[start : start + every] = figure(before[start : start + every], axis=0)
    return out


def _to_decimals(decimals: int, before: Array, after: Array) -> Array:
    return np.asarray(np.round(before, decimals))


def _rounded(case: Case) -> Iterator[Hypothesis]:
    """Yield losses that are rounded, to so many decimals or to another format."""
    for decimals in DECIMALS:
        if np.array_equal(np.round(case.losses, decimals), case.losses):
            yield Hypothesis(
                "losses rounded",
                f"losses are rounded to {decimals} decimals",
                logged=partial(_to_decimals, decimals),
            )
    for name in formats(case):
        yield Hypothesis(
            CAUSES[name],
            f"losses are rounded to {name}",
            logged=lambda before, after, name=name: FORMATS[name](before),  # type: ignore[misc] # mypy cannot type a default of a lambda
        )
