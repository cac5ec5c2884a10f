"""Mistakes that only scale, add to, or clip what is right: fitted to the port's own answers."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from parity.diagnosis.case import Answer, Case, Compute
from parity.diagnosis.hypothesis import Hypothesis
from parity.diagnosis.precision import FORMATS
from parity.inputs import Tensors

Array = NDArray[Any]
CLOSE = 1e-3  # relative; what is closer to a known factor than this is tried as that very factor


class Factor(NamedTuple):
    """A factor that has a name."""

    value: float
    cause: str
    claim: str


def factors(case: Case) -> list[Factor]:
    """Return the factors by which losses and gradients are off where something is forgotten."""
    size = case.batch_size
    outputs = case.expected["forward", 0]["outputs"].shape[1]
    known = [
        Factor(size, "sum instead of mean", f"the batch size, {size}"),
        Factor(1 / size, "divided by the batch size twice", f"1 over the batch size, {size}"),
        Factor(-1.0, "wrong sign", "-1"),
        Factor(1 / np.log(2), "loss in bits", "1 / ln 2"),
        Factor(1 / np.log(10), "a constant factor", "1 / ln 10"),
        Factor(2.0, "a constant factor", "2"),
        Factor(0.5, "a constant factor", "1/2"),
    ]
    if outputs > 1:
        known += [
            Factor(outputs, "mean over the wrong axes", f"the number of outputs, {outputs}"),
            Factor(
                1 / outputs, "mean over the wrong axes", f"1 over the number of outputs, {outputs}"
            ),
            Factor(
                size * outputs,
                "sum instead of mean",
                f"the number of outputs of the batch, {size * outputs:,}",
            ),
            Factor(
                size / outputs,
                "mean over the wrong axes",
                f"the batch size over the outputs, {size} / {outputs}",
            ),
        ]
    return known


def mistakes(case: Case, rung: str) -> Iterator[Hypothesis]:
    """Yield what scaling, decay and clipping would explain of the answers on a rung."""
    yield from _losses(case, rung)
    if rung in ("gradients", "update"):
        yield from _gradients(case, rung)
        yield from _decays(case, rung)
        yield from _clips(case, rung)


def _losses(case: Case, rung: str) -> Iterator[Hypothesis]:
    """Yield factors and additions to the loss, with and without the gradients that follow."""
    if rung not in ("loss", "update"):
        return
    pairs = [
        (
            case.weights[step],
            float(got["loss"].ravel()[0]),
            float(case.expected[rung, step]["loss"].ravel()[0]),
        )
        for step, got in case.answered(rung)
    ]
    got, due = np.array([p[1] for p in pairs]), np.array([p[2] for p in pairs])
    if not len(pairs) or not due.any():
        return
    scale = float(got @ due / (due @ due))
    for factor in _named(case, scale):
        for gradients in (True, False) if rung == "update" else (False,):
            claim = f"the loss is off by {factor.claim}"
            yield Hypothesis(
                factor.cause,
                claim,
                _scaled(case, factor.value, factor.value if gradients else 1.0),
                fitted=factor.cause == "a constant factor",
            )
    squares = np.array([sum((w**2).sum() for k, w in p[0].items() if k[0] == "W") for p in pairs])
    if squares.any():
        decay = 2 * float((got - due) @ squares / (squares @ squares))
        yield Hypothesis(
            "weight decay",
            f"the loss has {decay / 2:.4g} times the sum of squared weights added",
            _penalised(case, decay),
            fitted=1,
        )


def _named(case: Case, scale: float) -> Iterator[Factor]:
    """Yield the known factors that are close to a fitted one, else that itself."""
    close = [f for f in factors(case) if abs(scale - f.value) <= CLOSE * abs(f.value)]
    yield from close
    if not close and abs(scale - 1) > 1e-12:
        yield Factor(scale, "a constant factor", f"a factor of {scale:.6g}")


def _scaled(case: Case, loss: float, gradients: float) -> Compute:
    def compute(weights: Tensors, x: Array, y: Array) -> Answer:
        answer = case.compute(weights, x, y)
        slopes = {name: gradients * g for name, g in answer.gradients.items()}
        return Answer(answer.outputs, loss * answer.loss, slopes)

    return compute


def _penalised(case: Case, decay: float) -> Compute:
    def compute(weights: Tensors, x: Array, y: Array) -> Answer:
        answer = case.compute(weights, x, y)
        W = {name: w for name, w in weights.items() if name[0] == "W"}
        penalty = decay / 2 * sum((w**2).sum() for w in W.values())
        slopes = {k: g + decay * W[k] if k in W else g for k, g in answer.gradients.items()}
        return Answer(answer.outputs, answer.loss + penalty, slopes)

    return compute


def implied(case: Case, rung: str) -> Iterator[tuple[int, Tensors, Tensors]]:
    """Yield by step the gradients that the port took, and those that were due."""
    for step, got in case.answered(rung):
        due = case.expected["gradients", step]
        if rung == "update":
            got = {k: (w - got[k]) / case.rate for k, w in case.weights[step].items() if k in got}
        yield step, got, due


def _gradients(case: Case, rung: str) -> Iterator[Hypothesis]:
    """Yield a factor per tensor, then one for all."""
    taken = [(step, got, due) for step, got, due in implied(case, rung) if got]
    if not taken:
        return
    scales = {name: _fit(case, rung, taken, [name]) for name in case.inputs.weights}
    exact = {name: _nearest(case, scale) for name, scale in scales.items()}
    wrong = {name: scale for name, scale in exact.items() if scale != 1}
    if wrong:
        cause, claim = _call(case, rung, wrong)
        fitted = len(set(wrong.values()) - {f.value for f in factors(case)} - {0.0})
        yield _by_tensor(case, cause, claim, exact, fitted)
    common = _fit(case, rung, taken, list(scales))
    if rung == "update" and common != 1:
        cause, claim, common, fitted = rate_called(case, common)
        yield _by_tensor(case, cause, claim, dict.fromkeys(scales, common), fitted)


def _fit(case: Case, rung: str, taken: list[Any], names: list[str]) -> float:
    """Return the factor that fits best, each tensor counting by its noise floor; 1 for zeros."""
    top = bottom = 0.0
    for step, got, due in taken:
        for name in names:
            weight = case.noise[rung, step][name] ** -2
            top += weight * float((got[name] * due[name]).sum())
            bottom += weight * float((due[name] ** 2).sum())
    return top / bottom if bottom else 1.0


def _nearest(case: Case, scale: float) -> float:
    """Return the known factor that is close, 1 or 0 among them, else the scale itself."""
    known = (1.0, 0.0, *(factor.value for factor in factors(case)))
    return next((v for v in known if abs(scale - v) <= CLOSE * max(abs(v), CLOSE)), scale)


def spoken(names: Iterable[str]) -> str:
    """Return names as one says them: a, b and c."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _by_tensor(
    case: Case, cause: str, claim: str, scales: dict[str, float], fitted: int
) -> Hypothesis:
    """Return the hypothesis that each gradient, or each update, is off by its factor."""

    def scaled(gradients: Tensors) -> Tensors:
        return {name: scales[name] * g for name, g in gradients.items()}

    def compute(weights: Tensors, x: Array, y: Array) -> Answer:
        answer = case.compute(weights, x, y)
        return answer._replace(gradients=scaled(answer.gradients))

    return Hypothesis(cause, claim, compute, fitted=fitted)


