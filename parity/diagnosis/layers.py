"""A layer's values that are another function of something that the port got right."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.diagnosis.case import Case, distance, growth
from parity.diagnosis.chain import ACTIVATION_FUNCTIONS
from parity.results import Diagnosis
from parity.standard.comparison import LIMIT

Array = NDArray[Any]
ANOTHER_ACTIVATION, SLOPE = "another activation", "wrong derivative of the activation"


def _softmax(z: Array) -> Array:
    """Return the softmax along the rows of z (B, n), as precisely as a port would."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


# What a layer may be of another tensor: what it is called, and the mistake that it then is.
LAYER_FUNCTIONS: dict[str, tuple[str, Callable[[Array], Array]]] = {
    "a copy": (ANOTHER_ACTIVATION, lambda z: z),
    "the softmax": (ANOTHER_ACTIVATION, _softmax),
    "the softmax over the rows": ("softmax along the wrong axis", lambda z: _softmax(z.T).T),
    **{name: (ANOTHER_ACTIVATION, own.value) for name, own in ACTIVATION_FUNCTIONS.items()},
    **{
        f"the derivative of {name}": (SLOPE, lambda z, own=own: own.derivative(z, own.value(z)))  # type: ignore[misc] # mypy cannot type a default of a lambda
        for name, own in ACTIVATION_FUNCTIONS.items()
    },
}


def diagnose(case: Case) -> Diagnosis | None:
    """Name the function that the first wrong tensor of a forward pass is, if it is one."""
    tensor = case.findings.divergence.place.name
    answers = dict(case.answered("forward"))
    if not answers or any(tensor not in got for got in answers.values()):
        return None
    for name in (*["x"] * case.x_is_real, *case.expected["forward", 0]):
        of = {step: _right(case, step, name) for step in answers}
        for said, (cause, function) in LAYER_FUNCTIONS.items():
            if name != tensor and _is(case, tensor, {s: function(z) for s, z in of.items()}):
                return Diagnosis(cause, f"{tensor} is {said} of {name}, to within rounding", 0.9)
    return _at_zero(case, tensor)


def _at_zero(case: Case, tensor: str) -> Diagnosis | None:
    """Name a derivative that is wrong at 0 alone, where ReLU has a choice of them."""
    for step, got in case.answered("forward"):
        x, due = case.batch(step)[0], case.expected["forward", step][tensor]
        if not case.x_is_real or got[tensor].shape != x.shape or not (x == 0).any():
            return None
        limit = LIMIT * case.noise["forward", step][tensor]
        wrong = ~(np.abs(got[tensor] - due) <= limit)
        if not np.array_equal(wrong, x == 0):
            return None
        own, right = got[tensor][wrong][0], due[wrong][0]
    claim = f"{tensor} is {own:g} where x is 0, in place of {right:g}, and right everywhere else"
    return Diagnosis(SLOPE, claim, 0.9)


def _right(case: Case, step: int, name: str) -> Array:
    """Return the inputs of a step, or what was due of them."""
    return case.batch(step)[0] if name == "x" else np.asarray(case.expected["forward", step][name])


def _is(case: Case, tensor: str, predicted: dict[int, Array]) -> bool:
    """Whether a tensor is what is predicted, at every step at which the port answered."""
    for step, got in case.answered("forward"):
        due, floor = case.expected["forward", step][tensor], case.noise["forward", step][tensor]
        allowed = LIMIT * floor * growth(predicted[step], due)
        if not distance(got[tensor], predicted[step]) <= allowed:
            return False
    return True
