"""Whether a user's port can be a reference: it repeats itself, and takes the weights it gets."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.contract import Port, PortError
from parity.standard.inputs import Inputs, Tensors
from parity.standard.native import Native
from parity.standard.reference import At, Floors, Reference, rungs

Array = NDArray[Any]

# Weights are multiplied by the first, and the second is added; steps need more than a little.
OTHERS = (1.01, 0.01), (-1.0, 0.0), (0.0, 1.0)


def check_functions(port: Port, inputs: Inputs) -> None:
    """Check that a reference has all that its recipe compares.

    Raises:
        PortError: it has not.
    """
    lacking = port.lacks(inputs.functions)
    if lacking:
        raise PortError(
            f"the reference has no {', '.join(lacking)}, which its recipe compares: leave that out "
            "of functions, or add it"
        )


def check(native: Native, reference: Reference) -> None:
    """Check that a reference repeats itself, and computes with the weights that it is given.

    Raises:
        PortError: it does not, or in less than float64 what ports are to give in that; the first
            place where that shows is named.
    """
    weights = reference.checkpoints[0]
    for (rung, step), tensors in reference.expected.items():
        for name, value in tensors.items():
            if not np.isfinite(value).all():
                raise PortError(
                    f"the reference itself gives numbers that are not finite: {name} on the rung "
                    f"{rung} at step {step}"
                )
    _check_precision(native.inputs, reference)
    for at, name, apart in _differences(native, weights, reference):
        if apart:
            raise PortError(
                f"the reference is not deterministic: asked twice for {name} on the rung {at} at "
                f"step 0, it gives answers that differ by up to {apart:.3g}; fix what is random in "
                "it, such as dropout, or leave that out"
            )
    if weights and not any(_moves(native, reference, *other) for other in OTHERS):
        raise PortError(
            "the reference ignores the weights that build is given: with other ones, all that it "
            "computes is the same"
        )


def _check_precision(inputs: Inputs, reference: Reference) -> None:
    """Check that all that is computed in float64 is of it; a constant may be of another kind."""
    for (rung, step), tensors in reference.expected.items():
        for name, value in tensors.items() if inputs.dtype == "float64" else ():
            constant = rung == "update" and _is_kept(name, value, reference.checkpoints[step])
            if value.dtype in ("float32", "float16") and not constant:
                raise PortError(
                    f"in float64, the reference itself gives {value.dtype}: {name} on the rung "
                    f"{rung} at step {step}; let its parameters have the precision of the weights "
                    "that build is given, or compare with --dtype float32 alone"
                )


def _is_kept(name: str, value: Array, weights: Tensors) -> bool:
    return name in weights and np.array_equal(value, weights[name])


def check_floors(floors: dict[At, Floors]) -> None:
    """Check that rounding moves nothing by more than any number.

    Raises:
        PortError: it moves a tensor to infinity, or makes it no number.
    """
    for (rung, step), tensors in floors.items():
        for name, floor in tensors.items():
            if not np.isfinite(floor):
                raise PortError(
                    f"rounding alone moves {name} on the rung {rung} at step {step} by {floor}, so "
                    "nothing can be held to it: the reference overflows, or takes the log of 0"
                )


def _moves(native: Native, reference: Reference, factor: float, shift: float) -> bool:
    """Whether other weights change anything that is answered at step 0."""
    weights = reference.checkpoints[0]
    moved = {n: w * factor + shift if w.dtype.kind == "f" else w for n, w in weights.items()}
    return any(apart for _, _, apart in _differences(native, moved, reference))


def _differences(
    native: Native, weights: Tensors, reference: Reference
) -> Iterator[tuple[str, str, float]]:
    """Yield the rung, the name and the largest difference of what is answered at step 0."""
    for rung, tensors in rungs(native, weights, 0):
        for name in tensors.keys() & reference.expected[rung, 0].keys():
            value = tensors[name]
            with np.errstate(invalid="ignore"):
                apart = np.abs(np.asarray(value, np.float64) - reference.expected[rung, 0][name])
            yield rung, name, float(apart.max(initial=0.0))
