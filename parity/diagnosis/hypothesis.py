"""A hypothesis: the reference with one mistake in it. It holds where it agrees with the port."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.diagnosis.case import Case, Compute, Computed, growth
from parity.diagnosis.rules import Memory, Rule
from parity.results import Diagnosis
from parity.standard.comparison import LIMIT
from parity.standard.inputs import Tensors
from parity.standard.reference import wide_all
from shared.batches import rows_of

Array = NDArray[Any]
Select = Callable[[Case, int], tuple[Array, Array]]

SURE, LIKELY, DOUBT, REFUTED = 0.95, 0.5, 0.15, 0.3
MUCH = 100.0  # an idea that leaves a hundredth of the error explains most of it
FIRST_STEPS, RUN_STEPS = 10, 200  # steps of a free run on which an idea is tried

Scored = tuple[float, Diagnosis]


@dataclass(frozen=True)
class Hypothesis:
    """What a port may do differently.

    cause: in a few fixed words. claim: a clause with the numbers, for the evidence. compute: on one
    batch. rule: how gradients become an update. select: the rows of a step. logged: the losses that
    it reports, made of those before and those after each update. fitted: how many numbers were
    fitted to the port's answers. whole: whether the first losses depend on the whole run.
    """

    cause: str
    claim: str
    compute: Compute | None = None
    rule: Rule | None = None
    select: Select | None = None
    logged: Callable[[Array, Array], Array] | None = None
    fitted: int = 0
    whole: bool = False

    def answer(self, case: Case, weights: Tensors, x: Array, y: Array) -> Computed:
        """Return what the net computes on one batch, with the mistake in it.

        Args:
            case: whose net it is.
            weights: by name, in float64.
            x: the batch's inputs, (B, inputs).
            y: its targets: classes (B,), or (B, outputs).
        """
        return (self.compute or case.compute)(weights, x, y)

    def predict(self, case: Case, rung: str, step: int) -> Tensors:
        """Return what this makes of one of the rungs forward to update, at one step."""
        weights = case.weights[step]
        if rung == "update":
            losses, new = self.train(case, weights, [step])
            return {"loss": losses, **new}
        answer = self.answer(case, weights, *case.batch(step))
        if rung == "gradients":
            return answer.gradients
        if rung == "loss":
            return {"loss": answer.loss}
        return {**({"outputs": answer.outputs} if answer.outputs.size else {}), **answer.inside}

    def train(self, case: Case, weights: Tensors, steps: list[int]) -> tuple[Array, Tensors]:
        """Return the losses that are logged on the way, (len(steps),), and the last weights.

        Args:
            case: whose net it is.
            weights: those to start from, by name, in float64.
            steps: the numbers of the steps to make, whose batches are taken in this order.
        """
        select = self.select or _own_rows
        memory: Memory = {}
        before: list[Any] = []
        after: list[Any] = []
        for number, step in enumerate(steps):
            x, y = select(case, step)
            answer = self.answer(case, weights, x, y)
            before.append(answer.loss)
            moved = answer.gradients
            if self.rule:
                moved = self.rule(number, weights, answer.gradients, memory)
            weights = {name: w - case.rate * moved[name] for name, w in weights.items()}
            if self.logged:
                after.append(self.answer(case, weights, x, y).loss)
        losses = np.array(before)
        return self.logged(losses, np.array(after)) if self.logged else losses, weights

    def diagnose(self, case: Case, rung: str) -> Scored | None:
        """Return how far off this is on one of the rungs forward to update, if it explains it.

        What explains single steps, but no free run, is no more than a part of the truth.
        """
        before = case.before(rung)
        after = case.misfit(rung, lambda step: self.predict(case, rung, step), _hopeless(before))
        found = self.conclude(before, after, f"the rung {rung} at every step tried")
        if found and rung == "update" and not case.ran:
            return found[0], replace(found[1], confidence=round(found[1].confidence - DOUBT, 2))
        if found and rung == "update" and self._refuted(case):
            said = f"{found[1].evidence}; but the full training run does not show that"
            return found[0], replace(found[1], evidence=said, confidence=REFUTED)
        return found

    def _refuted(self, case: Case) -> bool:
        """Whether the first losses of the free run, if they differ, are not explained."""
        some = min(FIRST_STEPS, case.inputs.steps)
        if self._off(case, case.reference.losses, some) <= LIMIT:
            return False
        return self.diagnose_run(case, some) is None

    def diagnose_run(self, case: Case, steps: int) -> Scored | None:
        """Return how far off this is on the first losses of the free run, if it explains them.

        A mistake may make a run unstable, so that rounding shows in it before long: the steps just
        after the divergence count by themselves, too. Losses that agree anyway prove nothing.
        """
        first = min(case.findings.divergence.step + FIRST_STEPS, case.inputs.steps)
        found = None
        for some in (first, max(first, min(steps, case.inputs.steps))):
            before = self._off(case, case.reference.losses, some)
            run = range(case.inputs.steps if self.whole else some)
            with np.errstate(all="ignore"):  # a mistake may well overflow
                losses, _ = self.train(case, wide_all(case.inputs.weights), list(run))
            after = self._off(case, losses, some)
            longer = self.conclude(before, after, f"the first {some:,} steps")
            if found is None or (longer and longer[1].confidence >= found[1].confidence):
                found = longer
            if found is None and before > LIMIT:
                break
        return found

    def _off(self, case: Case, losses: Array, steps: int) -> float:
        """Return the worst ratio of the port's first losses to others."""
        got = case.losses[:steps]
        losses, due = losses[:steps], case.reference.losses[:steps]
        floors = case.loss_floors[:steps] * growth(losses, due)
        if self.whole:  # a first loss may be that of a late step
            floors = np.maximum(floors, case.loss_floors.max())
        with np.errstate(invalid="ignore", over="ignore"):
            return float((np.abs(got - losses) / floors).max())

    def conclude(self, before: float, after: float, on: str) -> Scored | None:
        """Return a diagnosis where the ratio falls far enough."""
        if after <= LIMIT < before:
            confidence, verb = SURE - 0.05 * self.fitted, "reproduces"
        elif np.isfinite(after) and after <= before / MUCH:
            confidence, verb = LIKELY - 0.1 * self.fitted, "comes closer to"
        else:
            return None
        evidence = (
            f"{self.claim}: with that mistake the reference {verb} your numbers on {on} "
            f"(ratio {after:.2g}, was {before:.2g})"
        )
        return after, Diagnosis(self.cause, evidence, round(confidence, 2))


def _own_rows(case: Case, step: int) -> tuple[Array, Array]:
    rows = rows_of(case.inputs.schedule, step)
    return case.x[rows], case.y[rows]


def _hopeless(before: float) -> float:
    """Return the ratio over which an idea explains nothing."""
    return max(LIMIT, before / MUCH)
