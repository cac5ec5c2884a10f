"""Other optimizers than gradient descent, as the libraries define them, at any learning rate."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from parity.diagnosis.case import Case
from parity.diagnosis.hypothesis import Hypothesis
from parity.diagnosis.rules import Memory, Rule
from parity.standard.inputs import Tensors

Array = NDArray[Any]
Kept = dict[str, Any]  # what an optimizer keeps of one weight
Moved = Callable[[int, Array, Array, Kept], Array]  # the step from 1, a weight, its gradient
DEFAULTS = (0.001, 0.002, 0.004, 0.0001, 0.01, 0.1, 1.0)  # learning rates that libraries begin with
ROUND = 1e-4  # relative; a fitted learning rate so close to a default one is that one
SINGLE = (float(np.float32(0.9)), float(np.float32(0.999)))  # Adam's betas in float32
ROUNDED = ", its constants in float32"


class Optimizer(NamedTuple):
    """An optimizer: its name, in what it differs from others of that name, and its update."""

    name: str
    variant: str
    rule: Rule


def each(name: str, variant: str, moved: Moved) -> Optimizer:
    """Return an optimizer that treats every weight alike."""
    return Optimizer(name, variant, partial(_apply, moved))


def _apply(
    moved: Moved, step: int, weights: Tensors, gradients: Tensors, memory: Memory
) -> Tensors:
    return {
        name: moved(step + 1, weights[name], g, memory.setdefault(name, {}))
        for name, g in gradients.items()
    }


def _moments(g: Array, kept: Kept, first: float = 0.9, second: float = 0.999) -> None:
    """Update the running means of a gradient and of its square, m and v, which begin as 0."""
    kept["m"] = first * kept.get("m", 0.0) + (1 - first) * g
    kept["v"] = second * kept.get("v", 0.0) + (1 - second) * g * g


def adam(
    eps: float,
    decay: float,
    t: int,
    w: Array,
    g: Array,
    kept: Kept,
    betas: tuple[float, float] = (0.9, 0.999),
) -> Array:
    """Adam (Kingma and Ba, 2015); with a decay, AdamW (Loshchilov and Hutter, 2019)."""
    _moments(g, kept, *betas)
    m, v = kept["m"] / (1 - betas[0] ** t), kept["v"] / (1 - betas[1] ** t)
    return np.asarray(m / (np.sqrt(v) + eps) + decay * w)


def _adam_hat(
    eps: float,
    decay: float,
    t: int,
    w: Array,
    g: Array,
    kept: Kept,
    betas: tuple[float, float] = (0.9, 0.999),
    corrected: tuple[float, float] = (0.9, 0.999),
) -> Array:
    """Adam as Keras and TensorFlow write it: epsilon is added before the correction."""
    _moments(g, kept, *betas)
    rate = np.sqrt(1 - corrected[1] ** t) / (1 - corrected[0] ** t)
    return np.asarray(rate * kept["m"] / (np.sqrt(kept["v"]) + eps) + decay * w)


def _adam_biased(eps: float, t: int, w: Array, g: Array, kept: Kept) -> Array:
    _moments(g, kept)
    return np.asarray(kept["m"] / (np.sqrt(kept["v"]) + eps))


def _nadam(
    eps: float, per_step: float, single: bool, t: int, w: Array, g: Array, kept: Kept
) -> Array:
    """NAdam (Dozat, 2016), with its schedule of momentum, whose product may be in float32."""
    _moments(g, kept)
    now, then = (0.9 * (1 - 0.5 * 0.96 ** (k * per_step)) for k in (t, t + 1))
    kept["product"] = kept.get("product", np.float32(1) if single else 1.0) * (
        np.float32(now) if single else now
    )
    product = float(kept["product"])
    m = then * kept["m"] / (1 - product * then) + (1 - now) * g / (1 - product)
    return np.asarray(m / (np.sqrt(kept["v"] / (1 - 0.999**t)) + eps))


def _nadam_plain(eps: float, t: int, w: Array, g: Array, kept: Kept) -> Array:
    """NAdam without a schedule, as in Optax."""
    _moments(g, kept)
    m = 0.9 * kept["m"] / (1 - 0.9 ** (t + 1)) + 0.1 * g / (1 - 0.9**t)
    return np.asarray(m / (np.sqrt(kept["v"] / (1 - 0.999**t)) + eps))


def _adamax(eps: float, t: int, w: Array, g: Array, kept: Kept) -> Array:
    _moments(g, kept)
    kept["largest"] = np.maximum(0.999 * kept.get("largest", 0.0), np.abs(g) + eps)
    return np.asarray(kept["m"] / (1 - 0.9**t) / kept["largest"])


def _adamax_outside(eps: float, beta: float, t: int, w: Array, g: Array, kept: Kept) -> Array:
    _moments(g, kept)
    kept["largest"] = np.maximum(0.999 * kept.get("largest", 0.0), np.abs(g))
    return np.asarray(kept["m"] / (1 - beta**t) / (kept["largest"] + eps))


def _rmsprop(
    share: float, eps: float, inside: bool, start: float, t: int, w: Array, g: Array, kept: Kept
) -> Array:
    """RMSprop (Tieleman and Hinton, 2012), with epsilon inside the root or outside."""
    kept["v"] = share * kept.get("v", start) + (1 - share) * g * g
    return np.asarray(g / (np.sqrt(kept["v"] + eps) if inside else np.sqrt(kept["v"]) + eps))


def _adagrad(
    eps: float, inside: bool, start: float, t: int, w: Array, g: Array, kept: Kept
) -> Array:
    """Adagrad (Duchi, Hazan and Singer, 2011), with epsilon inside the root or outside."""
    kept["v"] = kept.get("v", start) + g * g
    return np.asarray(g / (np.sqrt(kept["v"] + eps) if inside else np.sqrt(kept["v"]) + eps))


def _adadelta(share: float, eps: float, t: int, w: Array, g: Array, kept: Kept) -> Array:
    """Adadelta (Zeiler, 2012)."""
    kept["v"] = share * kept.get("v", 0.0) + (1 - share) * g * g
    step = np.sqrt(kept.get("moved", 0.0) + eps) / np.sqrt(kept["v"] + eps) * g
    kept["moved"] = share * kept.get("moved", 0.0) + (1 - share) * step * step
    return np.asarray(step)


def _lion(t: int, w: Array, g: Array, kept: Kept) -> Array:
    """Lion (Chen et al., 2023)."""
    step = np.sign(0.9 * kept.get("m", 0.0) + 0.1 * g)
    kept["m"] = 0.99 * kept.get("m", 0.0) + 0.01 * g
    return np.asarray(step)


OPTIMIZERS = (
    *(
        each("Adam", f"an epsilon of {eps:g}", partial(adam, eps, 0.0))
        for eps in (1e-8, 1e-7, 1e-6, 1e-5, 1e-10, 1e-3)
    ),
    *(
        each("Adam", f"betas of {a:g} and {b:g}", partial(adam, 1e-8, 0.0, betas=(a, b)))
        for a, b in ((0.9, 0.99), (0.9, 0.98), (0.9, 0.95), (0.5, 0.999), (0.0, 0.999))
    ),
    *(
        each(
            "Adam",
            f"an epsilon of {eps:g} before the bias correction, as in Keras",
            partial(_adam_hat, eps, 0.0),
        )
        for eps in (1e-7, 1e-8, 1e-6)
    ),
    *(
        each("Adam", f"an epsilon of {eps:g} and no bias correction", partial(_adam_biased, eps))
        for eps in (1e-8, 1e-7, 1e-6)
    ),
    each("AdamW", "a weight decay of 0.01, as in PyTorch", partial(adam, 1e-8, 0.01)),
    each("AdamW", "a weight decay of 0.0001, as in Optax", partial(adam, 1e-8, 1e-4)),
    each("AdamW", "a weight decay of 0.004, as in Keras", partial(_adam_hat, 1e-7, 0.004)),
    each("NAdam", "PyTorch's schedule of momentum", partial(_nadam, 1e-8, 4e-3, True)),
    each("NAdam", "PyTorch's schedule of momentum in float64", partial(_nadam, 1e-8, 4e-3, False)),
    each("NAdam", "Keras' schedule of momentum", partial(_nadam, 1e-7, 1.0, False)),
    each("NAdam", "a constant momentum, as in Optax", partial(_nadam_plain, 1e-8)),
    each("Adamax", "an epsilon of 1e-08, as in PyTorch", partial(_adamax, 1e-8)),
    *(
        each("Adamax", f"an epsilon of 1e-07, as in Keras{said}", partial(_adamax_outside, 1e-7, b))
        for said, b in (("", 0.9), (ROUNDED, SINGLE[0]))
    ),
    each(
        "AdamW",
        f"a weight decay of 0.004, as in Keras{ROUNDED}",
        partial(_adam_hat, 1e-7, float(np.float32(0.004)), corrected=SINGLE),
    ),
    each(
        "Adam",
        f"an epsilon of 1e-07 before the bias correction, as in Keras{ROUNDED}",
        partial(_adam_hat, 1e-7, 0.0, corrected=SINGLE),
    ),
    each(
        "Adam",
        f"an epsilon of 1e-08 before the bias correction, as in TensorFlow 1{ROUNDED}",
        partial(_adam_hat, float(np.float32(1e-8)), 0.0, betas=SINGLE, corrected=SINGLE),
    ),
    each(
        "RMSprop",
        f"a share of 0.9 and a mean square that begins at 1, as in TensorFlow 1{ROUNDED}",
        partial(_rmsprop, SINGLE[0], float(np.float32(1e-10)), True, 1.0),
    ),
    *(
        each("RMSprop", f"a share of {share:g} and {said}", partial(_rmsprop, share, *how))
        for share in (0.99, 0.9, 0.95)
        for said, how in (
            ("an epsilon of 1e-08, as in PyTorch", (1e-8, False, 0.0)),
            ("an epsilon of 1e-07", (1e-7, False, 0.0)),
            ("an epsilon of 1e-07 inside the root, as in Keras", (1e-7, True, 0.0)),
            ("an epsilon of 1e-08 inside the root, as in Optax", (1e-8, True, 0.0)),
            ("a mean square that begins at 1, as in TensorFlow 1", (1e-10, True, 1.0)),
        )
    ),
    each("Adagrad", "a sum of squares from 0, as in PyTorch", partial(_adagrad, 1e-10, False, 0.0)),
    each("Adagrad", "a sum of squares from 0.1, as in Keras", partial(_adagrad, 1e-7, True, 0.1)),
    each(
        "Adagrad",
        "a sum of squares from the float32 number 0.1, as in Keras",
        partial(_adagrad, 1e-7, True, float(np.float32(0.1))),
    ),
    each(
        "Adagrad",
        "a sum of squares from 0.1, as in TensorFlow 1",
        partial(_adagrad, 0.0, True, 0.1),
    ),
    each("Adadelta", "a share of 0.9, as in PyTorch", partial(_adadelta, 0.9, 1e-6)),
    each("Adadelta", "a share of 0.95, as in Keras", partial(_adadelta, 0.95, 1e-7)),
    each("Lion", "betas of 0.9 and 0.99", _lion),
)


def mistakes(case: Case, moved: Tensors | None) -> Iterator[Hypothesis]:
    """Yield every optimizer, at the recipe's learning rate and at those that fit the first update.

    moved: the port's first update over the learning rate, if it is known.
    """
    initial = case.weights[0]
    gradients = case.compute(initial, *case.batch(0)).gradients
    for optimizer in OPTIMIZERS:
        if case.inputs.dtype == "float32" and optimizer.variant.endswith(ROUNDED):
            continue
        cause = f"{optimizer.name} instead of SGD"
        claim = f"updates are those of {optimizer.name}, with {optimizer.variant}"
        yield Hypothesis(cause, claim, rule=optimizer.rule)
        factor = 1.0 if moved is None else fit(moved, optimizer.rule(0, initial, gradients, {}))
        for rate, fitted in _rates(case, factor * case.rate):
            at = f"{claim}, at a learning rate of {rate:.9g}"
            rule = at_rate(optimizer.rule, rate / case.rate)
            yield Hypothesis(cause, at, rule=rule, fitted=fitted)


def fit(moved: Tensors, due: Tensors) -> float:
    """Return the factor that, times what was due, is closest to what was moved."""
    with np.errstate(all="ignore"):
        top = sum(float((moved[name] * value).sum()) for name, value in due.items())
        return top / sum(float((value * value).sum()) for value in due.values())


def _rates(case: Case, rate: float) -> Iterator[tuple[float, int]]:
    """Yield learning rates for a fitted one, and how many numbers are fitted in each.

    They are one that is close to it, a library's default or the recipe's own, which may have been
    rounded to float32, or else that itself.
    """
    known = [each for each in (case.rate, *DEFAULTS) if abs(rate - each) <= ROUND * each]
    for each in known[:1]:
        if each != case.rate:
            yield each, 0
        if case.inputs.dtype == "float64":
            yield float(np.float32(each)), 0
    if not known and np.isfinite(rate) and rate > 0:
        yield rate, 2


def at_rate(rule: Rule, factor: float) -> Rule:
    """Return a rule whose learning rate is another one."""

    def scaled(step: int, weights: Tensors, gradients: Tensors, memory: Memory) -> Tensors:
        return {n: factor * m for n, m in rule(step, weights, gradients, memory).items()}

    return scaled
