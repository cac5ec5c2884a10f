"""Mistakes of ports over several workers: in what these hold, take, sum up and tell."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import product

import numpy as np
from numpy.random import Generator

from parity.diagnosis import shares
from parity.diagnosis.case import Case, Computed, comparable, distance
from parity.diagnosis.factors import spoken
from parity.diagnosis.hypothesis import Hypothesis
from parity.diagnosis.in_run import flat, taken
from parity.diagnosis.penalties import clip_norm, norm
from parity.diagnosis.shares import Weighing
from parity.results import Diagnosis
from parity.standard.comparison import LIMIT
from parity.standard.inputs import PART, Tensors
from parity.standard.native import wide_all
from shared.rows import Array, Rows, count, picked

Clipping = Callable[[Tensors], Tensors]
REDUCTION = "another reduction than the sum"
UNSENT = "weights never broadcast"
AVERAGED = "weights averaged instead of gradients"
SHORTER = 0.999  # of its length, under which a gradient has been clipped
CLIPPED_APART = "each worker's gradients are clipped to a norm of {:.4g} before they are summed"
TINY = 1e-9  # a norm under that of any gradient


def mistakes(case: Case, rung: str) -> Iterator[Hypothesis]:
    """Yield what workers may do otherwise on the rung gradients or update."""
    if case.inputs.workers and rung in ("gradients", "update"):
        for dealt in _dealt(case):
            yield from _of(dealt, rung, [step for step, _ in case.answered(rung)])
            yield from _clipped(dealt, rung)


def _dealt(case: Case) -> tuple[Case, Case]:
    """Return the case with rows in a block for each worker, and with rows dealt in turn."""
    return case, replace(case, in_turn=True)


def of_part(case: Case, rung: str) -> Diagnosis | None:
    """Name what half a batch alone shows, whose shares differ where a batch's do not."""
    got, floors = case.findings.answers[rung, PART], case.noise[rung, PART]
    known = rung in ("gradients", "update") and comparable(case.expected[rung, PART], got)
    if not case.inputs.workers or not known:
        return None
    weights, (x, y) = case.weights[PART], case.batch(PART)
    for idea in (each for dealt in _dealt(case) for each in _of(dealt, rung, [PART])):
        answer = (idea.compute or case.compute)(weights, x, y)
        due = answer.gradients
        if rung == "update":
            due = {name: weights[name] - case.rate * slope for name, slope in due.items()}
            due["loss"] = np.array([answer.loss])
        if all(distance(got[name], due[name]) <= LIMIT * floors[name] for name in got):
            evidence = f"{idea.claim}: so it is on {count(y)} rows, a part of a batch"
            return Diagnosis(idea.cause, evidence, 0.9)
    return None


def at_one_step(case: Case) -> Diagnosis | None:
    """Name what workers do otherwise at some step of a run alone.

    What a step took for a gradient is known from its weights alone: within their floors over the
    learning rate.
    """
    number = case.inputs.workers
    if not number:
        return None
    limit = LIMIT / case.rate
    states = {0: case.inputs.weights, **case.findings.states}
    for step, (_, moved, due) in taken(case).items():
        weights = {name: wide_all(states[step])[name] for name in case.inputs.weights}
        right = np.abs(moved - due).max() <= limit
        ideas = () if right else shares.of_gradients(number, case.findings.apart)
        for dealt, idea in product(_dealt(case), ideas):
            theirs = shares.summed(dealt, idea, weights, *case.batch(step)).gradients
            if np.abs(moved - flat(case, theirs)).max() <= limit:
                evidence = f"by its own weights around step {step:,}, its gradient {idea.claim}"
                return Diagnosis(idea.cause, evidence, 0.9)
    return None


def in_run(case: Case) -> Iterator[Hypothesis]:
    """Yield what a whole run alone shows."""
    for dealt in _dealt(case) if case.inputs.workers else ():
        claim = "each worker trains alone, and at the end the mean of their weights is taken"
        yield Averaged(AVERAGED, f"{claim}{_said(dealt)}", in_turn=dealt.in_turn)


