"""Rows of x that meet the targets of other rows, in an order that cannot be told."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.diagnosis.case import Case, distance
from parity.diagnosis.chain import Chain
from parity.results import Diagnosis
from parity.standard.comparison import LIMIT
from parity.standard.inputs import SPLITS
from shared.metrics import predicted_classes, true_classes

Array = NDArray[Any]
CAUSE = "targets of other rows"
LEARNED = 0.5  # of the rows over those of the most frequent class, which the reference gets right
LITTLE = 0.25  # of what the reference gets right over that, up to which a port has learned nothing
WHOLE = 1e-3  # how far recovered targets may be from 0 and 1


def diagnose(case: Case, rung: str, chain: Chain | None) -> Diagnosis | None:
    """Name rows of x whose targets are those of others, as where x is shuffled without y."""
    if (
        chain is None
        or rung not in ("loss", "gradients", "update")
        or not case.inputs.threshold < 1
    ):
        return None
    found = _recovered(case, rung, chain)
    if found or rung == "gradients":  # a loss that is right has the right pairs
        return found
    return _learned_nothing(case, rung, chain)


def _recovered(case: Case, rung: str, chain: Chain) -> Diagnosis | None:
    """Solve for the targets that the gradients of one layer's net were taken with."""
    if len(chain.layers) != 1 or chain.kind != "cross-entropy":
        return None
    W, b = chain.layers[0]
    for step, got, due in case.implied(rung if rung != "loss" else "gradients"):
        x, y = case.batch(step)
        if W not in got or b not in got or not 1 < len(x) <= x.shape[1]:
            continue
        basis = np.concatenate([x, np.ones((len(x), 1))], axis=1).T / len(x)
        off = np.concatenate([due[W] - got[W], (due[b] - got[b])[np.newaxis]])
        targets, _, rank, _ = np.linalg.lstsq(basis, off)
        targets = targets + (np.arange(due[b].size) == y[:, np.newaxis])
        whole = np.abs(targets - np.round(targets)).max() <= WHOLE
        if rank < len(x) or not whole or not (np.round(targets).sum(axis=1) == 1).all():
            return None
        found = np.round(targets).argmax(axis=1)
        wrong = int((found != y).sum())
        if not wrong:
            return None
        same = "the batch's own, in another order" if _same(found, y) else "not the batch's own"
        evidence = (
            f"the gradients at step {step} are those of the batch's x with other targets, of which "
            f"{wrong} of {len(y)} differ; they are {same}: x and y are not shuffled alike"
        )
        return Diagnosis(CAUSE, evidence, 0.9)
    return None


def _same(found: Array, y: Array) -> bool:
    return np.array_equal(np.sort(found), np.sort(y))


def _learned_nothing(case: Case, rung: str, chain: Chain) -> Diagnosis | None:
    """Tell by a run that learns nothing, with sums of targets that are right."""
    last = chain.layers[-1][1]
    if not _sum_is_right(case, rung, last):
        return None
    y = np.asarray(case.inputs.array(SPLITS["train"][1]))
    classes = true_classes(y)
    chance = float(np.bincount(classes).max()) / len(classes)
    for p in case.findings.predictions:
        due = case.reference.outputs.get(p.split)
        if p.rung != "trajectory" or p.split != "train" or p.outputs is None or due is None:
            continue
        if p.outputs.shape != due.shape:
            continue
        own, right = (
            float((predicted_classes(z, case.inputs.threshold) == classes).mean())
            for z in (p.outputs, due)
        )
        if own - chance <= LITTLE * (right - chance) and right - chance >= LEARNED * (1 - chance):
            evidence = (
                f"after its training it gets {own:.0%} of the rows right, hardly more than by "
                f"chance, where the reference gets {right:.0%}; the gradient of {last}, to which "
                "it does not matter which target belongs to which row, begins right: x and y seem "
                "not to be shuffled alike"
            )
            return Diagnosis(CAUSE, evidence, 0.6)
    return None


def _sum_is_right(case: Case, rung: str, last: str) -> bool:
    """Whether the last bias has the right gradient at first, where other tensors have not."""
    for step, got, due in case.implied(rung if rung != "loss" else "gradients"):
        if last not in got:
            return False
        floor = case.noise["gradients", step][last]
        if rung == "update":
            floor += case.noise["update", step][last] / case.rate
        right = distance(got[last], due[last]) <= LIMIT * floor
        others = all(
            distance(got[name], value) > LIMIT * case.noise["gradients", step][name]
            for name, value in due.items()
            if name != last and name in got
        )
        return bool(right and others)
    return False
