"""The losses that people write in place of the right one, on the same outputs."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.diagnosis import other_losses
from parity.diagnosis.case import Case, Computed
from parity.diagnosis.chain import FORWARD_ONLY, LOSSES, Chain, PerRow, chosen, log_softmax, sigmoid
from parity.diagnosis.hypothesis import Hypothesis
from parity.standard.inputs import Tensors
from shared.variants import LOGITS, TWICE

Array = NDArray[Any]
Family = Callable[[float, Array, Array], Array]  # a number, outputs and targets to losses
Named = tuple[str, str, PerRow]  # cause, claim, the losses of the rows of a batch
CLIPPED = "probabilities clipped before the log"
SMOOTHED = "labels smoothed"
ANOTHER_LOSS = "another loss"
KERAS = 1e-7  # what Keras keeps probabilities away from 0 and 1 by
ROUND = 1e-4  # relative; a fitted number so close to one of two digits is that one
SAME = 64 * float(np.finfo(np.float64).eps)  # relative; rounding of sums of the same numbers
SMALL = [10.0**-power for power in range(1, 17)]


def mistakes(case: Case, chain: Chain) -> Iterator[Hypothesis]:
    """Yield the net with every other loss behind it."""
    if chain.kind == FORWARD_ONLY:
        return
    others = {
        "cross-entropy": _of_classes,
        "binary cross-entropy": _of_one,
        "perceptron criterion": _of_mistakes,
    }
    for cause, claim, loss in others.get(chain.kind, _of_values)():
        if _is_a_multiple(case, chain, loss):  # such as Huber's, where no error reaches its delta
            continue
        yield Hypothesis(cause, claim, replace(chain, loss=loss).compute)
    yield from _fitted(case, chain)


def _is_a_multiple(case: Case, chain: Chain, loss: PerRow) -> bool:
    """Whether a loss is the right one times a constant on all that is known: it says no more."""
    return all(_are_multiples(chain, loss, w, *case.batch(at)) for at, w in case.weights.items())


def _are_multiples(chain: Chain, loss: PerRow, weights: Tensors, x: Array, y: Array) -> bool:
    z = chain.compute(weights, x, y).outputs
    own, right = loss(z, y).real, chain.loss(z, y).real
    across, along = own * right.sum(), right * own.sum()
    return bool(np.abs(across - along).max() <= SAME * np.abs(along).max())


def _fitted(case: Case, chain: Chain) -> Iterator[Hypothesis]:
    """Yield losses with a number in them, fitted to the port's."""
    for cause, claim, family in _families(chain.kind):
        number = _solve(case, chain, family)
        if number is not None:
            rounded = float(f"{number:.2g}")
            is_round = abs(number - rounded) <= ROUND * rounded
            number = rounded if is_round else number
            compute = replace(chain, loss=partial(family, number)).compute
            yield Hypothesis(cause, claim.format(number), compute, fitted=0 if is_round else 1)


def _solve(case: Case, chain: Chain, family: Family) -> float | None:
    """Return the number with which a family of losses gives the port's, on average over steps.

    The loss rises or falls with the number all the way, so that bisection finds it.
    """
    answers = [
        (case.weights[s], *case.batch(s), float(g["loss"])) for s, g in case.answered("loss")
    ]

    def excess(number: float) -> float:
        net = replace(chain, loss=partial(family, number))
        return sum(float(net.loss_of(w, x, y)) - got for w, x, y, got in answers)

    low, high = -16.0, -0.31  # powers of ten, up to a half
    signs = [np.sign(excess(10.0**power)) for power in (low, high)]
    if signs[0] == signs[1] or not answers:
        return None
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if np.sign(excess(10.0**middle)) == signs[0] else (low, middle)
    return float(10.0**low)


def _families(kind: str) -> Iterator[tuple[str, str, Family]]:
    smoothed, added = "labels are smoothed by {:.4g}", "{:.4g} is added to p before the log"
    if kind == "cross-entropy":
        yield SMOOTHED, smoothed, _smoothed
        yield SMOOTHED, f"{smoothed}, spread over the other classes alone", _smoothed_others
        yield CLIPPED, added, partial(_log, _plus)
    elif kind == "binary cross-entropy":
        yield SMOOTHED, smoothed, _smoothed_both
        yield CLIPPED, added, partial(_logs, _plus)
    elif kind == "mean squared error":
        yield SMOOTHED, smoothed, _smoothed_square


