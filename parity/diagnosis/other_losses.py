"""Other losses than the right one, as libraries offer them for classes, for two, and for values.

All take complex outputs, for a complex step through them.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.diagnosis.chain import LOSSES, PerRow, chosen, log_softmax, sigmoid, softplus

Array = NDArray[Any]
Named = tuple[str, str, PerRow]  # cause, claim, the losses of the rows of a batch
ANOTHER, HALF = "another loss", "half of the cross-entropy is missing"
SWAPPED, FOCAL = "outputs and targets swapped in the loss", "focal loss"
KERAS = 1e-7  # what Keras keeps probabilities away from 0 and 1 by
TORCH = -100.0  # the least logarithm of PyTorch's binary cross-entropy of probabilities


def of_classes() -> Iterator[Named]:
    """Yield losses of logits (B, n) and whole numbers (B,)."""
    both = {"mean": 1.0, "sum": 0.0}
    for what, share in both.items():
        over = f", the {what} over the classes"
        per_class: dict[str, Callable[[Array, Array], Array]] = {
            "a binary cross-entropy, of a sigmoid of each logit": lambda z, t: softplus(z) - z * t,
            "a binary cross-entropy, of the softmax": lambda z, t: _logs(_softmax(z), t),
            "a binary cross-entropy, of the softmax, clipped": lambda z, t: _logs(
                _kept(_softmax(z), KERAS), t
            ),
            "the squared error of the softmax": lambda z, t: (_softmax(z) - t) ** 2,
            "the squared error of the logits": lambda z, t: (z - t) ** 2,
            "the squared error of a sigmoid of each logit": lambda z, t: (sigmoid(z) - t) ** 2,
            "the absolute error of the softmax": lambda z, t: _absolute(_softmax(z) - t),
        }
        for claim, loss in per_class.items():
            yield ANOTHER, f"the loss is {claim}{over}", partial(_over_classes, loss, share)
    for gamma in (0.5, 1.0, 2.0, 3.0, 5.0):
        for alpha in (1.0, 0.25):
            claim = f"the loss is focal, with a gamma of {gamma:g}"
            claim += f" and an alpha of {alpha:g}" if alpha != 1 else ""
            yield FOCAL, claim, partial(_focal, gamma, alpha)
    yield ANOTHER, "the loss is a hinge of margin 1, over all other classes", _multi_margin
    yield ANOTHER, "the loss is a hinge of margin 1, to the best other class", _hinge_of_classes
    yield (
        SWAPPED,
        "the softmax of the logits is taken for the targets, and the one-hot targets for logits",
        lambda z, y: -(_softmax(z) * log_softmax(_one_hot(z, y))).sum(axis=1),
    )
    yield (
        SWAPPED,
        "the logits are taken for the targets, and the one-hot targets for logits",
        lambda z, y: -(z * log_softmax(_one_hot(z, y))).sum(axis=1),
    )
    yield (
        SWAPPED,
        "the softmax is taken for the targets, and the one-hot targets for probabilities, clipped",
        lambda z, y: -(_softmax(z) * np.log(_kept(_one_hot(z, y), KERAS))).sum(axis=1),
    )


def of_one() -> Iterator[Named]:
    """Yield losses of one logit (B, 1) and targets 0 or 1 (B, 1)."""
    yield ANOTHER, "the loss is (p - y)^2", lambda z, y: ((sigmoid(z) - y) ** 2).mean(axis=1)
    yield ANOTHER, "the loss is |p - y|", lambda z, y: _absolute(sigmoid(z) - y).mean(axis=1)
    yield ANOTHER, "the loss is (z - y)^2", lambda z, y: ((z - y) ** 2).mean(axis=1)
    claim = "the loss is a hinge of margin 1"
    yield ANOTHER, claim, lambda z, y: _positive(1 - (2 * y - 1) * z).mean(axis=1)
    claim = "only the term of the positive targets, y log p, is in the loss"
    yield HALF, claim, lambda z, y: (y * softplus(-z)).mean(axis=1)
    claim = "only the term of the negative targets, (1 - y) log(1 - p), is in the loss"
    yield HALF, claim, lambda z, y: ((1 - y) * softplus(z)).mean(axis=1)
    for gamma in (1.0, 2.0, 5.0):
        for alpha in (None, 0.25):
            claim = f"the loss is focal, with a gamma of {gamma:g}"
            claim += f" and an alpha of {alpha:g}" if alpha else ""
            yield FOCAL, claim, partial(_focal_of_one, gamma, alpha)
    right = LOSSES["binary cross-entropy"]
    claim = "the logits are taken for the targets, and the targets for logits"
    yield SWAPPED, claim, lambda z, y: right(y + 0 * z, z)
    claim = "p is taken for the targets, and the targets for logits"
    yield SWAPPED, claim, lambda z, y: right(y + 0 * z, sigmoid(z))
    claim = "p is taken for the targets, and the targets for probabilities, clipped"
    yield SWAPPED, claim, lambda z, y: _logs(_kept(y + 0 * z, KERAS), sigmoid(z)).mean(axis=1)
    claim = "p is taken for the targets, and the targets for p, no log less than -100"
    yield SWAPPED, claim, _swapped_in_torch


def of_values() -> Iterator[Named]:
    """Yield losses of values (B, n) and targets (B, n)."""
    for delta in (1.0, 0.5, 2.0, 0.1):
        claim = f"the loss is Huber's, with a delta of {delta:g}"
        yield ANOTHER, claim, partial(_huber, delta)
        if delta != 1:
            claim = f"the loss is the smooth absolute error, with a beta of {delta:g}"
            yield ANOTHER, claim, lambda z, y, beta=delta: _huber(beta, z, y) / beta  # type: ignore[misc] # mypy cannot type a default of a lambda
    claim = "the loss is log cosh of the errors"
    yield ANOTHER, claim, lambda z, y: np.log(np.cosh(z - y)).mean(axis=1)
    for what, share in (("mean", 1.0), ("sum", 0.0)):
        over = f", the {what} over the outputs"

        def per_row(loss: Array, share: float = share) -> Array:
            return np.asarray(loss.mean(axis=1) if share else loss.sum(axis=1))

        yield (
            ANOTHER,
            f"the loss is a cross-entropy, of the softmax{over}",
            lambda z, y, own=per_row: own(-y * log_softmax(z)),  # type: ignore[misc] # mypy cannot type a default of a lambda
        )
        yield (
            ANOTHER,
            f"the loss is a binary cross-entropy, of a sigmoid of each output{over}",
            lambda z, y, own=per_row: own(softplus(z) - z * y),  # type: ignore[misc] # mypy cannot type a default of a lambda
        )
    claim = "the loss is the length of each row's error, not squared"
    yield ANOTHER, claim, lambda z, y: np.sqrt(((z - y) ** 2).sum(axis=1))


def _softmax(z: Array) -> Array:
    return np.asarray(np.exp(log_softmax(z)))


def _one_hot(z: Array, y: Array) -> Array:
    """Return one-hot targets of the shape of z."""
    return np.asarray(np.arange(z.shape[1]) == y[:, np.newaxis]).astype(z.dtype)


def _over_classes(loss: Callable[[Array, Array], Array], mean: float, z: Array, y: Array) -> Array:
    each = loss(z, _one_hot(z, y))
    return np.asarray(each.mean(axis=1) if mean else each.sum(axis=1))


def _kept(p: Array, eps: float) -> Array:
    """Keep p between eps and 1 - eps; beyond, it has no slope."""
    inside = (p.real >= eps) & (p.real <= 1 - eps)
    return np.where(inside, p, np.clip(p.real, eps, 1 - eps))


def _logs(p: Array, t: Array) -> Array:
    return np.asarray(-(t * np.log(p) + (1 - t) * np.log(1 - p)))


def _swapped_in_torch(z: Array, y: Array) -> Array:
    with np.errstate(divide="ignore"):
        logs = [np.maximum(np.log(each), TORCH) for each in (y, 1 - y)]
    p = sigmoid(z)
    return np.asarray(-(p * logs[0] + (1 - p) * logs[1]).mean(axis=1))


def _absolute(errors: Array) -> Array:
    return np.asarray(np.sign(errors.real) * errors)


def _positive(values: Array) -> Array:
    return np.asarray(np.where(values.real > 0, values, 0 * values))


def _focal(gamma: float, alpha: float, z: Array, y: Array) -> Array:
    logs = chosen(log_softmax(z), y)
    return np.asarray(-alpha * (1 - np.exp(logs)) ** gamma * logs)


def _focal_of_one(gamma: float, alpha: float | None, z: Array, y: Array) -> Array:
    """Focal loss (Lin et al., 2017), with alpha for the positive targets."""
    p = sigmoid(z)
    right = y * p + (1 - y) * (1 - p)
    share = 1.0 if alpha is None else alpha * y + (1 - alpha) * (1 - y)
    return np.asarray((share * (1 - right) ** gamma * (softplus(z) - z * y)).mean(axis=1))


def _multi_margin(z: Array, y: Array) -> Array:
    """PyTorch's multi-margin loss: the mean over all classes, its own one counted as 0."""
    over = _positive(1 - chosen(z, y)[:, np.newaxis] + z) * (1 - _one_hot(z, y))
    return np.asarray(over.mean(axis=1))


def _hinge_of_classes(z: Array, y: Array) -> Array:
    others = z - 1e300 * _one_hot(z, y)
    best = others[np.arange(len(z)), others.real.argmax(axis=1)]
    return _positive(1 - chosen(z, y) + best)


def _huber(delta: float, z: Array, y: Array) -> Array:
    error = z - y
    far = np.abs(error.real) > delta
    each = np.where(far, delta * (_absolute(error) - delta / 2), error**2 / 2)
    return np.asarray(each.mean(axis=1))
