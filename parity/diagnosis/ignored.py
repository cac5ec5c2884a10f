"""Weights that are given, and not used: a port that initialises its own."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.diagnosis.case import Case, comparable
from parity.results import Diagnosis
from parity.standard.inputs import PART, Tensors

Array = NDArray[Any]
CAUSE = "the weights given are ignored"
SAME = 1e-5  # of the largest value; what is closer does not depend on the weights
APART = 1e-2  # of the largest value, by which the reference's answers differ
LARGE = 3.0  # times the reference's update, over which no other goes


def diagnose(case: Case) -> Diagnosis | None:
    """Name answers that are the same for all weights that a port was built from."""
    answers = case.findings.answers
    seen = {step: got["outputs"] for step, got in case.answered("forward") if "outputs" in got}
    full = isinstance(case.inputs.schedule, int)
    pairs = [(0, step) for step in seen if full and 0 in seen and step != 0]
    part = answers.get(("forward", PART), {}).get("outputs")
    due_part = case.expected.get(("forward", PART), {}).get("outputs")
    tried = []
    for one, other in pairs:
        due = [case.expected["forward", step]["outputs"] for step in (one, other)]
        tried.append((seen[one], seen[other], due[0], due[1]))
    if part is not None and due_part is not None and part.shape == due_part.shape and 0 in seen:
        first = case.expected["forward", 0]["outputs"][: len(part)]
        tried.append((seen[0][: len(part)], part.astype(np.float64), first, due_part))
    tried = [each for each in tried if not _close(each[2], each[3], APART)]
    if not tried or not all(_close(a, b, SAME) for a, b, _, _ in tried):
        return None
    evidence = (
        "its outputs are the same whatever weights it is built from, and not those of the weights "
        "given: build sets its own"
    )
    return Diagnosis(CAUSE, evidence, 0.95)


def _close(one: Array, other: Array, share: float) -> bool:
    return bool(np.abs(one - other).max() <= share * np.abs(one).max(initial=1e-30))


def from_call_to_call(case: Case) -> Diagnosis | None:
    """Name weights that are drawn anew in every call: one update moves them too far."""
    far = []
    for step, weights in case.weights.items():
        got = case.findings.answers.get(("update", step), {})
        got = {name: value for name, value in got.items() if name != "loss"}
        due = case.expected.get(("gradients", step), {})
        if step != PART and due and comparable(weights, got):
            moved = _norm({name: got[name] - w for name, w in weights.items()})
            far.append(moved > LARGE * _way(case, step))
    if not far or not all(far):
        return None
    if not any(
        (first[name] != again[name]).any()
        for at, again in case.findings.again.items()
        for first in [case.findings.answers.get(at, {})]
        for name in first.keys() & again.keys()
        if first[name].shape == again[name].shape
    ):
        return None
    evidence = (
        "its answers differ from call to call, and after one update its weights are farther from "
        "those given than the reference goes: build draws its own"
    )
    return Diagnosis(CAUSE, evidence, 0.9)


def _way(case: Case, step: int) -> float:
    """Return how far the reference's own update goes, or else a gradient, times the rate."""
    after = case.expected.get(("update", step), {})
    weights = case.weights[step]
    if after:
        return _norm({name: after[name] - weights[name] for name in weights if name in after})
    return case.rate * _norm(case.expected["gradients", step])


def _norm(tensors: Tensors) -> float:
    return float(np.sqrt(sum(float((np.asarray(w, float) ** 2).sum()) for w in tensors.values())))
