"""Rows of a batch that count more than once, or not at all: found row by row from a gradient.

A gradient is a sum over rows. How much each row counts in a port's is what fits it best; that is
believed only where whole numbers then give all of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.random import Generator

from parity.diagnosis.case import Case, Computed
from parity.diagnosis.hypothesis import Hypothesis
from parity.standard.inputs import Tensors
from shared.rows import Array, Rows, count, picked

MISSING = "rows missing from the batch"
TWICE = "rows counted twice"
MOST_ROWS, MOST_TIMES = 512, 9
VALUES = 20  # of the gradients, for each row, by which it is found
SAME = 1e-3  # relative; a sum of weights so close to 1 is 1
NOTHING = 0.1  # of the largest weight, under which a row does not count


@dataclass(frozen=True)
class Counted(Hypothesis):
    """Rows that count several times. counts: by step, (B,), and what each of them weighs."""

    counts: dict[int, tuple[Array, float]] = field(default_factory=dict)

    def predict(self, case: Case, rung: str, step: int, random: Generator | None = None) -> Tensors:
        """Return what this makes of the rung gradients at one step."""
        compute = partial(_counted, case, *self.counts[step])
        return Hypothesis(self.cause, self.claim, compute).predict(case, rung, step, random)


def mistakes(case: Case, rung: str) -> Iterator[Hypothesis]:
    """Yield the rows that count otherwise, if gradients tell."""
    if rung != "gradients" or not 1 < case.batch_size <= MOST_ROWS:
        return
    found = {step: _found(case, step, got) for step, got in case.answered(rung)}
    times = {step: each for step, each in found.items() if each}
    if len(times) < len(found) or not times:
        return
    first, _ = times[min(times)]
    if (first == 1).all():
        return
    twice, missing = int((first > 1).sum()), int((first == 0).sum())
    said = [f"counted more than once: {twice}"] * bool(twice)
    said += [f"left out: {missing}"] * bool(missing)
    claim = f"of the {len(first)} rows of the first batch, {', '.join(said)}"
    yield Counted(TWICE if twice else MISSING, claim, fitted=1, counts=times)


def _found(case: Case, step: int, got: Tensors) -> tuple[Array, float] | None:
    """Return how often each row of a step counts, (B,), and what once weighs; None if no number."""
    x, y = case.batch(step)
    names = list(got)
    size = sum(value.size for value in got.values())
    some = np.random.default_rng(0).permutation(size)[: VALUES * count(y)]

    def flat(slopes: Tensors) -> Array:
        return np.concatenate([slopes[name].ravel() for name in names])[some]

    rows = [
        flat(case.compute(case.weights[step], picked(x, [row]), picked(y, [row])).gradients)
        for row in range(count(y))
    ]
    weights = np.linalg.lstsq(np.stack(rows, axis=1), flat(got))[0]
    once = weights[weights > NOTHING * weights.max()].min(initial=np.inf)
    times = np.round(weights / once)
    if not (times >= 0).all() or not times.any() or times.max() > MOST_TIMES:
        return None
    weight = float(weights @ times / (times @ times))
    for total in (times.sum(), count(y)):
        weight = 1 / total if abs(weight * total - 1) < SAME else weight
    return times.astype(int), float(weight)


def _counted(
    case: Case, times: Array, weight: float, weights: Tensors, x: Rows, y: Rows
) -> Computed:
    rows = np.repeat(np.arange(count(y)), times)
    answer = case.compute(weights, picked(x, rows), picked(y, rows))
    slopes = {name: weight * len(rows) * slope for name, slope in answer.gradients.items()}
    return answer._replace(gradients=slopes)
