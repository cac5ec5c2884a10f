"""Answers that cannot be compared: other names, shapes or types, or no finite numbers."""

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.diagnosis.case import Case
from parity.diagnosis.hypothesis import SURE
from parity.results import STEPWISE, Diagnosis
from parity.standard.inputs import Tensors
from shared.rows import count

Array = NDArray[Any]
NAMES = "a tensor is missing, extra or misnamed"
TRANSPOSED = "a tensor is transposed"
AXIS = "an axis is dropped or added"
COUNT = "another number of losses"
MODERATE = 0.6
MATRIX = r"\b(\d+)\s*[,x]\s*(\d+)"  # in an exception about a product of two


def diagnose(case: Case) -> Diagnosis | None:
    """Name what is wrong with the first tensors that cannot be compared."""
    divergence = case.findings.divergence
    at = divergence.rung, divergence.step
    due: Mapping[str, Array] = case.expected.get(at, {})
    got = case.findings.answers.get(at, {})
    if divergence.rung == "trajectory":
        losses = {"loss": case.reference.losses}
        due = {**losses, **case.reference.path[case.inputs.steps]}
        got = case.findings.answers.get(("trajectory", case.inputs.steps), {})
    if not due or not got:
        return None
    return _names(due, got) or _shapes(case, due, got) or _types(case, got) or _finite(case, got)


def _names(due: Mapping[str, Array], got: Tensors) -> Diagnosis | None:
    missing = ", ".join(name for name in due if name not in got)
    extra = ", ".join(name for name in got if name not in due)
    said = [f"{missing} is missing"] * bool(missing) + [f"{extra} is extra"] * bool(extra)
    return Diagnosis(NAMES, " and ".join(said), SURE) if said else None


def _shapes(case: Case, due: Mapping[str, Array], got: Tensors) -> Diagnosis | None:
    for name, value in due.items():
        if got[name].shape != value.shape:
            return _shape(case, name, value.shape, got[name].shape)
    return None


def _shape(case: Case, name: str, due: tuple[int, ...], got: tuple[int, ...]) -> Diagnosis:
    said, rung = f"{name} has shape {got}, where {due} is expected", case.findings.divergence.rung
    if len(due) > 1 and len(got) == len(due) and sorted(got) == sorted(due):
        return Diagnosis(TRANSPOSED, f"{said}: it is transposed", SURE)
    if [n for n in got if n != 1] == [n for n in due if n != 1]:
        return Diagnosis(AXIS, f"{said}: an axis of length 1", SURE)
    rows = (
        count(case.batch(case.findings.divergence.step)[1]) if rung in STEPWISE else case.batch_size
    )
    if name == "loss" and rung in ("update", "trajectory"):
        if len(got) == 1:
            return Diagnosis(COUNT, f"{said}: each step has one loss, that before it", SURE)
        return Diagnosis(AXIS, f"{said}: each step has one loss", MODERATE)
    if name == "loss" and got in ((rows,), (rows, 1)):
        evidence = f"{said}: the loss of every row, of which no mean is taken"
        return Diagnosis("mean over the wrong axes", evidence, SURE)
    if len(got) == 2 and got[0] == got[1] and got[0] in (rows, *due):
        evidence = f"{said}: every row met every other one"
        return Diagnosis("targets broadcast against outputs", evidence, SURE)
    if name in case.inputs.weights and math.prod(got) == 1:
        evidence = f"{said}: a sum over all axes leaves one number for all"
        return Diagnosis("sum over the wrong axes", evidence, SURE)
    of_rows = name not in case.inputs.weights and due[:1] == (rows,)
    if of_rows and got[1:] == due[1:] and len(got) == len(due) and got[0] < rows:
        said += f": {rows - got[0]:,} of {rows:,} rows are missing"
        return Diagnosis("rows missing from the batch", said, SURE)
    if len(got) == len(due):
        return Diagnosis("a tensor of another size", said, MODERATE)
    return Diagnosis(AXIS, said, MODERATE)


def _types(case: Case, got: Tensors) -> Diagnosis | None:
    for name, value in got.items():
        if value.dtype != case.inputs.dtype:
            cause = "the wrong type of number"
            if (str(value.dtype), case.inputs.dtype) == ("float32", "float64"):
                cause = "float32 in a float64 run"
            said = f"{name} is {value.dtype}, where {case.inputs.dtype} is expected"
            return Diagnosis(cause, said, SURE)
    return None


def _finite(case: Case, got: Tensors) -> Diagnosis | None:
    """Name values that are no finite number, if it is with them that the divergence begins."""
    divergence = case.findings.divergence
    if not isinstance(divergence.got, float) or np.isfinite(divergence.got):
        return None
    value = got[divergence.place.name]
    bad = np.argwhere(~np.isfinite(value))
    at = f" at {bad[0].tolist()}" if len(bad) and value.ndim else ""
    evidence = (
        f"{divergence.place} is {divergence.got}{at}, where the reference has "
        f"{divergence.expected:.6g}, and all before it agrees: an overflow, a log of 0 or 0 / 0"
    )
    return Diagnosis("NaN or infinity", evidence, 0.9)


def of_failure(sentence: str, weights: Tensors) -> Diagnosis | None:
    """Name the mistake that an exception about shapes or names looks like."""
    for name, value in weights.items():
        if value.ndim == 2 and _turned(sentence, *value.shape):
            n, m = value.shape
            evidence = f"shapes do not fit, and {name}, which has {n} x {m}, is taken for {m} x {n}"
            return Diagnosis(TRANSPOSED, evidence, 0.7)
    if "does not require grad" in sentence or "not have been used in the graph" in sentence:
        evidence = "autograd finds no way from the loss back to a weight"
        return Diagnosis("no gradient reaches a weight", evidence, 0.8)
    if "modified by an inplace operation" in sentence:
        evidence = "weights are updated between the forward pass and its backward pass"
        return Diagnosis("gradient one step late", evidence, 0.85)
    if "where a fraction is due" in sentence:
        evidence = "accuracy is no single real number, where a fraction is due"
        if re.search(r"returned (u?int\d+|bool) of shape \(\)", sentence):
            return Diagnosis("the wrong type of number", evidence, 0.8)
        return Diagnosis("accuracy is not the fraction of right rows", evidence, 0.8)
    if "KeyError" in sentence:
        return Diagnosis(NAMES, "a name was looked up that is not there", 0.7)
    return None


def _turned(sentence: str, n: int, m: int) -> bool:
    """Whether a sentence about shapes has a matrix (n, m) as (m, n), or its rows as its columns."""
    words = ("shape", "size", "dimension", "matmul", "matrix", "incompatible")
    if n == m or not any(word in sentence.lower() for word in words):
        return False
    if factors := re.search(rf"{MATRIX}( and |\], In\[1\]: \[){MATRIX}", sentence):
        a, b, _, c, d = factors.groups()
        first, second = (int(a), int(b)), (int(c), int(d))
        either = {(n, m), (m, n)}  # some frameworks show what they have transposed themselves
        return (second in either and b == d) or (first in either and a == c)
    if re.search(rf"\b{m}\s*[,x]\s*{n}\b", sentence):
        return True
    return re.search(rf"\bsize {m} is different from {n}\b", sentence) is not None