def root(case: Case) -> Iterator[Hypothesis]:
    """Yield the root of the loss in its place, for any net that has one."""
    if "gradients" in case.inputs.functions:
        yield Hypothesis(
            ANOTHER_LOSS, "the loss is the root of the reference's", partial(_root, case)
        )


def _root(case: Case, weights: Tensors, x: Array, y: Array) -> Computed:
    """Return the root of the loss, as of a root mean squared error, and its gradients."""
    answer = case.compute(weights, x, y)
    root = np.sqrt(answer.loss)
    return Computed(answer.outputs, root, {k: g / (2 * root) for k, g in answer.gradients.items()})


def _of_classes() -> Iterator[Named]:
    right = LOSSES["cross-entropy"]
    yield TWICE, "softmax is applied to what is softmax's result", lambda z, y: right(softmax(z), y)
    axis = "softmax along the wrong axis"
    yield axis, "the softmax runs over the rows", lambda z, y: -chosen(log_softmax(z.T).T, y)
    yield axis, "the sum in the softmax runs over the rows", _summed_over_rows
    claim = "the loss is -p, without a logarithm"
    yield "the logarithm left out", claim, lambda z, y: -chosen(softmax(z), y)
    yield LOGITS, "the loss is minus the logit of the right class", lambda z, y: -chosen(z, y)
    yield LOGITS, "each logit stands for its own probability", _shares
    for shift in (-1, 1):
        claim = f"each label is off by {shift:+d}, and one that is no class has no loss"
        yield "labels off by one", claim, partial(_shifted, shift)
    yield from other_losses.of_classes()
    claim = f"p is kept between {KERAS:g} and 1 - {KERAS:g}, then divided by its sum, as in Keras"
    yield CLIPPED, claim, lambda z, y: _shares(softmax(z), y)
    for eps in SMALL:
        yield CLIPPED, f"p is kept between {eps:g} and 1 - {eps:g}", partial(_log, _kept, eps)
        yield CLIPPED, f"p is at least {eps:g}", partial(_log, _at_least, eps)
        yield CLIPPED, f"{eps:g} is added to p before the log", partial(_log, _plus, eps)


def _of_one() -> Iterator[Named]:
    right = LOSSES["binary cross-entropy"]
    yield TWICE, "the sigmoid is applied to its own result", lambda z, y: right(sigmoid(z), y)
    yield (
        "targets broadcast against outputs",
        "each output meets the targets of all rows, (B, 1) against (B,)",
        _all_pairs,
    )
    yield (
        "targets broadcast against outputs",
        "each output meets the targets of all rows, and the sum over them is divided by B once",
        lambda z, y: len(z) * _all_pairs(z, y),
    )
    yield LOGITS, "each logit stands for its own probability", partial(_logs_of, _kept, KERAS)
    claim = "each logit stands for its own probability, as in Keras"
    yield LOGITS, claim, lambda z, y: _logs_of_kept(_kept(z, KERAS), y)
    claim = f"p is kept between {KERAS:g} and 1 - {KERAS:g}, as in Keras"
    yield CLIPPED, claim, lambda z, y: _logs_of_kept(_kept(sigmoid(z), KERAS), y)
    yield from other_losses.of_one()
    for eps in SMALL:
        yield CLIPPED, f"p is kept between {eps:g} and 1 - {eps:g}", partial(_logs, _kept, eps)
        yield CLIPPED, f"{eps:g} is added to p before the log", partial(_logs, _plus, eps)


def _of_values() -> Iterator[Named]:
    right = LOSSES["mean squared error"]
    yield TWICE, "a softmax is applied to the outputs", lambda z, y: right(softmax(z), y)
    yield TWICE, "a sigmoid is applied to the outputs", lambda z, y: right(sigmoid(z), y)
    yield ANOTHER_LOSS, "the loss is the absolute error", _absolute
    yield from other_losses.of_values()


