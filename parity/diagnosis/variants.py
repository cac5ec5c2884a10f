"""A user's reference with one of its operations made otherwise, as its own framework runs it.

What can be varied, and how, `impls/<framework>/variants` knows.
"""

import importlib
import importlib.util
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.random import Generator

from parity.diagnosis.case import Case, NotTakenError
from parity.diagnosis.hypothesis import RUN_STEPS, Hypothesis, Scored, rounded, soonest
from parity.standard.comparison import LIMIT
from parity.standard.inputs import Tensors
from parity.standard.layers import user_line
from parity.standard.native import Native, wide_all
from shared.batches import part
from shared.rows import Array
from shared.variants import KEPT, LOW_RATE, ROUNDED, Variant

Answer = TypeVar("Answer")
SECONDS = 30.0  # of a processor, for which variants are tried on one port, about


def tried(case: Case, rung: str) -> Iterator[Scored | None]:
    """Yield how well each variant of the reference explains a port.

    Args:
        case: what is to be explained.
        rung: one of forward to update, or "trajectory".
    """
    until, in_run = time.process_time() + SECONDS, rung == "trajectory"
    stepwise = in_run and _is_stepwise(case)
    for idea in _ideas(case, rung):
        if idea.cause in ROUNDED:
            continue
        if time.process_time() > until:
            return
        if in_run:
            yield replace(idea, stepwise=stepwise).diagnose_run(case, RUN_STEPS)
        else:
            yield idea.diagnose(case, rung)


def _is_stepwise(case: Case) -> bool:
    """Whether the reference's first steps are the same however many follow, as to its schedule."""
    steps = min(soonest(case), case.inputs.steps)
    native, initial = case.native, wide_all(case.inputs.weights)
    try:
        model = native.build(initial)
        trained = native.train(model, part(case.inputs.schedule, 0, steps), case.rate)
        _, losses = native.export(*trained)
    except Exception:  # a reference may take no other number of steps
        return False
    off = np.abs(losses - case.reference.losses[:steps])
    return bool((off <= LIMIT * case.loss_floors[:steps]).all())


def of_fewer_digits(case: Case, rung: str) -> "Iterator[Varied]":
    """Yield the reference with products that are computed with fewer digits, all of them."""
    known = set()
    for idea in _ideas(case, rung):
        if idea.cause in ROUNDED and idea.variant.claim not in known:
            known.add(idea.variant.claim)
            yield idea


def _ideas(case: Case, rung: str) -> "Iterator[Varied]":
    own = _tools(case)
    if own is None or not case.inputs.begins_anew:
        return
    try:
        found = _found(case, own, rung)
    except Exception:  # of a user's code, seen from inside, nothing is sure
        return
    for variant in found:
        yield Varied(variant.cause, str(variant), variant=variant, tools=own)


@dataclass(frozen=True, kw_only=True)
class Varied(Hypothesis):
    """The reference with one variant in it. tools: its framework's."""

    variant: Variant
    tools: Any

    def predict(self, case: Case, rung: str, step: int, random: Generator | None = None) -> Tensors:
        """Return what this makes of one of the rungs forward to update, at one step."""
        native, (x, y) = case.native, case.batch(step)
        weights, x = rounded(case, case.weights[step], x, random)
        model, given = native.build(weights), (native.given(x), native.given(y))

        return self._under(model, lambda: _answer(native, model, rung, step, given))

    def train(
        self, case: Case, weights: Tensors, steps: list[int], random: Generator | None = None
    ) -> tuple[Array, Tensors]:
        """Return the losses of steps that follow one another, and the last weights."""
        native = case.native
        weights, _ = rounded(case, weights, np.empty(0), random)
        model = native.build(weights)
        schedule = part(case.inputs.schedule, steps[0], steps[-1] + 1)

        def answer() -> tuple[Array, Tensors]:
            after, losses = native.export(*native.train(model, schedule, case.rate))
            return losses, after

        return self._under(model, answer)

    def conclude(self, before: float, after: float, on: str) -> Scored | None:
        """Return a diagnosis where the ratio falls by far: of many variants, one may by chance."""
        return super().conclude(before, after, on) if after <= before / LIMIT else None

    def _refuted(self, case: Case) -> bool:
        # Computed in float32, the rates of later steps are off by roundings of their own.
        return self.cause != LOW_RATE and super()._refuted(case)

    def _under(self, model: Any, answer: Callable[[], Answer]) -> Answer:
        try:
            with self.tools.applied(model, self.variant, _line):
                return answer()
        except Exception as error:
            raise NotTakenError from error


def _found(case: Case, own: Any, rung: str) -> list[Variant]:
    """Return the variants of what the reference does on a rung."""
    step = 0 if rung == "trajectory" else case.answered(rung)[0][0] if case.answered(rung) else 0
    native = case.native
    model = native.build(case.weights[step])
    x, y = (native.given(rows) for rows in case.batch(step))
    asked = "update" if rung == "trajectory" else rung

    def call() -> None:
        _answer(native, model, asked, step, (x, y))

    found: list[Variant] = own.found(model, call, _line)
    if asked != "update" or "gradients" not in native.inputs.functions:
        return found
    # Gradients are right, so what only updates do comes first, and what is kept of a batch.
    before = own.found(model, lambda: _answer(native, model, "gradients", step, (x, y)), _line)
    right = {(each.claim, each.places) for each in before}
    return sorted(found, key=lambda v: v.cause not in KEPT and (v.claim, v.places) in right)


def _answer(native: Native, model: Any, rung: str, step: int, given: tuple[Any, Any]) -> Tensors:
    """Return what the reference answers on one of the rungs forward to update, with a model."""
    x, y = given
    if rung == "forward":
        due = native.inputs.functions
        inside = native.call_by_name("layers", model, x) if "layers" in due else {}
        return inside | native.forward(model, x)
    if rung == "loss":
        return {"loss": native.call("loss", model, x, y)}
    if rung == "gradients":
        return native.call_by_name("gradients", model, x, y)
    schedule, of_all = native.inputs.one_step(step)
    data = None if of_all else (x, y)
    after, losses = native.export(*native.train(model, schedule, native.inputs.learning_rate, data))
    return {"loss": losses, **after}


def _line() -> str:
    """Return the line of a user's that is at work, "file.py:12"; "the reference" if none is."""
    found = user_line()
    return f"{Path(found[0]).name}:{found[1]}" if found else "the reference"


def _tools(case: Case) -> Any | None:
    """Return what varies operations of the reference's framework, if there is anything."""
    name = f"impls.{case.port.framework}.variants"
    if case.port.framework == "own" or importlib.util.find_spec(name) is None:
        return None
    return importlib.import_module(name)
