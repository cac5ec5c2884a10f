"""What a port may have counted in place of the rows that it gets right."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.diagnosis.case import Case
from parity.processes.messages import Predictions
from parity.results import Diagnosis
from parity.standard.inputs import SPLITS
from shared.metrics import predicted_classes, true_classes

Array = NDArray[Any]
ROUNDING = 1e-6
SIZES = sorted({*range(10, 1001, 10), *(2**power for power in range(3, 11))})  # of batches
AXIS = "accuracy along the wrong axis"
THRESHOLD = "accuracy at another threshold"
OTHER_ROWS = "accuracy on other rows"
FRACTION = "accuracy is not the fraction of right rows"


def diagnose(case: Case) -> Diagnosis | None:
    """Name what gives the port's own figures, on every split on which they are wrong."""
    wrong = [
        (p, p.figure)
        for p in case.findings.predictions
        if p.figure is not None
        and p.outputs is not None
        and p.outputs.shape == case.reference.outputs[p.split].shape
        and not _same(p.figure, float(_hits(case, p).mean()))
    ]
    if not wrong:
        return None
    counted = [dict(_counts(case, p)) for p, _ in wrong]
    fitting = [
        idea
        for idea in counted[0]
        if all(_same(f, c.get(idea, math.nan)) for c, (_, f) in zip(counted, wrong, strict=True))
    ]
    if not fitting:
        return None
    (cause, claim), (first, figure) = fitting[0], wrong[0]
    others = "".join(f", and so does {other}" for _, other in fitting[1:3])
    evidence = (
        f"{claim} gives {figure:.6g} on the rows of {first.split}, as the port does, where "
        f"{float(_hits(case, first).mean()):.6g} is right{others}"
    )
    alone = len({cause for cause, _ in fitting}) == 1
    return Diagnosis(cause, evidence, 0.9 if alone else 0.5)


def _same(figure: float, count: float) -> bool:
    return abs(figure - count) <= ROUNDING * (1 + abs(figure))


def _hits(case: Case, p: Predictions) -> Array:
    y = np.asarray(case.inputs.array(SPLITS[p.split][1]))
    classes = predicted_classes(np.asarray(p.outputs), case.inputs.threshold)
    return np.asarray(classes == true_classes(y))


def _counts(case: Case, p: Predictions) -> Iterator[tuple[tuple[str, str], float]]:
    """Yield what may have been counted, with its value."""
    z = np.asarray(p.outputs, np.float64)
    y = np.asarray(case.inputs.array(SPLITS[p.split][1]))
    if z.ndim == 1:  # one output for each row
        z, y = z[:, np.newaxis], y.reshape(-1, 1)
    hits = _hits(case, p)
    fraction = float(hits.mean())
    yield (FRACTION, "the percentage"), 100 * fraction
    yield (FRACTION, "the fraction of wrong rows"), 1 - fraction
    yield (FRACTION, "the number of right rows"), float(hits.sum())
    got, due = predicted_classes(z, case.inputs.threshold), true_classes(y)
    pairs = sum(float((got == c).mean() * (due == c).mean()) for c in np.unique(due))
    if case.inputs.threshold:
        yield from _thresholds(z, y, case.inputs.threshold)
    yield ("targets broadcast against outputs", "comparing every row with every other"), pairs
    if not case.inputs.threshold:
        yield from _thresholds(z, y, case.inputs.threshold)
    yield from _axes(z, y)
    shifted = y + 1 if y.ndim == 1 else np.roll(y, 1, axis=1)
    if y.ndim == 1 or y.shape[1] > 1:
        yield (
            ("labels off by one", "counting against labels off by one"),
            float((got == true_classes(shifted)).mean()),
        )
    yield from _of_positives(hits, due, got)
    for claim, part in _parts(len(y)):
        yield (OTHER_ROWS, f"counting {claim}"), float(hits[part].mean())
        yield (FRACTION, f"counting {claim}, over all"), float(hits[part].sum() / len(hits))
    for size in SIZES:
        means = [hits[start : start + size].mean() for start in range(0, len(hits), size)]
        yield (
            (FRACTION, f"the mean over batches of {size}, the last one shorter"),
            float(np.mean(means)),
        )
    for other in case.findings.predictions:
        if (other.split, other.rung) != (p.split, p.rung) and other.outputs is not None:
            name = (
                f"counting the rows of {other.split}"
                if other.split != p.split
                else "counting with other weights"
            )
            yield (OTHER_ROWS, name), float(_hits(case, other).mean())


