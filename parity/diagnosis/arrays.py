"""Arrays that were changed on their way through a port, or by it (the rung `data`)."""

import numpy as np

from parity.diagnosis.case import Case
from parity.diagnosis.precision import CAUSES, FORMATS
from parity.results import Diagnosis, Divergence


def diagnose(case: Case) -> Diagnosis | None:
    """Name what became of the first array that did not come through bit for bit."""
    divergence = case.findings.divergence
    examples = [
        (float(e.expected), float(e.got))
        for e in divergence.examples
        if not isinstance(e.expected, str) and not isinstance(e.got, str)
    ]
    if not examples:
        return None
    sent, back = (np.array(values) for values in zip(*examples, strict=True))
    if divergence.step == 0 and divergence.place.kind != "batch":
        return _converted(divergence, sent, back)
    evidence = (
        f"{divergence.mismatches:,} of {divergence.size:,} values of {divergence.place} changed "
        f"while the port used it, as from {sent[0]:.6g} to {back[0]:.6g}: it works in place, or "
        "shares memory with its caller"
    )
    return Diagnosis("arrays it was given are written to", evidence, 0.95)


def _converted(divergence: Divergence, sent: "np.ndarray", back: "np.ndarray") -> Diagnosis | None:
    """Name a conversion that rounds or scales."""
    for name, rounded in FORMATS.items():
        if np.array_equal(rounded(sent), back):
            evidence = f"what comes back of {divergence.place} is what was sent, rounded to {name}"
            return Diagnosis(CAUSES[name], evidence, 0.9)
    with np.errstate(divide="ignore", invalid="ignore"):
        scales = back / sent
    if np.isfinite(scales).all() and scales.all() and np.ptp(scales) <= 1e-5 * np.abs(scales).max():
        evidence = (
            f"what comes back of {divergence.place} is {scales.mean():.6g} times what was sent"
        )
        return Diagnosis("inputs scaled", evidence, 0.9)
    return None