def _call(case: Case, rung: str, wrong: dict[str, float]) -> tuple[str, str]:
    """Return the cause that fits the factors of the tensors that are off."""
    whole = len(wrong) == len(case.inputs.weights)
    names, values = "every weight" if whole else spoken(wrong), set(wrong.values())
    what = "gradient" if rung == "gradients" else "update"
    if values == {0.0}:
        cause = "no gradient reaches a weight" if rung == "gradients" else "a weight is not updated"
        return cause, f"the {what} of {names} is zero"
    if len(values) > 1:
        listed = ", ".join(f"{name} by {value:.6g}" for name, value in wrong.items())
        return "a constant factor", f"each {what} is off by a factor of its own, {listed}"
    (value,) = values
    factor = next((f for f in factors(case) if f.value == value), None)
    if factor:
        return factor.cause, f"the {what} of {names} is off by {factor.claim}"
    if rung == "update" and whole:
        return rate_called(case, value)[:2]
    return "a constant factor", f"the {what} of {names} is off by a factor of {value:.6g}"


def rate_called(case: Case, factor: float) -> tuple[str, str, float, int]:
    """Return what a learning rate off by a factor is called, the factor, and how many were fitted.

    A rate that is close to the right one rounded to another format is that very one.
    """
    rate = factor * case.rate
    for name, rounded in FORMATS.items():
        low = float(rounded(np.array(case.rate)))
        if abs(rate - low) < 0.01 * abs(case.rate - low):
            claim = f"the learning rate is {low:.12g}, which is {case.rate:g} rounded to {name}"
            return "learning rate in lower precision", claim, low / case.rate, 0
    claim = f"the learning rate is {rate:.9g} in place of {case.rate:g}"
    return "another learning rate", claim, factor, 1