def _of_mistakes() -> Iterator[Named]:
    """Yield what stands in place of the mean of (step(z) - y) z, which a perceptron descends on."""
    claim = "sign(z), which is -1 or 1, stands in place of the step"
    yield "another activation", claim, lambda z, y: ((np.sign(z.real) - y) * z).mean(axis=1)
    claim = "z itself stands in place of the step"
    yield ANOTHER_LOSS, claim, lambda z, y: ((z - y) * z).mean(axis=1)
    yield ANOTHER_LOSS, "the loss is (z - y)^2", LOSSES["mean squared error"]


def softmax(z: Array) -> Array:
    """Return the probabilities of z (B, n); z may be complex."""
    return np.asarray(np.exp(log_softmax(z)))


def _summed_over_rows(z: Array, y: Array) -> Array:
    """Return the losses where each row is shifted by its own maximum, as it should be, first."""
    z = z - z.real.max(axis=1, keepdims=True)
    return -chosen(z - np.log(np.exp(z).sum(axis=0, keepdims=True)), y)


def _kept(p: Array, eps: float) -> Array:
    """Keep p between eps and 1 - eps; beyond, it has no slope."""
    inside = (p.real >= eps) & (p.real <= 1 - eps)
    return np.where(inside, p, np.clip(p.real, eps, 1 - eps))


def _at_least(p: Array, eps: float) -> Array:
    return np.where(p.real >= eps, p, eps)


def _plus(p: Array, eps: float) -> Array:
    return p + eps


def _log(change: Callable[[Array, float], Array], eps: float, z: Array, y: Array) -> Array:
    return np.asarray(-np.log(change(chosen(softmax(z), y), eps)))


def _logs(change: Callable[[Array, float], Array], eps: float, z: Array, y: Array) -> Array:
    return _logs_of(change, eps, sigmoid(z), y)


def _logs_of(change: Callable[[Array, float], Array], eps: float, p: Array, y: Array) -> Array:
    rest = change(1 - p, eps)
    p = change(p, eps)
    return np.asarray(-(y * np.log(p) + (1 - y) * np.log(rest)).mean(axis=1))


def _logs_of_kept(p: Array, y: Array) -> Array:
    """Take 1 - p of a p that is kept already, which rounds otherwise than keeping both."""
    return np.asarray(-(y * np.log(p) + (1 - y) * np.log(1 - p)).mean(axis=1))


def _shifted(shift: int, z: Array, y: Array) -> Array:
    """Return the losses for other labels; a one-hot row of a label that is no class is all 0."""
    moved = y + shift
    there = (moved >= 0) & (moved < z.shape[1])
    return np.where(there, -chosen(log_softmax(z), np.where(there, moved, 0)), 0.0)


def _shares(z: Array, y: Array) -> Array:
    """Return what Keras makes of logits that it takes for probabilities: it scales them."""
    p = _kept(z, KERAS)
    return np.asarray(np.log(p.sum(axis=1)) - np.log(chosen(p, y)))


def _all_pairs(z: Array, y: Array) -> Array:
    """Return each row's mean over the targets of all rows; the loss is linear in the target."""
    return LOSSES["binary cross-entropy"](z, np.full_like(y, y.mean()))


def _absolute(z: Array, y: Array) -> Array:
    return np.asarray((np.sign((z - y).real) * (z - y)).mean(axis=1))


def _smoothed(share: float, z: Array, y: Array) -> Array:
    everywhere = -log_softmax(z).mean(axis=1)
    return np.asarray((1 - share) * LOSSES["cross-entropy"](z, y) + share * everywhere)


def _smoothed_others(share: float, z: Array, y: Array) -> Array:
    logs = log_softmax(z)
    others = -(logs.sum(axis=1) - chosen(logs, y)) / (z.shape[1] - 1)
    return np.asarray((1 - share) * LOSSES["cross-entropy"](z, y) + share * others)


def _smoothed_both(share: float, z: Array, y: Array) -> Array:
    return LOSSES["binary cross-entropy"](z, (1 - share) * y + share / 2)


def _smoothed_square(share: float, z: Array, y: Array) -> Array:
    targets = (1 - share) * y + share / y.shape[1]
    return LOSSES["mean squared error"](z, targets)