@dataclass(frozen=True)
class Averaged(Hypothesis):
    """Workers that train alone, each on its shares; only their last weights are averaged.

    in_turn: how rows are dealt, as in `Case`.
    """

    in_turn: bool = False

    def train(
        self, case: Case, weights: Tensors, steps: list[int], random: Generator | None = None
    ) -> tuple[Array, Tensors]:
        """Return the losses, each a mean over all rows, and the mean of the last weights."""
        case = replace(case, in_turn=self.in_turn)
        losses: Array = np.zeros(len(steps))
        mean = {name: np.zeros_like(value) for name, value in weights.items()}
        for rank, rows in enumerate(shares.cut(case, case.batch(steps[0])[1])):
            part = len(rows) / case.batch_size
            alone = Hypothesis(self.cause, self.claim, select=partial(_share_of, rank))
            logged, after = alone.train(case, weights, steps, random)
            losses += part * logged
            mean = {name: value + part * after[name] for name, value in mean.items()}
        return losses, mean


def _share_of(rank: int, case: Case, step: int) -> tuple[Rows, Rows]:
    x, y = case.batch(step)
    rows = shares.cut(case, y)[rank]
    return picked(x, rows), picked(y, rows)


def _of(case: Case, rung: str, steps: list[int]) -> Iterator[Hypothesis]:
    """Yield what changes the tensors that are wrong at some steps of a rung, and these alone."""
    wrong = _wrong(case, rung, steps)
    names = [name for name in case.trained if name in wrong]
    for idea, loss in _weighings(case, bool(names), "loss" in wrong):
        claims = [f"the gradient of {spoken(names)} {idea.claim}"] if idea else []
        claims += [f"the loss {loss.claim}"] if loss else []
        cause = next(one.cause for one in (idea, loss) if one)
        compute = partial(_weighed, case, names, idea, loss)
        yield Hypothesis(cause, ", and ".join(claims) + _said(case), compute)
    if names:
        yield from _unsent(case)
        yield from _reduced(case, names)


def _said(case: Case) -> str:
    return ", where rows are dealt in turn" if case.in_turn else ""


def _wrong(case: Case, rung: str, steps: list[int]) -> set[str]:
    due, noise = case.expected, case.noise
    return {
        name
        for at in [(rung, step) for step in steps]
        for name, value in case.findings.answers[at].items()
        if not distance(value, due[at][name]) <= LIMIT * noise[at][name]
    }


def _weighings(
    case: Case, gradients: bool, loss: bool
) -> Iterator[tuple[Weighing | None, Weighing | None]]:
    """Yield how gradients, and how the loss, may be weighed; None for what is right."""
    number = case.inputs.workers or 1
    for idea in shares.of_gradients(number, case.findings.apart) if gradients else (None,):
        if idea:
            yield idea, idea if loss else None
        for other in shares.of_losses(number) if loss else ():
            yield idea, other


def _weighed(
    case: Case,
    names: list[str],
    idea: Weighing | None,
    loss: Weighing | None,
    weights: Tensors,
    x: Rows,
    y: Rows,
) -> Computed:
    """Return what is computed where some gradients are weighed otherwise, or the loss."""
    answer = case.compute(weights, x, y)
    if idea:
        slopes = shares.summed(case, idea, weights, x, y).gradients
        answer = _replaced(answer, {name: slopes[name] for name in names})
    return answer._replace(loss=shares.summed(case, loss, weights, x, y).loss) if loss else answer


def _replaced(answer: Computed, slopes: Tensors) -> Computed:
    return answer._replace(gradients=answer.gradients | slopes)


def _unsent(case: Case) -> Iterator[Hypothesis]:
    """Yield workers of which only worker 0 has the weights given, or some of them."""
    names, number = list(case.inputs.weights), case.inputs.workers or 1
    for own in [names, *([name] for name in names if len(names) > 1)]:
        claim = f"each worker has {spoken(own)} of its own, since worker 0 sent none{_said(case)}"
        yield Hypothesis(UNSENT, claim, partial(_apart, case, own, None))
        for factor, times in ((1, ""), (number, f"{number} times ")):
            said = f"{claim}, and takes {times}its own part of their gradient alone"
            yield Hypothesis(UNSENT, said, partial(_apart, case, own, factor))