def _thresholds(z: Array, y: Array, own: float) -> Iterator[tuple[tuple[str, str], float]]:
    if z.shape[1] > 1:
        return
    for threshold in {0.0, 0.5, 1.0, -0.5} - {own}:
        claim = f"a threshold of {threshold:g} on the outputs"
        yield (THRESHOLD, claim), float(((z > threshold) == (y > 0.5)).mean())
    p = 1 / (1 + np.exp(-z))
    yield (THRESHOLD, "a threshold of 0 on the probabilities"), float(((p > 0) == (y > 0.5)).mean())
    q = 1 / (1 + np.exp(-p))
    yield (THRESHOLD, "a sigmoid taken twice"), float(((q > 0.5) == (y > 0.5)).mean())
    yield (FRACTION, "equality of the outputs themselves"), float((z == y).mean())


def _axes(z: Array, y: Array) -> Iterator[tuple[tuple[str, str], float]]:
    if y.ndim == 2:
        along = z.argmax(axis=0) == y.argmax(axis=0)
        yield (AXIS, "an argmax over the rows"), float(along.mean())
        flat = z.argmax() == y.argmax()
        yield (AXIS, "an argmax over everything"), float(flat)
        right = ((z > 0.5) == (y > 0.5)).mean()
        yield (FRACTION, "counting each output by itself"), float(right)
        rounded = (np.rint(z) == y).mean()
        yield (FRACTION, "counting each rounded output by itself"), float(rounded)
    else:
        along = z.argmax(axis=0)
        yield (AXIS, "an argmax over the rows"), float((along == y[: len(along)]).mean())
        yield from _each_output(z, np.arange(z.shape[1]) == y[:, np.newaxis])
    if z.shape[1] == 1:
        zeros = (np.zeros(len(z)) == true_classes(y)).mean()
        yield (AXIS, "an argmax over the one output, which is always 0"), float(zeros)


def _each_output(z: Array, due: Array) -> Iterator[tuple[tuple[str, str], float]]:
    """Yield what counts each output by itself, as a binary accuracy does for several classes."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    for what, values, threshold in (
        ("each output of the softmax by itself, over 0.5,", p, 0.5),
        ("each output by itself, over 0.5,", z, 0.5),
        ("each output by itself, over 0,", z, 0.0),
    ):
        yield (FRACTION, f"counting {what}"), float(((values > threshold) == due).mean())


def _of_positives(hits: Array, due: Array, got: Array) -> Iterator[tuple[tuple[str, str], float]]:
    """Yield recall and precision, of two classes."""
    if due.max(initial=0) == 1:
        for claim, rows in (("the recall", due == 1), ("the precision", got == 1)):
            if rows.any():
                yield (FRACTION, claim), float(hits[rows].mean())


def _parts(rows: int) -> Iterator[tuple[str, slice]]:
    yield "all rows but the last", slice(None, -1)
    yield "all rows but the first", slice(1, None)
    yield "the first half of the rows", slice(None, rows // 2)
    yield "the second half of the rows", slice(rows // 2, None)
    yield "every other row", slice(None, None, 2)
    for size in (10, 16, 32, 50, 64, 100, 128, 256):
        yield f"full batches of {size} alone", slice(None, rows // size * size)
    for first in (10, 50, 100, 128, 200, 256, 500, 1000):
        if first < rows:
            yield f"the first {first:,} rows", slice(None, first)
            yield f"the last {first:,} rows", slice(-first, None)
