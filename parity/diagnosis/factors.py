"""Factors that have a name: what they mean where something is off by them."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from parity.diagnosis.case import Case
from parity.diagnosis.precision import FORMATS
from shared.variants import LOW_RATE

SAME_FACTOR = 1e-3  # relative; what is closer to a known factor is tried as that very factor
DEFAULTS = {0.001: "PyTorch's SGD", 0.01: "Keras' SGD"}  # learning rates
CONSTANT = "a constant factor"
AXES = "mean over the wrong axes"
SUMMED = "sum over parts instead of their mean"
DIVIDED = "averaged over the workers twice"
FEW = 3  # of many names, that are said


class Factor(NamedTuple):
    """A factor, the cause that it speaks for, and why, if that needs saying."""

    value: float
    cause: str
    reason: str = ""

    def claim(self, what: str) -> str:
        """Return a clause that says that something is off by it."""
        reason = f", and {self.reason}" if self.reason else ""
        return f"{what} is {self.value:.9g} times the reference's{reason}"


def factors(case: Case) -> list[Factor]:
    """Return the factors by which losses and gradients are off where something is forgotten."""
    rows, shape = case.batch_size, case.expected["forward", 0]["outputs"].shape
    outputs = shape[1] if len(shape) > 1 else 1
    batch, each = f"the batch has {rows} rows", f"a row has {outputs} outputs"
    known = [
        *_of_workers(case.inputs.workers or 1),
        Factor(rows, "sum instead of mean", batch),
        Factor(1 / rows, "divided by the batch size twice", batch),
        Factor(-1.0, "wrong sign"),
        Factor(1 / np.log(2), "loss in bits", "that is 1 / ln 2"),
        Factor(1 / np.log(10), CONSTANT, "that is 1 / ln 10"),
        Factor(2.0, CONSTANT),
        Factor(0.5, CONSTANT),
    ]
    if outputs > 1:
        both = f"the batch has {rows} rows of {outputs} outputs"
        known += [
            Factor(outputs, AXES, each),
            Factor(1 / outputs, AXES, each),
            Factor(rows * outputs, "sum instead of mean", both),
            Factor(rows / outputs, AXES, both),
        ]
    return known


def _of_workers(number: int) -> list[Factor]:
    if number == 1:
        return []
    spread = f"there are {number} workers"
    return [Factor(float(number), SUMMED, spread), Factor(1 / number, DIVIDED, spread)]


def close_to(case: Case, scale: float) -> list[Factor]:
    """Return the known factors that are close to a fitted one, else that itself."""
    close = [f for f in factors(case) if abs(scale - f.value) <= SAME_FACTOR * abs(f.value)]
    parts = round(scale)
    if parts > 2 and abs(scale - parts) <= SAME_FACTOR * parts:
        reason = f"as where {parts} micro-batches or devices are summed in place of their mean"
        close.append(Factor(float(parts), SUMMED, reason))
    return close or [Factor(scale, CONSTANT)]


def nearest(case: Case, scale: float) -> float:
    """Return the known factor that is close, 1 or 0 among them, else the scale itself."""
    known = (1.0, 0.0, *(factor.value for factor in factors(case)))
    close = (v for v in known if abs(scale - v) <= SAME_FACTOR * max(abs(v), SAME_FACTOR))
    return next(close, scale)


def rate_called(case: Case, factor: float) -> tuple[str, str, float, int]:
    """Return what a learning rate off by a factor is called, the factor, and how many were fitted.

    A rate that is close to the right one rounded to another format is that very one.
    """
    rate = factor * case.rate
    for name, rounded in FORMATS.items():
        low = float(rounded(np.array(case.rate)))
        if abs(rate - low) < 0.01 * abs(case.rate - low):
            claim = f"the learning rate is {low:.12g}, which is {case.rate:g} rounded to {name}"
            return LOW_RATE, claim, low / case.rate, 0
    claim = f"the learning rate is {{:.9g}} in place of {case.rate:g}"
    for known, whose in DEFAULTS.items():
        if abs(rate - known) <= SAME_FACTOR / 10 * known:
            said = f"{claim.format(known)}, which is the default of {whose}"
            return "another learning rate", said, known / case.rate, 0
    parts = round(factor)
    if parts > 1 and abs(factor - parts) <= SAME_FACTOR / 10 * parts:
        said = f"{claim.format(parts * case.rate)}, {as_of_a_sum(parts)}"
        return "another learning rate", said, float(parts), 0
    return "another learning rate", claim.format(rate), factor, 1


def as_of_a_sum(parts: int) -> str:
    """Return what a whole factor looks like."""
    return (
        f"{parts} times as much, as where gradients of {parts} micro-batches or devices are summed "
        "in place of their mean"
    )


def spoken(names: Iterable[str]) -> str:
    """Return names as one says them: a, b and c; of many, a few and how many more."""
    said = list(names)
    if len(said) > FEW + 1:
        said = [*said[:FEW], f"{len(said) - FEW} more"]
    *most, last = said
    return f"{', '.join(most)} and {last}" if most else last
