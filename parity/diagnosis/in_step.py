"""Mistakes inside one step: in the forward pass, the loss, the targets, or what backpropagates."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from parity.diagnosis import classes, losses, parts, preprocessing
from parity.diagnosis.case import Case, Compute, Computed
from parity.diagnosis.chain import ACTIVATION_FUNCTIONS, Activation, Chain, sigmoid
from parity.diagnosis.factors import spoken
from parity.diagnosis.hypothesis import Hypothesis
from parity.diagnosis.losses import softmax
from parity.standard.inputs import Tensors
from shared.rows import Array, Rows, picked

Transform = Callable[[Array], Array]
# What is written in place of the error times the derivative, where a product is one of matrices.
MATRICES: dict[str, Callable[[Array, Array, Array], Array]] = {
    "the error is multiplied by 1 - a a^T, a matrix product, in place of 1 - a^2": (
        lambda z, a, back: (1 - a @ a.T) @ back
    ),
    "the error is multiplied by a (1 - a)^T, a matrix product, in place of a (1 - a)": (
        lambda z, a, back: (a @ (1 - a).T).T @ back
    ),
}
NUMBERS = (2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 20, 32, 64, 128)  # of the parts of a batch
SCALES = {
    255 / 256: "divided by 256, not by 255",
    256 / 255: "divided by 255, not by 256",
    1 / 255: "divided by 255 once more",
    255.0: "not divided by 255",
    2.0: "doubled",
    0.5: "halved",
}


def mistakes(case: Case, chain: Chain | None) -> Iterator[Hypothesis]:
    """Yield every mistake that can be tried on one step."""
    yield from _targets(case)
    yield from _rows(case)
    if case.x_is_real:
        yield from _inputs(case)
        yield from preprocessing.mistakes(case)
    yield from parts.mistakes(case)
    yield from losses.root(case)
    if chain:
        yield from losses.mistakes(case, chain)
        yield from classes.mistakes(case, chain)
        yield from _slopes(chain)
        if len(chain.layers) > 1:
            claim = "each layer is updated before the error is taken back through it"
            cause = "weights updated before all gradients are taken"
            yield Hypothesis(cause, claim, replace(chain, moved=case.rate).compute)
        yield from _activations(chain)
        yield from _biases(case, chain)
        yield from _layouts(case, chain)


def _inputs(case: Case) -> Iterator[Hypothesis]:
    for scale, claim in SCALES.items():
        yield Hypothesis("inputs scaled", f"x is {claim}", _scaled(case.compute, scale))
    for shifted in (False, True):
        yield _affine(case, *_fitted(case, shifted))
    side = math.isqrt(case.x.shape[1])
    if side > 1 and case.x[0].size == side * side:
        yield Hypothesis("inputs transposed", "each image is transposed", _turned(case, side))


def _scaled(compute: Compute, scale: float) -> Compute:
    """Return a computation that sees other inputs."""
    return lambda weights, x, y: compute(weights, scale * x, y)


def _turned(case: Case, side: int) -> Compute:
    """Return a computation that sees square images on their side."""

    def compute(weights: Tensors, x: Array, y: Array) -> Computed:
        images = x.reshape(-1, side, side).swapaxes(1, 2)
        return case.compute(weights, images.reshape(x.shape), y)

    return compute


def _affine(case: Case, scale: float, shift: float) -> Hypothesis:
    plus = f", and {shift:.6g} is added" if shift else ""
    return Hypothesis(
        "inputs scaled",
        f"x is multiplied by {scale:.9g}{plus}",
        lambda weights, x, y: case.compute(weights, scale * x + shift, y),
        fitted=2 if shift else 1,
    )


def _fitted(case: Case, shifted: bool) -> tuple[float, float]:
    """Return what x must be multiplied by, and what added, for the port's outputs.

    A few steps of Gauss and Newton, with differences for derivatives.
    """
    at = np.array([1.0, 0.0])
    tiny = np.eye(2)[: 1 + shifted] * 1e-6
    for _ in range(4):
        slopes, off = [], []
        for step, got in case.answered("forward"):
            weights, (x, y) = case.weights[step], case.batch(step)
            here, *near = (
                case.compute(weights, scale * x + shift, y).outputs.ravel()
                for scale, shift in (at, *(at + t for t in tiny))
            )
            slopes.append(np.stack([(there - here) / 1e-6 for there in near], axis=1))
            off.append(got["outputs"].ravel() - here)
        if not slopes:
            break
        moved = np.linalg.lstsq(np.concatenate(slopes), np.concatenate(off))[0]
        at[: len(moved)] += moved
    return float(at[0]), float(at[1])


def _targets(case: Case) -> Iterator[Hypothesis]:
    if isinstance(case.y, dict):
        return
    for cause, claim, change in _other_targets(case.y):
        yield Hypothesis(cause, claim, _towards(case.compute, change))


def _towards(compute: Compute, change: Transform) -> Compute:
    """Return a computation that sees other targets."""
    return lambda weights, x, y: compute(weights, x, change(y))


def _other_targets(y: Array) -> Iterator[tuple[str, str, Transform]]:
    other = "targets of other rows"
    yield other, "each row has the target of the next", lambda y: np.roll(y, -1, 0)
    yield other, "each row has the target of the one before", lambda y: np.roll(y, 1, 0)
    yield other, "the targets are in reverse", lambda y: y[::-1]
    if y.ndim == 2 and y.shape[1] == 1:
        yield "wrong sign", "targets 0 and 1 are exchanged", lambda y: 1 - y
        return
    for shift in (1, -1):
        yield "labels off by one", f"each label is off by {shift:+d}, around the end", _turn(shift)
        if y.ndim == 1:
            claim = f"each label is off by {shift:+d}, up to the end"
            yield "labels off by one", claim, _stop(shift, int(y.max()))


def _turn(shift: int) -> Transform:
    """Return a shift of labels that goes around the end; of digits, there are ten."""
    return lambda y: (y + shift) % 10 if y.ndim == 1 else np.roll(y, shift, 1)


def _stop(shift: int, last: int) -> Transform:
    return lambda y: np.clip(y + shift, 0, last)


def _rows(case: Case) -> Iterator[Hypothesis]:
    if case.batch_size < 2:
        return
    missing = {
        "the last row of each batch is missing": slice(None, -1),
        "the first row of each batch is missing": slice(1, None),
        "the second half of each batch is missing": slice(None, case.batch_size // 2),
        "every other row of each batch is missing": slice(None, None, 2),
    }
    for number in NUMBERS:
        rows = case.batch_size // number
        if not rows:
            break
        if case.batch_size % number:
            claim = (
                f"the rows over a multiple of {number} are missing, as where the rest is dropped"
            )
            missing[claim] = slice(None, rows * number)
        if number > 2:
            missing[f"only the first of {number} parts of each batch counts"] = slice(None, rows)
        missing[f"only the last of {number} parts of each batch counts"] = slice(-rows, None)
    for claim, part in missing.items():
        yield Hypothesis("rows missing from the batch", claim, _partly(case.compute, part))


def _partly(compute: Compute, part: slice) -> Compute:
    """Return a computation that sees some rows alone."""
    return lambda weights, x, y: compute(weights, picked(x, part), picked(y, part))


def _slopes(chain: Chain) -> Iterator[Hypothesis]:
    """Yield what is written in place of p - y, the derivative of a cross-entropy by its logits."""
    if chain.output is ACTIVATION_FUNCTIONS["sigmoid"]:
        yield from _slopes_of_sigmoid(chain)
    if not chain.kind.endswith("cross-entropy"):
        return
    probabilities = softmax if chain.kind == "cross-entropy" else sigmoid

    def again(z: Array, y: Array, dz: Array) -> Array:
        p = probabilities(z)
        return np.asarray(dz * p * (1 - p))

    def of_logits(z: Array, y: Array, dz: Array) -> Array:
        return dz + (z - probabilities(z)) / len(z)

    def without_targets(z: Array, y: Array, dz: Array) -> Array:
        return probabilities(z) / len(z)

    cause = "wrong derivative of the activation"
    claim = "p - y is multiplied by p (1 - p), which is in it already"
    yield Hypothesis(cause, claim, replace(chain, slope=again).compute)
    claim = "the gradient has z - y in place of p - y"
    yield Hypothesis(cause, claim, replace(chain, slope=of_logits).compute)
    claim = "the gradient has p in place of p - y"
    yield Hypothesis(cause, claim, replace(chain, slope=without_targets).compute)


def _slopes_of_sigmoid(chain: Chain) -> Iterator[Hypothesis]:
    """Yield what is written in place of p (1 - p), the derivative of the last layer's sigmoid."""
    for said, derivative in {
        "is left out": lambda p: 1,
        "is p": lambda p: p,
        "is 1 - p": lambda p: 1 - p,
        "is 1 - p^2": lambda p: 1 - p * p,
        "is there twice": lambda p: (p * (1 - p)) ** 2,
    }.items():

        def slope(p: Array, y: Array, dz: Array, wrong: Transform = derivative) -> Array:
            with np.errstate(all="ignore"):
                return np.asarray(dz / (p * (1 - p)) * wrong(p))

        claim = f"the derivative of the last layer's sigmoid {said}"
        compute = replace(chain, slope=slope).compute
        yield Hypothesis("wrong derivative of the activation", claim, compute)


