"""A hypothesis: the reference with one mistake in it. It holds where it agrees with the port."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.random import Generator, default_rng

from parity.diagnosis.case import (
    Case,
    Compute,
    Computed,
    NotTakenError,
    comparable,
    distance,
    growth,
)
from parity.diagnosis.rules import Memory, Rule
from parity.results import UNEXPLAINED, Diagnosis
from parity.standard.comparison import LIMIT
from parity.standard.inputs import Tensors
from parity.standard.native import wide_all
from parity.standard.reference import Floors
from shared.batches import rows_of
from shared.rows import Array, Rows, count, mapped, picked

Select = Callable[[Case, int], tuple[Rows, Rows]]

SURE, DOUBT, CLOSEST = 0.95, 0.15, 0.1
NEAR = 1e6  # a ratio up to it may be due to an idea that rounds more than the reference does
DRAWS = 4  # of roundings
MUCH = 100.0  # what leaves a hundredth of the error comes close
ROUNDINGS = 8.0  # of weights, after which an unstable run goes elsewhere
SHORTEST = 2  # steps of a free run whose losses tell of an update
FIRST_STEPS, RUN_STEPS = 10, 200  # steps of a free run on which an idea is tried

Scored = tuple[float, Diagnosis]


@dataclass(frozen=True)
class Hypothesis:
    """What a port may do differently.

    cause: in a few fixed words. claim: a clause with the numbers, for the evidence. compute: on one
    batch. rule: how gradients become an update. select: the rows of a step. logged: the losses that
    it reports, made of those before and those after each update. fitted: how many numbers were
    fitted to the port's answers. whole: whether the first losses depend on the whole run. period:
    after how many steps it repeats itself: it is tried on more than two periods. size: of the
    mini-batches into which the rows of a step are cut, one update each. pooled: makes the loss of a
    step of theirs and of their numbers of rows; without it, that is the loss of all rows. anew:
    whether each step starts from the weights that the first one started from. stepwise: whether the
    first steps are the same however many follow.
    """

    cause: str
    claim: str
    compute: Compute | None = None
    rule: Rule | None = None
    select: Select | None = None
    logged: Callable[[Array, Array], Array] | None = None
    fitted: int = 0
    whole: bool = False
    period: int = 0
    size: int | None = None
    pooled: Callable[[Array, Array], float] | None = None
    anew: bool = False
    stepwise: bool = True

    def answer(
        self, case: Case, weights: Tensors, x: Rows, y: Rows, random: Generator | None = None
    ) -> Computed:
        """Return what the net computes on one batch, with random roundings if there is a source."""
        compute = self.compute or case.compute
        answer = compute(*rounded(case, weights, x, random), y)
        if random is None:
            return answer
        floors = case.noise.get(("gradients", 0), {})
        slopes = {
            name: np.where(g, g + floors.get(name, 0.0) * random.uniform(-1, 1, g.shape), g)
            for name, g in answer.gradients.items()
        }
        return answer._replace(gradients=slopes)

    def _noise(self, case: Case, rung: str, step: int) -> Floors:
        """Return how far roundings move what this predicts."""
        exact, random = self.predict(case, rung, step), default_rng(0)
        floors = dict.fromkeys(exact, 0.0)
        for _ in range(DRAWS):
            for name, value in self.predict(case, rung, step, random).items():
                floors[name] = max(floors[name], distance(value, exact[name]))
        return floors

    def predict(self, case: Case, rung: str, step: int, random: Generator | None = None) -> Tensors:
        """Return what this makes of one of the rungs forward to update, at one step."""
        weights = case.weights[step]
        if rung == "update":
            losses, new = self.train(case, weights, [step], random)
            slopes = case.expected["gradients", step] if case.buffers else new
            return {"loss": losses, **{name: new[name] for name in new if name in slopes}}
        answer = self.answer(case, weights, *case.batch(step), random)
        if rung == "gradients":
            return answer.gradients
        if rung == "loss":
            return {"loss": answer.loss}
        return {**({"outputs": answer.outputs} if answer.outputs.size else {}), **answer.inside}

    def train(
        self, case: Case, weights: Tensors, steps: list[int], random: Generator | None = None
    ) -> tuple[Array, Tensors]:
        """Return the losses that are logged on the way, (len(steps),), and the last weights.

        Args:
            case: whose net it is.
            weights: those to start from, by name, in float64.
            steps: the numbers of the steps to make, whose batches are taken in this order.
            random: of roundings, if there are to be any.
        """
        select = self.select or _own_rows
        memory: Memory = {}
        first, number = weights, 0
        before: list[Any] = []
        after: list[Any] = []
        for step in steps:
            x, y = select(case, step)
            losses, rows = [], []
            whole = None
            if self.size and not self.pooled:
                whole = self.answer(case, weights, x, y, random).loss
            for start in range(0, count(x), self.size or count(x) or 1):
                own = slice(start, start + self.size if self.size else None)
                weights = first if self.anew else weights
                if weights is case.weights.get(step) and self._is_a_rule and random is None:
                    answer = case.computed_at(step)
                else:
                    answer = self.answer(case, weights, picked(x, own), picked(y, own), random)
                losses.append(answer.loss)
                rows.append(count(picked(x, own)))
                moved = answer.gradients
                if self.rule:
                    moved = self.rule(number, weights, moved, memory)
                # What has no gradient, such as a running mean, is moved by no rule.
                slopes = {name: moved[name] for name in weights if name in moved}
                weights = weights | {
                    name: weights[name] - case.rate * slope for name, slope in slopes.items()
                }
                number += 1
            if self.pooled:
                before.append(self.pooled(np.array(losses), np.array(rows)))
            else:
                before.append(whole if self.size else losses[-1])
            if self.logged:
                after.append(self.answer(case, weights, x, y, random).loss)
        logged = np.array(before)
        return self.logged(logged, np.array(after)) if self.logged else logged, weights

    @property
    def _is_a_rule(self) -> bool:
        """Whether gradients are the reference's, and only what is made of them is not."""
        return self.compute is None and self.select is None and self.size is None

    def diagnose(self, case: Case, rung: str) -> Scored | None:
        """Return how far off this is on one of the rungs forward to update, if it explains it.

        What explains single steps, but no free run, is no more than a part of the truth.
        """
        try:
            return self._of_rung(case, rung)
        except NotTakenError:
            return None

    def _of_rung(self, case: Case, rung: str) -> Scored | None:
        if self.fitted and self.fitted >= _numbers(case, rung):  # it would explain anything
            return None
        before = case.before(rung)
        after = case.misfit(rung, lambda step: self.predict(case, rung, step), _hopeless(before))
        if LIMIT < after <= min(NEAR, before / MUCH):
            after = case.misfit(
                rung,
                lambda step: self.predict(case, rung, step),
                noise=lambda step: self._noise(case, rung, step),
            )
        found = self.conclude(before, after, f"the rung {rung} at every step tried")
        if not found or not found[1].explains or rung != "update":
            return found
        if not case.ran:
            return found[0], replace(found[1], confidence=round(found[1].confidence - DOUBT, 2))
        if self._refuted(case):
            cause = f"{UNEXPLAINED}{found[1].cause}"
            said = f"{found[1].evidence}; but the full training run does not show that"
            return math.inf, Diagnosis(cause, said, CLOSEST)
        return found

    @property
    def _shown(self) -> int:
        """How many steps show it."""
        return max(FIRST_STEPS, 2 * self.period + 1)

    def _refuted(self, case: Case) -> bool:
        """Whether the first losses of the free run are not explained, or too few to show it."""
        if case.inputs.steps <= 2 * self.period:
            return True
        if case.inputs.steps == SHORTEST and self._ends_off(case) > LIMIT:
            return True
        some = min(self._shown, case.inputs.steps)
        allowed = max(LIMIT, self._off(case, case.reference.losses, some) / MUCH)
        return not self._off(case, self._losses(case, some), some) <= allowed

    def diagnose_run(self, case: Case, steps: int) -> Scored | None:
        """Return how far off this is on the first losses of the free run, if it explains them.

        A mistake may make a run unstable, so that rounding shows in it before long: then the steps
        just after the divergence are enough. Losses that agree anyway prove nothing.
        """
        try:
            return self._of_run(case, steps)
        except NotTakenError:
            return None

    def _of_run(self, case: Case, steps: int) -> Scored | None:
        if case.inputs.steps <= 2 * self.period:
            return None
        first = min(case.findings.divergence.step + self._shown, case.inputs.steps)
        if self._soon_refuted(case, first):
            return None
        found: Scored | None = None
        for some in (first, max(first, min(steps, case.inputs.steps))):
            before = self._off(case, case.reference.losses, some)
            after = self._off(case, self._losses(case, some), some)
            if LIMIT < after <= min(NEAR, before / MUCH):
                after = self._off(case, self._losses(case, some), some, noisy=True)
            if case.inputs.steps == SHORTEST:
                after = max(after, self._ends_off(case))
            longer = self.conclude(before, after, f"the first {some:,} steps")
            if found is None or not found[1].explains or (longer and longer[1].explains):
                found = longer
            elif not self._unstable(case, some):
                return longer
            if found is None and before > LIMIT:
                break
        return found

    def _soon_refuted(self, case: Case, steps: int) -> bool:
        """Whether the losses up to the divergence are off by too much to explain so many steps."""
        soon = soonest(case)
        before = self._off(case, case.reference.losses, steps)
        if self.whole or not self.stepwise or soon >= steps or before <= LIMIT:
            return False
        return self._off(case, self._losses(case, soon), soon) > _hopeless(before)

    def _unstable(self, case: Case, steps: int) -> bool:
        """Whether weights that are off by some roundings lead to other losses."""
        initial = wide_all(case.inputs.weights)
        unit = ROUNDINGS * np.finfo(case.inputs.dtype).eps
        moved = {name: w + unit * np.abs(w).max(initial=0.0) for name, w in initial.items()}
        losses = self._losses(case, steps)
        return not self._apart(case, self._losses(case, steps, moved), losses, steps) <= 1

    def _losses(
        self,
        case: Case,
        steps: int,
        weights: Tensors | None = None,
        random: Generator | None = None,
    ) -> Array:
        """Return the losses of at least the first steps of a free run."""
        run = range(case.inputs.steps if self.whole else steps)
        with np.errstate(all="ignore"):  # a mistake may well overflow
            start = weights or wide_all(case.inputs.weights)
            return self.train(case, start, list(run), random)[0]

    def _ends_off(self, case: Case) -> float:
        """Return how far the last weights of a run of two steps are off, in noise floors.

        Its losses tell of one update alone, so not of what an optimizer keeps.
        """
        got = case.findings.answers["trajectory", SHORTEST]
        due = {"loss": case.reference.losses, **case.reference.path[SHORTEST]}
        if not comparable(due, got):
            return 0.0
        ends = self.train(case, wide_all(case.inputs.weights), list(range(SHORTEST)))[1]
        return max(distance(got[n], ends[n]) / case.second_floors[n] for n in case.trained)

    def _off(self, case: Case, losses: Array, steps: int, noisy: bool = False) -> float:
        """Return the worst ratio of the port's first losses to others.

        noisy: whether these have floors of their own, which may be larger.
        """
        own, random = np.zeros(steps), default_rng(0)
        for _ in range(DRAWS if noisy else 0):
            apart = np.abs(self._losses(case, steps, random=random)[:steps] - losses[:steps])
            own = np.maximum(own, apart)
        return self._apart(case, case.losses, losses, steps, np.maximum.accumulate(own))

    def _apart(
        self, case: Case, got: Array, losses: Array, steps: int, own: Array | float = 0.0
    ) -> float:
        """Return the worst distance of some first losses from others, in noise floors."""
        got, losses, due = (each[:steps] for each in (got, losses, case.reference.losses))
        floors = case.loss_floors[:steps] * growth(losses, due)
        if self.whole:  # a first loss may be that of a late step
            floors = np.maximum(floors, case.loss_floors.max())
        floors = np.maximum(floors, own)
        with np.errstate(invalid="ignore", over="ignore"):
            return float((np.abs(got - losses) / floors).max())

    def conclude(self, before: float, after: float, on: str) -> Scored | None:
        """Return a diagnosis where the ratio falls far enough."""
        if after <= LIMIT < before:
            evidence = (
                f"{self.claim}: with that mistake the reference reproduces your numbers on {on} "
                f"(ratio {after:.2g}, was {before:.2g})"
            )
            return after, Diagnosis(self.cause, evidence, round(SURE - 0.05 * self.fitted, 2))
        if np.isfinite(after) and after <= before / MUCH:
            evidence = (
                f"{self.claim}: with that mistake the reference still differs from your numbers on "
                f"{on} by {after:.2g} noise floors, where {LIMIT:g} are allowed (was {before:.2g})"
            )
            return after, Diagnosis(f"{UNEXPLAINED}{self.cause}", evidence, CLOSEST)
        return None


