"""Losses, gradients and updates that are off by a factor, fitted to the port's own answers."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.diagnosis.case import Case, Compute, Computed
from parity.diagnosis.factors import (
    CONSTANT,
    Factor,
    close_to,
    factors,
    nearest,
    rate_called,
    spoken,
)
from parity.diagnosis.hypothesis import Hypothesis
from parity.standard.inputs import Tensors

Array = NDArray[Any]


def mistakes(case: Case, rung: str) -> Iterator[Hypothesis]:
    """Yield what a factor, or an addition to the loss, would explain of the answers on a rung."""
    yield from _losses(case, rung)
    if rung in ("gradients", "update"):
        yield from _gradients(case, rung)


def _losses(case: Case, rung: str) -> Iterator[Hypothesis]:
    """Yield factors and additions to the loss, with and without the gradients that follow."""
    if rung not in ("loss", "update"):
        return
    pairs = [
        (
            case.weights[step],
            float(got["loss"].ravel()[0]),
            float(case.expected[rung, step]["loss"].ravel()[0]),
        )
        for step, got in case.answered(rung)
    ]
    got, due = np.array([p[1] for p in pairs]), np.array([p[2] for p in pairs])
    if not len(pairs) or not due.any():
        return
    scale = float(got @ due / (due @ due))
    for factor in close_to(case, scale):
        for gradients in (True, False) if rung == "update" else (False,):
            claim = factor.claim("the loss")
            yield Hypothesis(
                factor.cause,
                claim,
                _scaled(case, factor.value, factor.value if gradients else 1.0),
                fitted=factor.cause == CONSTANT,
            )
    names = list(case.trained)
    for group, what in (
        ([name for name in names if name[0] == "W"], "squared weights"),
        (names, "squared weights and biases"),
    ):
        squares = np.array([sum((p[0][k] ** 2).sum() for k in group) for p in pairs])
        if squares.any():
            decay = 2 * float((got - due) @ squares / (squares @ squares))
            yield Hypothesis(
                "weight decay",
                f"the loss has {decay / 2:.4g} times the sum of {what} added",
                _penalised(case, decay, group),
                fitted=1,
            )


def _scaled(case: Case, loss: float, gradients: float) -> Compute:
    def compute(weights: Tensors, x: Array, y: Array) -> Computed:
        answer = case.compute(weights, x, y)
        slopes = {name: gradients * g for name, g in answer.gradients.items()}
        return Computed(answer.outputs, loss * answer.loss, slopes)

    return compute


def _penalised(case: Case, decay: float, group: list[str]) -> Compute:
    def compute(weights: Tensors, x: Array, y: Array) -> Computed:
        answer = case.compute(weights, x, y)
        W = {name: weights[name] for name in group}
        penalty = decay / 2 * sum((w**2).sum() for w in W.values())
        slopes = {k: g + decay * W[k] if k in W else g for k, g in answer.gradients.items()}
        return Computed(answer.outputs, answer.loss + penalty, slopes)

    return compute


def _gradients(case: Case, rung: str) -> Iterator[Hypothesis]:
    """Yield a factor per tensor, then one for all."""
    taken = [(step, got, due) for step, got, due in case.implied(rung) if got]
    if not taken:
        return
    scales = {name: _fit(case, rung, taken, [name]) for name in case.trained}
    exact = {name: nearest(case, scale) for name, scale in scales.items()}
    wrong = {name: scale for name, scale in exact.items() if scale != 1}
    if wrong:
        cause, claim = _call(case, rung, wrong)
        fitted = len(set(wrong.values()) - {f.value for f in factors(case)} - {0.0})
        yield _by_tensor(case, cause, claim, exact, fitted)
    common = _fit(case, rung, taken, list(scales))
    if rung == "update" and common != 1:
        cause, claim, common, fitted = rate_called(case, common)
        yield _by_tensor(case, cause, claim, dict.fromkeys(scales, common), fitted)


def _fit(case: Case, rung: str, taken: list[Any], names: list[str]) -> float:
    """Return the factor that fits best, each tensor counting by its noise floor; 1 for zeros."""
    top = bottom = 0.0
    for step, got, due in taken:
        for name in names:
            weight = case.noise[rung, step][name] ** -2
            top += weight * float((got[name] * due[name]).sum())
            bottom += weight * float((due[name] ** 2).sum())
    return top / bottom if bottom else 1.0


def _by_tensor(
    case: Case, cause: str, claim: str, scales: dict[str, float], fitted: int
) -> Hypothesis:
    """Return the hypothesis that each gradient, or each update, is off by its factor."""

    def scaled(gradients: Tensors) -> Tensors:
        return {name: scales[name] * g for name, g in gradients.items()}

    def compute(weights: Tensors, x: Array, y: Array) -> Computed:
        answer = case.compute(weights, x, y)
        return answer._replace(gradients=scaled(answer.gradients))

    return Hypothesis(cause, claim, compute, fitted=fitted)


def _call(case: Case, rung: str, wrong: dict[str, float]) -> tuple[str, str]:
    """Return the cause that fits the factors of the tensors that are off."""
    whole = len(wrong) == len(case.trained)
    names, values = "every weight" if whole else spoken(wrong), set(wrong.values())
    what = "gradient" if rung == "gradients" else "update"
    if values == {0.0}:
        cause = "no gradient reaches a weight" if rung == "gradients" else "a weight is not updated"
        return cause, f"the {what} of {names} is zero"
    if len(values) > 1:
        listed = ", ".join(f"{value:.6g} ({name})" for name, value in wrong.items())
        return CONSTANT, f"each {what} is the reference's times a factor of its own, {listed}"
    (value,) = values
    factor = next((f for f in factors(case) if f.value == value), Factor(value, CONSTANT))
    if rung == "update" and whole and value > 0:
        cause, claim, _, _ = rate_called(case, value)
        return cause, f"{claim}, and {factor.reason}" if factor.reason else claim
    return factor.cause, factor.claim(f"the {what} of {names}")