def _activations(chain: Chain) -> Iterator[Hypothesis]:
    for name, activation in ACTIVATION_FUNCTIONS.items():
        if activation is not chain.output and not chain.kind.endswith("cross-entropy"):
            claim = f"{name} stands in place of the activation of the last layer"
            yield Hypothesis("another activation", claim, replace(chain, output=activation).compute)
    if len(chain.layers) < 2:
        return
    own = chain.activation
    for name, activation in ACTIVATION_FUNCTIONS.items():
        if activation is not own:
            claim = f"{name} stands in place of the activation"
            yield Hypothesis(
                "another activation", claim, replace(chain, activation=activation).compute
            )
    for claim, derivative in _derivatives(own).items():
        compute = replace(chain, derivative=derivative).compute
        yield Hypothesis("wrong derivative of the activation", claim, compute)
    for claim, hidden in MATRICES.items():
        compute = replace(chain, hidden=hidden).compute
        yield Hypothesis("matrix product for an elementwise one", claim, compute)


def _derivatives(own: Activation) -> dict[str, Callable[[Array, Array], Array]]:
    """Return what is written in place of a derivative, all from z, what went in, and a."""
    return {
        "the derivative is taken of z, what went in, in place of a": lambda z, a: own.derivative(
            a, z
        ),
        "the activation is applied once more before its derivative": lambda z, a: own.derivative(
            a, own.value(a)
        ),
        "there is no derivative of the activation": lambda z, a: np.ones_like(z),
        "the derivative is a (1 - a)": lambda z, a: a * (1 - a),
        "the derivative is 1 - a": lambda z, a: 1 - a,
        "the derivative is 1 - a^2": lambda z, a: 1 - a * a,
        "the derivative is 1 + a^2": lambda z, a: 1 + a * a,
        "the derivative is (1 - a)^2": lambda z, a: (1 - a) ** 2,
        "the derivative is a^2": lambda z, a: a * a,
        "the derivative is 1 - z^2": lambda z, a: 1 - z * z,
        "the derivative is 1 - 2 a^2": lambda z, a: 1 - 2 * a * a,
        "the derivative is (1 - a^2)^2": lambda z, a: (1 - a * a) ** 2,
        "the derivative is that of ReLU": lambda z, a: (z > 0).astype(float),
        "the derivative is the activation itself": lambda z, a: a,
    }


