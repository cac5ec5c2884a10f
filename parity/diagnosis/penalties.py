"""What people add to gradients, or cut off them: weight decay and clipping, fitted."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.diagnosis.case import Case, Compute, Computed
from parity.diagnosis.factors import spoken
from parity.diagnosis.hypothesis import Hypothesis
from parity.standard.inputs import Tensors

Array = NDArray[Any]
SHORTER = 0.999  # of its length, under which a gradient has been clipped
TORCH = 1e-6  # what torch adds to a norm before it divides by it


def mistakes(case: Case, rung: str) -> Iterator[Hypothesis]:
    """Yield what decay and clipping would explain of gradients or updates."""
    yield from _decays(case, rung)
    yield from _lassos(case, rung)
    yield from _clips(case, rung)


def _decays(case: Case, rung: str) -> Iterator[Hypothesis]:
    """Yield weight decay on all tensors, or on some of them."""
    names = list(case.trained)
    groups = [names, [n for n in names if n[0] == "W"], [n for n in names if n[0] == "b"]]
    for group in [*groups, *([name] for name in names)]:
        top = bottom = 0.0
        for step, got, due in case.implied(rung):
            for name in set(group) & got.keys():
                w = case.weights[step][name]
                top += float(((got[name] - due[name]) * w).sum())
                bottom += float((w * w).sum())
        if bottom:
            decay = top / bottom
            claim = f"{decay:.4g} times the weight is added to the gradient of {spoken(group)}"
            yield Hypothesis("weight decay", claim, _decayed(case, decay, group), fitted=1)


def _lassos(case: Case, rung: str) -> Iterator[Hypothesis]:
    """Yield a penalty on the sizes of all weights, or of those that are no biases."""
    names = list(case.trained)
    for group in (names, [name for name in names if name[0] == "W"]):
        top = bottom = 0.0
        for step, got, due in case.implied(rung):
            for name in set(group) & got.keys():
                sign = np.sign(case.weights[step][name])
                top += float(((got[name] - due[name]) * sign).sum())
                bottom += float(np.abs(sign).sum())
        if bottom:
            share = top / bottom
            claim = f"{share:.4g} times the sign is added to the gradient of {spoken(group)}"
            compute = partial(_with_signs, case, share, group)
            yield Hypothesis("weight decay", claim, compute, fitted=1)


def _with_signs(
    case: Case, share: float, group: list[str], weights: Tensors, x: Array, y: Array
) -> Computed:
    answer = case.compute(weights, x, y)
    slopes = {
        name: g + share * np.sign(weights[name]) if name in group else g
        for name, g in answer.gradients.items()
    }
    return answer._replace(gradients=slopes)


def _decayed(case: Case, decay: float, group: list[str]) -> Compute:
    def compute(weights: Tensors, x: Array, y: Array) -> Computed:
        answer = case.compute(weights, x, y)
        slopes = {
            name: g + decay * weights[name] if name in group else g
            for name, g in answer.gradients.items()
        }
        return answer._replace(gradients=slopes)

    return compute


def _clips(case: Case, rung: str) -> Iterator[Hypothesis]:
    """Yield clipping by value, by the norm of all gradients, and by that of each."""
    pairs = [(got, due) for _, got, due in case.implied(rung) if got]
    if not pairs:
        return
    taken = [got for got, _ in pairs]
    largest = max(float(np.abs(g).max()) for got in taken for g in got.values())
    lengths = [(norm(got.values()), norm(due.values()) or 1.0) for got, due in pairs]
    clipped = [(short, long) for short, long in lengths if short < SHORTER * long] or lengths
    longest = float(np.median([short for short, _ in clipped]))
    as_torch = float(np.median([short * (long + TORCH) / long for short, long in clipped]))
    scaled = float(np.median([short * long / (long - TORCH * short) for short, long in clipped]))
    widest = max(norm([g]) for got in taken for g in got.values())
    for size, how, clip in (
        (largest, "to at most {:.4g} in size", clip_values),
        (longest, "to a norm of at most {:.4g} together", clip_norm),
        (as_torch, "by torch's clip_grad_norm_ to {:.4g}", clip_norm_as_torch),
        (
            scaled,
            "to a norm of at most {:.4g} together, as where clip_grad_norm_ precedes unscaling",
            clip_norm_scaled,
        ),
        (widest, "to a norm of at most {:.4g} each", clip_norms),
    ):

        def compute(
            weights: Tensors, x: Array, y: Array, c: Any = clip, s: float = size
        ) -> Computed:
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


def clip_norm_as_torch(gradients: Tensors, size: float) -> Tensors:
    """Shrink all gradients together, as torch.nn.utils.clip_grad_norm_ does."""
    factor = min(1.0, size / (norm(gradients.values()) + TORCH))
    return {name: factor * g for name, g in gradients.items()}


def clip_norm_scaled(gradients: Tensors, size: float) -> Tensors:
    """Shrink all gradients together, as torch does to 1 those of a loss times 1/size."""
    factor = min(1.0, size / (norm(gradients.values()) + TORCH * size))
    return {name: factor * g for name, g in gradients.items()}


def clip_norms(gradients: Tensors, size: float) -> Tensors:
    """Shrink each gradient by itself."""
    return {name: clip_norm({name: g}, size)[name] for name, g in gradients.items()}