def _apart(
    case: Case, names: list[str], alone: int | None, weights: Tensors, x: Rows, y: Rows
) -> Computed:
    """Return what worker 0 computes where each worker has some weights of its own.

    alone: how often worker 0's own part of their gradients counts, None for the sum of all parts.
    """
    given = {name: value.astype(case.inputs.dtype) for name, value in weights.items()}
    loss, slopes = 0.0, {name: np.zeros_like(weights[name]) for name in case.trained}
    for rank, rows in enumerate(shares.cut(case, y)):
        handed = wide_all(replace(case.inputs, rank=rank).handed(given))
        own = weights | {name: handed[name] for name in names}
        answer = case.compute(own, picked(x, rows), picked(y, rows))
        part = len(rows) / count(y)
        loss += part * answer.loss
        for name, slope in answer.gradients.items():
            times = 1 if alone is None or name not in names else alone * (rank == 0)
            slopes[name] += times * part * slope
    return Computed(np.empty(0), loss, slopes)


def _reduced(case: Case, names: list[str]) -> Iterator[Hypothesis]:
    """Yield other reductions of the gradients that are wrong."""
    for what, reduction in (("largest", np.maximum), ("least", np.minimum)):
        claim = f"the gradient of {spoken(names)} has the {what} value of all workers' parts"
        compute = partial(_reduced_by, case, names, reduction)
        yield Hypothesis(REDUCTION, f"{claim}, not their sum{_said(case)}", compute)


def _reduced_by(
    case: Case, names: list[str], reduction: np.ufunc, weights: Tensors, x: Rows, y: Rows
) -> Computed:
    parts = [(part, own.gradients) for part, own in shares.each(case, weights, x, y)]
    slopes = {name: reduction.reduce([part * own[name] for part, own in parts]) for name in names}
    return _replaced(case.compute(weights, x, y), slopes)


def _clipped(case: Case, rung: str) -> Iterator[Hypothesis]:
    """Yield gradients that each worker clips to a norm, which is fitted, before they are summed."""
    sizes = []
    for step, got, due in case.implied(rung):
        if norm(got.values()) < SHORTER * norm(due.values()):
            tiny = partial(clip_norm, size=TINY)
            unit = _sum_of_clipped(case, tiny, case.weights[step], *case.batch(step)).gradients
            top = sum(float((got[name] * unit[name]).sum()) for name in got)
            sizes.append(TINY * top / norm(unit.values()) ** 2)
    if sizes:
        size = float(np.median(sizes))
        claim = f"{CLIPPED_APART.format(size)}{_said(case)}"
        compute = partial(_sum_of_clipped, case, partial(clip_norm, size=size))
        yield Hypothesis("gradients clipped", claim, compute, fitted=1)


def clipped_apart(case: Case, clip: Clipping) -> Iterator[Hypothesis]:
    """Yield gradients that each worker clips as the reference does, but before they are summed."""
    number = case.inputs.workers or 0
    for dealt in _dealt(case) if number else ():
        claim = f"each worker's gradients are clipped before they are summed{_said(dealt)}"
        for workers, said in ((None, claim), (number, f"{claim}, each {number} times its part")):
            compute = partial(_sum_of_clipped, dealt, clip, workers=workers)
            yield Hypothesis("gradients clipped", said, compute)


def _sum_of_clipped(
    case: Case, clip: Clipping, weights: Tensors, x: Rows, y: Rows, workers: int | None = None
) -> Computed:
    """Return what is computed where each worker clips its mean gradients.

    workers: how many there are, where each clips that many times its part of the gradients, as if
    the mean were taken of these.
    """
    answer = case.compute(weights, x, y)
    slopes = {name: np.zeros_like(slope) for name, slope in answer.gradients.items()}
    for part, own in shares.each(case, weights, x, y):
        times, weight = (workers * part, 1 / workers) if workers else (1.0, part)
        clipped = clip({name: times * slope for name, slope in own.gradients.items()})
        for name, slope in clipped.items():
            slopes[name] += weight * slope
    return answer._replace(gradients=slopes)