def _biases(case: Case, chain: Chain) -> Iterator[Hypothesis]:
    names = [b for _, b in chain.layers]
    changes: list[tuple[str, str, Transform, Transform]] = [
        ("bias left out", "is not added", np.zeros_like, np.zeros_like),
        ("bias added twice", "is added twice", lambda b: 2 * b, lambda db: 2 * db),
        ("one bias for all outputs", "has its first value for all outputs", _first, _sum_in_first),
    ]
    for cause, claim, change, slope in changes:
        for some in [[name] for name in names] + [names] * (len(names) > 1):
            compute = partial(_with_biases, case, some, change, slope)
            yield Hypothesis(cause, f"{spoken(some)} {claim}", compute)
    for what, all_in_one in (("sum", np.sum), ("mean", np.mean)):
        for some in [[name] for name in names] + [names] * (len(names) > 1):

            def slope_of_all(db: Array, reduce: Callable[[Array], Any] = all_in_one) -> Array:
                return np.full_like(db, reduce(db))

            claim = (
                f"the gradient of {spoken(some)} is the {what} over all axes, one number for all"
            )
            compute = partial(_with_biases, case, some, np.copy, slope_of_all)
            yield Hypothesis("sum over the wrong axes", claim, compute)


def _with_biases(
    case: Case,
    names: list[str],
    change: Transform,
    slope: Transform,
    weights: Tensors,
    x: Rows,
    y: Rows,
) -> Computed:
    """Return what the net computes when some biases are changed before they are added."""
    changed = {name: change(w) if name in names else w for name, w in weights.items()}
    answer = case.compute(changed, x, y)
    gradients = {k: slope(g) if k in names else g for k, g in answer.gradients.items()}
    return answer._replace(gradients=gradients)


def _first(b: Array) -> Array:
    return np.full_like(b, b[0])


def _sum_in_first(db: Array) -> Array:
    """Return the gradient of a bias whose first value is added to all outputs."""
    only = np.zeros_like(db)
    only[0] = db.sum()
    return only


def _layouts(case: Case, chain: Chain) -> Iterator[Hypothesis]:
    """Yield weights that are reshaped where they should be transposed."""
    for name, _ in chain.layers:

        def compute(weights: Tensors, x: Rows, y: Rows, name: str = name) -> Computed:
            answer = case.compute({**weights, name: reshaped(weights[name])}, x, y)
            own = {k: back(g) if k == name else g for k, g in answer.gradients.items()}
            return answer._replace(gradients=own)

        claim = f"{name} is reshaped where it should be transposed"
        yield Hypothesis("a tensor is transposed", claim, compute)


def reshaped(weight: Array) -> Array:
    """Return a weight (n, m) as it acts after `reshape(m, n)` in place of a transposition."""
    return weight.reshape(weight.shape[::-1]).T


def back(weight: Array) -> Array:
    """Return the weight (n, m) that `reshaped` makes this one of."""
    return weight.T.reshape(weight.shape)
