"""A result to change in tests of what is made of results."""

from typing import Any

from parity.results import PortResult, Trial
from shared.experiment import prepare


def port_result(**changes: Any) -> PortResult:
    """Return the result of a port that agrees on iris, with some fields changed."""
    fields: dict[str, Any] = {
        "trial": Trial(prepare("iris", "float32", 30), "compiled"),
        "port": "torch",
        "framework": "torch",
        "device": "cpu",
        "mode": "eager",
        "data": {"name": "iris"},
        "verdict": "agree",
        "error": None,
        "rungs": (),
        "divergence": None,
        "diagnosis": None,
        "not_provided": (),
        "loss": {},
        "accuracy": {},
        "seconds": {},
        "told_apart": 30,
    }
    return PortResult(**{**fields, **changes})
