"""Gradients by finite differences: right but for the width of the difference, and for rounding."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.diagnosis.case import Case
from parity.results import Diagnosis
from parity.standard.comparison import LIMIT
from parity.standard.inputs import Tensors

Array = NDArray[Any]
CAUSE = "numerical gradients"
WIDTHS = [c * 10.0**-power for power in range(1, 9) for c in (1.0, 0.5)]
MOST = 40  # values of each tensor that are tried, those of the largest gradients
ALIKE = 0.6  # correlation with the gradients, over which errors are no roundings
TYPICAL = 0.3  # of the rounding of a difference, by which most are off
AT_LEAST = 0.03  # of the rounding of a difference, under which errors are too small to be its
Difference = Callable[[Callable[[float], float], float], float]  # of a loss, at a width
DIFFERENCES: dict[str, Difference] = {
    "central": lambda f, h: (f(h) - f(-h)) / (2 * h),
    "forward": lambda f, h: (f(h) - f(0.0)) / h,
    "backward": lambda f, h: (f(0.0) - f(-h)) / h,
}


def diagnose(case: Case, rung: str) -> Diagnosis | None:
    """Name finite differences of the loss that give the port's gradients, to within rounding."""
    if rung not in ("gradients", "update") or "loss" not in case.inputs.functions:
        return None
    step, got, due = next(iter(case.implied(rung)), (0, {}, {}))
    if not got or not all(name in got for name in case.trained):
        return None
    fitting = []
    for said, difference in DIFFERENCES.items():
        for width in WIDTHS:
            ratios = _ratios(case, rung, step, got, due, difference, width)
            if ratios:
                before, after = ratios
                unlike = abs(math.log(max(after, TYPICAL / LIMIT) / TYPICAL))
                fitting.append((unlike, said, width, before, after))
    if not fitting:
        return None
    _, said, width, before, after = min(fitting)
    kind = f"{said} differences" if len({each[1] for each in fitting}) == 1 else "differences"
    evidence = (
        f"gradients look like {kind} of the loss, with a width of about {width:g}: so taken at "
        f"step {step}, they are yours, but for the rounding of such differences (ratio "
        f"{after:.2g}; that of the exact ones is {before:.2g})"
    )
    return Diagnosis(CAUSE, evidence, 0.9)


def _ratios(
    case: Case,
    rung: str,
    step: int,
    got: Tensors,
    due: Tensors,
    difference: Difference,
    width: float,
) -> tuple[float, float] | None:
    """Return how far the port is off what is exact, and off differences, in what these round by.

    None where it is off differences by more than they round by or, in some tensor, off nothing.
    """
    weights, (x, y) = case.weights[step], case.batch(step)
    rounding = case.noise["loss", step]["loss"] / width
    worst, errors, slopes = [0.0, 0.0], [], []
    for name, value in due.items():
        floor = case.noise[rung, step][name] / (case.rate if rung == "update" else 1.0)
        exact = 0.0
        for place in np.argsort(-np.abs(value), axis=None)[:MOST]:
            index = np.unravel_index(place, value.shape)
            near = float(got[name][index])

            def moved(by: float, name: str = name, index: Any = index) -> float:
                other = weights[name].copy()
                other[index] += by
                return float(case.compute({**weights, name: other}, x, y).loss)

            left = near - difference(moved, width)
            after = abs(left) / (floor + rounding)
            exact = max(exact, abs(near - float(value[index])) / (floor + AT_LEAST * rounding))
            worst[1] = max(worst[1], after)
            errors.append(left)
            slopes.append(float(value[index]))
            if not after <= LIMIT:
                return None
        worst[0] = max(worst[0], exact)
        if value.size > 1 and not exact > 1:
            return None
    lengths = np.linalg.norm(errors) * np.linalg.norm(slopes)
    alike = abs(float(np.dot(errors, slopes))) / lengths if lengths else 0.0
    return (worst[0], worst[1]) if worst[0] > LIMIT and alike < ALIKE else None
