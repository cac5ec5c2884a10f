"""Numbers that went through a format with fewer digits on their way."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from parity.diagnosis import variants
from parity.diagnosis.case import Case, Compute, Computed, NotTakenError
from parity.diagnosis.chain import Chain
from parity.diagnosis.hypothesis import Hypothesis
from parity.results import Diagnosis
from parity.standard.comparison import LIMIT
from parity.standard.inputs import Tensors
from shared.rows import Array, Rows, mapped
from shared.variants import BFLOAT16, HALF

Format = Callable[[Array], Array]
# Of a format's own noise floors: an error between that and LIMIT is of its size. Those of the
# catalogue's bugs that are named by it come to between 0.14 and 1.2.
LEAST_OWN = 0.1
MODERATE = 0.6
MOSTLY = 0.8
TOWARD_0 = "TF32, toward 0"
ENOUGH, LEANING = 16, 0.5  # errors in a column, and how far their mean may be from 0


def bfloat16(values: Array) -> Array:
    """Round values of any shape to bfloat16, float32 less 16 bits, halves to even; in float64."""
    bits = np.asarray(values, np.float32).view(np.uint32)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)
    return rounded.astype(np.uint32).view(np.float32).astype(np.float64)


def tf32(values: Array) -> Array:
    """Round values of any shape to TF32, which is float32 less 13 bits; in float64."""
    bits = np.asarray(values, np.float32).view(np.uint32)
    return _less_13_bits(bits + np.uint32(0x1000))


def tf32_toward_0(values: Array) -> Array:
    """Leave out 13 bits, as a GPU does of numbers that nobody has rounded before; in float64."""
    return _less_13_bits(np.asarray(values, np.float32).view(np.uint32))


def _less_13_bits(bits: NDArray[np.uint32]) -> Array:
    return (bits & np.uint32(0xFFFFE000)).view(np.float32).astype(np.float64)


def float16(values: Array) -> Array:
    """Round values of any shape to float16; in float64."""
    with np.errstate(over="ignore"):
        return np.asarray(values, np.float16).astype(np.float64)


def float32(values: Array) -> Array:
    """Round values of any shape to float32; in float64."""
    return np.asarray(values, np.float32).astype(np.float64)


FORMATS: dict[str, Format] = {
    "float32": float32,
    TOWARD_0: tf32_toward_0,
    "TF32": tf32,
    "float16": float16,
    "bfloat16": bfloat16,
}
CAUSES = {
    "float32": "float32 in a float64 run",
    TOWARD_0: HALF,
    "TF32": HALF,
    "float16": HALF,
    "bfloat16": BFLOAT16,
}
UNITS = {
    "float32": 2.0**-24,
    TOWARD_0: 2.0**-10,
    "TF32": 2.0**-11,
    "float16": 2.0**-11,
    "bfloat16": 2.0**-8,
}


def formats(case: Case) -> list[str]:
    """Return the formats with fewer digits than the case has."""
    return [name for name in FORMATS if name != case.inputs.dtype]


def mistakes(case: Case, chain: Chain | None) -> Iterator[Hypothesis]:
    """Yield inputs and weights that are rounded, and products of layers."""
    for name in formats(case):
        rounded, cause = FORMATS[name], CAUSES[name]
        for claim, x_rounded, w_rounded in (
            (f"x is rounded to {name}", True, False),
            (f"weights are rounded to {name}", False, True),
            (f"x and weights are rounded to {name}", True, True),
        ):
            yield Hypothesis(cause, claim, _on_rounded(case, rounded, x_rounded, w_rounded))
        if chain:
            for claim, product in (
                (f"the factors of each product are rounded to {name}", _of_rounded(rounded)),
                (f"each product is computed in {name}", _in_format(rounded)),
            ):
                yield Hypothesis(cause, claim, replace(chain, product=product).compute)


def _on_rounded(case: Case, rounded: Format, x_rounded: bool, w_rounded: bool) -> Compute:
    def real(array: Array) -> Array:
        return rounded(array) if array.dtype.kind == "f" else array

    def compute(weights: Tensors, x: Rows, y: Rows) -> Computed:
        own = {name: real(w) for name, w in weights.items()} if w_rounded else weights
        return case.compute(own, mapped(real, x) if x_rounded else x, y)

    return compute


def _of_rounded(rounded: Format) -> Callable[[Array, Array], Array]:
    return lambda a, b: rounded(a) @ rounded(b)


def _in_format(rounded: Format) -> Callable[[Array, Array], Array]:
    return lambda a, b: rounded(rounded(a) @ rounded(b))


def mostly(case: Case, chain: Chain | None, rung: str) -> Diagnosis | None:
    """Name a rounding that gives most of the port's very values.

    Where a result lies between two numbers of a coarse format, the order of a sum decides to which
    it is rounded: a few values then differ by as much as if nothing fitted.
    """
    before = _share(case, rung, partial(_due, case, rung))
    for idea in (*mistakes(case, chain), *variants.of_fewer_digits(case, rung)):
        try:
            after = _share(case, rung, lambda step, idea=idea: idea.predict(case, rung, step))  # type: ignore[misc] # mypy cannot type a default of a lambda
        except NotTakenError:
            continue
        if after >= MOSTLY and before <= 1 - MOSTLY:
            evidence = (
                f"{idea.claim}: with that mistake the reference reproduces {after:.0%} of your "
                f"numbers on the rung {rung} to within noise floors (was {before:.0%})"
            )
            return Diagnosis(idea.cause, evidence, 0.85)
    return None


def _share(case: Case, rung: str, predict: Callable[[int], Tensors]) -> float:
    """Return which share of the values that are not due to be 0 is as predicted."""
    right = values = 0
    for step, got in case.answered(rung):
        predicted = predict(step)
        for name, value in got.items():
            limit = LIMIT * case.noise[rung, step][name]
            counted = case.expected[rung, step][name] != 0
            near = np.abs(value - predicted.get(name, np.nan)) <= limit
            right += int(near[counted].sum())
            values += int(counted.sum())
    return right / values if values else 0.0


def exact(case: Case, rung: str) -> Diagnosis | None:
    """Name a format whose numbers all answers are."""
    pairs = [
        (value, case.expected[rung, step][name])
        for step, got in case.answered(rung)
        for name, value in got.items()
    ]
    if not pairs:
        return None
    for name in reversed(formats(case)):
        same = [[np.array_equal(FORMATS[name](v), v) for v in pair] for pair in pairs]
        if all(got for got, _ in same) and not all(due for _, due in same):
            evidence = f"every one of the values on the rung {rung} is a {name} number exactly"
            return Diagnosis(CAUSES[name], evidence, 0.9)
    return None


def size(case: Case, rung: str) -> Diagnosis | None:
    """Name a format whose noise has the size of the errors, of layers, too.

    Outputs have it, too: where all of them are right, gradients are off for another reason.
    """
    if rung != "forward" and case.misfit("forward", partial(_due, case, "forward")) <= LIMIT:
        return None
    ratio = max(case.before(rung), case.findings.inside)
    unit = 2.0**-53 if case.inputs.dtype == "float64" else 2.0**-24
    for name in reversed(formats(case)):  # the coarsest that fits
        own = ratio * unit / UNITS[name]
        if LEAST_OWN < own <= LIMIT and _scattered(case, rung) and _always(case, rung, name):
            evidence = (
                f"the errors are up to {ratio:.2g} noise floors of {case.inputs.dtype}, which is "
                f"{own:.2g} of those that {name} would have, and they look like rounding"
            )
            return Diagnosis(CAUSES[name], evidence, MODERATE)
    return None


def _due(case: Case, rung: str, step: int) -> Tensors:
    return case.expected[rung, step]


def _always(case: Case, rung: str, name: str) -> bool:
    """Whether most values are wrong at every step, but for those that a format holds."""
    for step, got in case.answered(rung):
        wrong = rounded = 0
        for tensor, value in got.items():
            due, limit = case.expected[rung, step][tensor], LIMIT * case.noise[rung, step][tensor]
            changed = np.abs(FORMATS[name](due) - due) > limit
            rounded += int(changed.sum())
            wrong += int((~(np.abs(value - due) <= limit) & changed).sum())
        if wrong < rounded / 2:
            return False
    return True


def _scattered(case: Case, rung: str) -> bool:
    """Whether errors in a column have either sign, and are not those of a factor, as roundings."""
    largest = 0.0
    for step, got in case.answered(rung):
        for name, value in got.items():
            errors = value - case.expected[rung, step][name]
            errors = errors.reshape(-1, errors.shape[-1] if errors.ndim > 1 else 1)
            if len(errors) >= ENOUGH and errors.any():
                sizes = np.abs(errors).mean(axis=0) + 1e-300
                due = case.expected[rung, step][name].reshape(errors.shape)
                lean = np.abs(errors.mean(axis=0)) / sizes
                alike = np.abs((errors * due).mean(axis=0)) / sizes / np.abs(due).max()
                largest = max(largest, float(np.median(lean)), float(np.median(alike)))
    return 0 < largest < LEANING