def _decays(case: Case, rung: str) -> Iterator[Hypothesis]:
    """Yield weight decay on all tensors, or on some of them."""
    names = list(case.inputs.weights)
    groups = [names, [n for n in names if n[0] == "W"], [n for n in names if n[0] == "b"]]
    for group in [*groups, *([name] for name in names)]:
        top = bottom = 0.0
        for step, got, due in implied(case, rung):
            for name in set(group) & got.keys():
                w = case.weights[step][name]
                top += float(((got[name] - due[name]) * w).sum())
                bottom += float((w * w).sum())
        if bottom:
            decay = top / bottom
            claim = f"{decay:.4g} times the weight is added to the gradient of {spoken(group)}"
            yield Hypothesis("weight decay", claim, _decayed(case, decay, group), fitted=1)


def _decayed(case: Case, decay: float, group: list[str]) -> Compute:
    def compute(weights: Tensors, x: Array, y: Array) -> Answer:
        answer = case.compute(weights, x, y)
        slopes = {
            name: g + decay * weights[name] if name in group else g
            for name, g in answer.gradients.items()
        }
        return answer._replace(gradients=slopes)

    return compute


def _clips(case: Case, rung: str) -> Iterator[Hypothesis]:
    """Yield clipping by value, by the norm of all gradients, and by that of each."""
    taken = [got for _, got, _ in implied(case, rung)]
    if not taken or not taken[0]:
        return
    largest = max(float(np.abs(g).max()) for got in taken for g in got.values())
    longest = max(norm(got.values()) for got in taken)
    widest = max(norm([g]) for got in taken for g in got.values())
    for size, how, clip in (
        (largest, "to at most {:.4g} in size", clip_values),
        (longest, "to a norm of at most {:.4g} together", clip_norm),
        (widest, "to a norm of at most {:.4g} each", clip_norms),
    ):

        def compute(weights: Tensors, x: Array, y: Array, c: Any = clip, s: float = size) -> Answer:
            answer = case.compute(weights, x, y)
            return answer._replace(gradients=c(answer.gradients, s))

        claim = f"gradients are clipped {how.format(size)}"
        yield Hypothesis("gradients clipped", claim, compute, fitted=1)


def norm(gradients: Any) -> float:
    """Return the Euclidean norm of all gradients together."""
    return float(np.sqrt(sum((g**2).sum() for g in gradients)))


def clip_values(gradients: Tensors, size: float) -> Tensors:
    """Clip each value."""
    return {name: np.clip(g, -size, size) for name, g in gradients.items()}


def clip_norm(gradients: Tensors, size: float) -> Tensors:
    """Shrink all gradients together."""
    factor = min(1.0, size / max(norm(gradients.values()), 1e-300))
    return {name: factor * g for name, g in gradients.items()}


def clip_norms(gradients: Tensors, size: float) -> Tensors:
    """Shrink each gradient by itself."""
    return {name: clip_norm({name: g}, size)[name] for name, g in gradients.items()}