def _numbers(case: Case, rung: str) -> int:
    """Return how many numbers a port answered on a rung."""
    return sum(value.size for _, got in case.answered(rung) for value in got.values())


def soonest(case: Case) -> int:
    """Return after how many losses of a free run a divergence shows."""
    return case.findings.divergence.step + 2  # that after an update is of the next step


def rounded(
    case: Case, weights: Tensors, x: Rows, random: Generator | None
) -> tuple[Tensors, Rows]:
    """Return weights and inputs with random roundings, or as they are if there is no source."""
    if random is None:
        return weights, x
    unit = float(np.finfo(case.inputs.dtype).eps)

    def moved(array: Array) -> Array:
        off = 1 + unit * random.uniform(-1, 1, array.shape)
        return array * off if array.dtype.kind == "f" else array

    return {
        name: w + unit * np.abs(w).max(initial=0.0) * random.uniform(-1, 1, w.shape)
        for name, w in weights.items()
    }, mapped(moved, x)


def _own_rows(case: Case, step: int) -> tuple[Rows, Rows]:
    rows = rows_of(case.inputs.schedule, step)
    return picked(case.x, rows), picked(case.y, rows)


def _hopeless(before: float) -> float:
    """Return the ratio over which an idea explains nothing."""
    return max(LIMIT, before / MUCH)
