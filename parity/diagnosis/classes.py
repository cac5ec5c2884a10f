"""Rows that count by their class: weights of classes, fitted, and classes that are ignored."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.diagnosis.case import Case, Compute, comparable
from parity.diagnosis.chain import Chain
from parity.diagnosis.hypothesis import Hypothesis

Array = NDArray[Any]
MOST = 100  # classes, of which each has a weight to fit
ALIKE = 1e-5  # relative; weights that differ by less are one and the same
DIGITS = 4  # to which a fitted weight is rounded first
WEIGHTS, IGNORED = "class weights", "a class is ignored"


def mistakes(case: Case, chain: Chain) -> Iterator[Hypothesis]:
    """Yield weights of the classes, fitted to the gradients if those are wrong, else to losses."""
    if not chain.kind.endswith("cross-entropy"):
        return
    classes = np.unique(case.y).astype(int)
    if not 1 < len(classes) <= MOST:
        return
    for place in range(len(classes)):
        alone = np.ones(len(classes))
        alone[place] = 0.0
        for over_sum in (True, False):
            yield _weighted(chain, classes, alone, over_sum)
    for fitted in (_of_gradients(case, chain, classes), _of_losses(case, chain, classes)):
        if fitted is None or not np.isfinite(fitted).all() or not np.abs(fitted).max() > 0:
            continue
        weights = fitted / _usual(fitted)
        if np.ptp(weights) <= ALIKE:
            continue
        for values, over_sum in ((weights, True), (fitted, False)):
            yield _weighted(chain, classes, np.asarray(np.round(values, DIGITS)), over_sum)
            yield _weighted(chain, classes, values, over_sum)


def _usual(weights: Array) -> float:
    """Return the weight that most classes have, or else the first that is not 0."""
    kept = weights[np.abs(weights) > ALIKE * np.abs(weights).max()]
    near = [int((np.abs(kept - w) <= ALIKE * abs(w)).sum()) for w in kept]
    return float(kept[int(np.argmax(near))])


def _weighted(chain: Chain, classes: Array, weights: Array, over_sum: bool) -> Hypothesis:
    zero = np.abs(weights) <= ALIKE * np.abs(weights).max()
    others = weights[~zero]
    how = "divided by the sum of the weights" if over_sum else "divided by the number of rows"
    if zero.any() and np.ptp(others) <= ALIKE * np.abs(others).max():
        named = ", ".join(f"{c}" for c in classes[zero])
        if over_sum:
            how = "and the mean is that of the other rows"
        claim = f"rows of class {named} do not count, {how}"
        return Hypothesis(IGNORED, claim, _compute(chain, classes, weights, over_sum))
    listed = ", ".join(f"{w:.4g} ({c})" for c, w in zip(classes, weights, strict=True))
    claim = f"each row's loss is multiplied by the weight of its class, {listed}, {how}"
    return Hypothesis(WEIGHTS, claim, _compute(chain, classes, weights, over_sum), fitted=1)


def _compute(chain: Chain, classes: Array, weights: Array, over_sum: bool) -> Compute:
    """Return the net with each row's loss times the weight of its class."""
    by_class = np.zeros(int(classes.max()) + 1)
    by_class[classes] = weights

    def loss(z: Array, y: Array) -> Array:
        own = by_class[y.reshape(len(y), -1)[:, 0].astype(int)]
        scale = len(y) / own.sum() if over_sum else 1.0
        return np.asarray(chain.loss(z, y) * own * scale)

    return replace(chain, loss=loss).compute


def _alone(chain: Chain, c: int) -> Compute:
    """Return the net with the loss of the rows of one class alone, over all rows."""

    def loss(z: Array, y: Array) -> Array:
        return np.asarray(chain.loss(z, y) * (y.reshape(len(y), -1)[:, 0] == c))

    return replace(chain, loss=loss).compute


def _of_gradients(case: Case, chain: Chain, classes: Array) -> Array | None:
    """Fit weights of classes to gradients; a class that a batch lacks is looked for in others."""
    weights = np.full(len(classes), np.nan)
    for step, due in case.weights.items():
        got = case.findings.answers.get(("gradients", step))
        if step < 0 or got is None or not comparable(case.expected["gradients", step], got):
            continue
        x, y = case.batch(step)
        columns = [_flat(_alone(chain, c)(due, x, y).gradients) for c in classes]
        there = np.isin(classes, y.astype(int))
        fitted = np.full(len(classes), np.nan)
        basis = np.stack(
            [column for column, one in zip(columns, there, strict=True) if one], axis=1
        )
        fitted[there] = np.linalg.lstsq(basis, _flat(got))[0]
        known = there & np.isfinite(weights)
        if known.any():
            fitted *= weights[known].sum() / fitted[known].sum()
        weights = np.where(np.isfinite(weights), weights, fitted)
        if np.isfinite(weights).all():
            return weights
    return None


def _flat(gradients: dict[str, Array]) -> Array:
    return np.concatenate([gradients[name].ravel() for name in sorted(gradients)]).astype(float)


def _of_losses(case: Case, chain: Chain, classes: Array) -> Array | None:
    """Fit weights of classes to losses, of which there must be more."""
    rows, losses = [], []
    for step, got in case.answered("loss"):
        x, y = case.batch(step)
        rows.append([_alone(chain, c)(case.weights[step], x, y).loss for c in classes])
        losses.append(float(got["loss"]))
    if len(losses) <= len(classes):
        return None
    return np.asarray(np.linalg.lstsq(np.array(rows), np.array(losses))[0])
