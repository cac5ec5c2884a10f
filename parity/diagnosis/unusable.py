"""Answers that cannot be compared: other names, shapes or types, or no finite numbers."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.diagnosis.case import Case
from parity.diagnosis.hypothesis import SURE
from parity.results import Diagnosis
from parity.standard.inputs import Tensors

Array = NDArray[Any]
NAMES = "a tensor is missing, extra or misnamed"
TRANSPOSED = "a tensor is transposed"


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
    said = f"{name} has shape {got}, where {due} is expected"
    if got == due[::-1] and len(due) > 1:
        return Diagnosis(TRANSPOSED, f"{said}: it is transposed", SURE)
    if [n for n in got if n != 1] == [n for n in due if n != 1]:
        return Diagnosis("an axis is dropped or added", f"{said}: an axis of length 1", SURE)
    size = case.batch_size
    if name == "loss" and got in ((size,), (size, 1)):
        evidence = f"{said}: the loss of every row, of which no mean is taken"
        return Diagnosis("mean over the wrong axes", evidence, SURE)
    if got == (size, size) or (len(got) == 2 and got[0] == got[1] and got[0] in due):
        evidence = f"{said}: every row met every other one"
        return Diagnosis("targets broadcast against outputs", evidence, SURE)
    if len(due) == len(got) and sum(n != m for n, m in zip(due, got, strict=True)) == 1:
        return Diagnosis("rows missing from the batch", f"{said}: a length is another", 0.5)
    return Diagnosis("an axis is dropped or added", said, 0.6)


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
    where = f"at {bad[0].tolist()}" if len(bad) else f"at step {divergence.step}"
    evidence = (
        f"{divergence.place} is {divergence.got} {where}, where the reference has "
        f"{divergence.expected:.6g}, and all before it agrees: an overflow, a log of 0 or 0 / 0"
    )
    return Diagnosis("NaN or infinity", evidence, 0.9)


def of_failure(sentence: str, weights: Tensors) -> Diagnosis | None:
    """Name the mistake that an exception about shapes or names looks like."""
    numbers = [int(n) for n in re.findall(r"\d+", sentence)]
    for name, value in weights.items():
        if value.ndim == 2 and _speaks_of_shapes(sentence) and set(value.shape) <= set(numbers):
            n, m = value.shape
            turned = re.search(rf"\b{m}\s*[,x]\s*{n}\b", sentence)
            evidence = f"shapes do not fit, and {name} has {n} x {m}" + (
                f", which it calls {m} x {n}" if turned else ""
            )
            return Diagnosis(TRANSPOSED, evidence, 0.7 if turned else 0.5)
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


def _speaks_of_shapes(sentence: str) -> bool:
    words = ("shape", "size", "dimension", "matmul", "matrix", "incompatible")
    return any(word in sentence.lower() for word in words)
