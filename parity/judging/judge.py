"""The verdict on one port, on one recipe, in one precision: rungs, first divergence, error."""

import traceback
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.contract import PortName
from parity.diagnosis.unusable import of_failure
from parity.judging import bisection, waivers
from parity.judging.inquiry import Inquiry
from parity.judging.layers import look_inside
from parity.processes.messages import Predictions
from parity.processes.record import Record
from parity.results import (
    STEPWISE,
    Confusion,
    Curves,
    Diagnosis,
    Divergence,
    Inside,
    KnownDifference,
    PortResult,
    RungResult,
    Trial,
    Verdict,
    by_step,
    first_divergence,
    summarise,
)
from parity.rungs import ladder
from parity.rungs.climb import PLANE
from parity.standard.comparison import Comparison
from parity.standard.inputs import SPLITS, Inputs
from parity.standard.reference import Reference
from parity.standard.standard import Standard
from shared.experiment import Experiment
from shared.metrics import confusion
from shared.rows import count

Array = NDArray[Any]


def judge(
    port: PortName, standard: Standard, record: Record, inquiry: Inquiry | None
) -> PortResult:
    """Return the verdict on what a port answered.

    Args:
        port: whose answers these are.
        standard: what it was run on, and what it is held to.
        record: what it answered.
        inquiry: what more may be asked where it disagrees, or None for nothing.
    """
    experiment, inputs = standard.experiment, standard.inputs
    expected = waivers.of(port, standard)
    found, aside = waivers.set_aside(ladder.compare_rungs(standard, record), expected)
    forced = None
    if inquiry and not all(c.agrees for comparisons in found.values() for c in comparisons):
        inquiry.begin()
        wider = inquiry.wander() if _runs_elsewhere(found, record, standard) else None
        if wider:
            standard = inquiry.standard = wider
            found, aside = waivers.set_aside(ladder.compare_rungs(standard, record), expected)
    if inquiry and record.failure is None:
        forced = bisection.locate(found, inquiry)
    if forced is False and any(c.place.rung in STEPWISE for c in aside):
        forced = None  # a single step is not right either, as is expected
    error = _error(found, standard, record) or (None if aside else _emptiness(found, record))
    known = waivers.known_differences(expected, found, aside, inputs.steps < inputs.budget)
    if error:  # of what it did not come to, nothing is known
        known = tuple(each for each in known if each.place)
    divergence = _first(found, forced)
    looked, diagnosis, fault = _diagnosis(divergence, record, standard, inquiry)
    rungs = tuple(
        summarise(rung, comparisons, any(c.place.rung == rung for c in aside))
        for rung, comparisons in found.items()
        if rung in ladder.due(standard) and (comparisons or record.failure is None)
    )
    curves = _curves(standard, record)
    return PortResult(
        trial=Trial(experiment, record.requested),
        port=str(port),
        framework=record.framework or str(port),
        device="cpu" if record.only_cpu else inputs.device,
        mode=record.mode,
        data={
            "name": experiment.data.name,
            "sha256": experiment.data.sha256,
            "stand_in": experiment.data.notice,
            "rows": _rows(experiment),
        },
        verdict=_verdict(error, rungs, known),
        error=error,
        rungs=rungs,
        divergence=divergence,
        diagnosis=diagnosis,
        not_provided=tuple(n for n in record.lacking if n in inputs.functions),
        fixed_rows=tuple(record.fixed_rows),
        loss={
            "first": float(curves.losses[0]) if curves else None,
            "last": float(curves.losses[-1]) if curves else None,
        },
        accuracy=_accuracies(inputs, record),
        seconds={name: record.seconds.get(name) for name in ("import", "first_step", "train")},
        told_apart=standard.floors.told_apart,
        ratios=tuple(ratio for rung in STEPWISE for ratio in by_step(found[rung])),
        known_differences=known,
        confusion=_confusion(inputs, standard.reference, record),
        looked=looked,
        traceback=fault,
        curves=curves,
        inside=record.answers.get(("forward", 0), {}),
        predicted=_predicted(inputs, record),
    )


def _runs_elsewhere(found: dict[str, list[Comparison]], record: Record, standard: Standard) -> bool:
    """Whether nothing but the free run differs, and that by numbers alone.

    Only a user's reference has kinks that its noise floors are not measured on, and in float64 next
    to no run meets one.
    """
    inputs, reference = standard.inputs, standard.reference
    wrong = [c.place for comparisons in found.values() for c in comparisons if not c.agrees]
    ran = record.answers.get(("trajectory", inputs.steps))
    due = {**reference.path[inputs.steps], "loss": reference.losses}
    return (
        inputs.begins_anew
        and inputs.dtype != "float64"
        and record.failure is None
        and ran is not None
        and all(place.rung == "trajectory" and not place.beside for place in wrong)
        and all(
            name in due and value.shape == due[name].shape and bool(np.isfinite(value).all())
            for name, value in ran.items()
        )
    )


def _diagnosis(
    divergence: Divergence | None, record: Record, standard: Standard, inquiry: Inquiry | None
) -> tuple[Inside, Diagnosis | None, str | None]:
    """Look inside layers, name the mistake that it looks like, and give a traceback, if any.

    Nothing that goes wrong here changes the verdict. Layers are worker 0's, so that they do not
    tell why another differs.
    """
    looked, found, fault = Inside(), None, None
    if inquiry and divergence:
        try:
            looked = look_inside(divergence, inquiry) if divergence.place.rank == 0 else looked
            found = inquiry.explain(divergence, looked.farthest)
        except Exception:
            fault = traceback.format_exc()
    if record.failure:
        fault = record.failure.traceback
        told = of_failure(record.failure.sentence, standard.inputs.weights)
        found = max(filter(None, (found, told)), key=lambda d: d.confidence, default=None)
    return looked, found, fault


def _curves(standard: Standard, record: Record) -> Curves | None:
    """Return the free run, if the port made one of the right length."""
    steps = standard.inputs.steps
    answer = dict(record.answers.get(("trajectory", steps), {}))
    losses = answer.pop("loss", None)
    if losses is None or losses.shape != (steps,):
        return None
    return Curves(losses, answer, standard.reference.losses, standard.floors.losses)


def _verdict(
    error: str | None, rungs: tuple[RungResult, ...], known: tuple[KnownDifference, ...]
) -> Verdict:
    if error:
        return "error"
    wrong = any(rung.verdict == "disagree" for rung in rungs) or any(each.fault for each in known)
    return "disagree" if wrong else "agree"


def _first(found: dict[str, list[Comparison]], forced: bool | None) -> Divergence | None:
    divergences = (first_divergence(cs, forced) for cs in found.values())
    return next((divergence for divergence in divergences if divergence), None)


def _rows(experiment: Experiment) -> dict[str, int | None]:
    """Count the rows that are trained and tested on; a quick run sees few of them."""
    test = experiment.x_test
    return {"train": count(experiment.x), "test": None if test is None else count(test)}


def _error(found: dict[str, list[Comparison]], standard: Standard, record: Record) -> str | None:
    """Return why the port is in error: it failed, or gave something unusable or too little."""
    if record.failure:
        return record.failure.sentence
    for rung, comparisons in found.items():
        for comparison in comparisons:
            if comparison.unusable:
                step = comparison.place.step
                where = rung if rung == "trajectory" else f"{rung}, step {step}"
                return f"{where}: {comparison.unusable}"
    for place in ladder.unanswered(standard, record):
        return f"{place.rung}, step {place.step} was never answered, and cannot be judged"
    return None


def _emptiness(found: dict[str, list[Comparison]], record: Record) -> str | None:
    """Return why nothing was compared, if so."""
    if not any(c.compared for rung, cs in found.items() if rung != "data" for c in cs):
        return f"nothing could be compared: it lacks {', '.join(record.lacking)}"
    return None


def _accuracies(inputs: Inputs, record: Record) -> dict[str, float | None]:
    """Return the port's own accuracy after its free run or, where nothing is trained, as it is."""
    own = {p.split: p.figure for p in _predictions(inputs, record)}
    return {split: own.get(split) for split in ("train", "test")}


def _confusion(inputs: Inputs, reference: Reference, record: Record) -> Confusion | None:
    """Count which classes the port takes for which, on the test rows if there are any."""
    split = "test" if "test" in reference.outputs else "train"
    outputs = {p.split: p.outputs for p in _predictions(inputs, record)}.get(split)
    if outputs is None:
        return None
    if outputs.shape != reference.outputs[split].shape or outputs.dtype != inputs.dtype:
        return None  # that is said on the rung accuracy
    if not np.isfinite(outputs).all():
        return None
    counts = confusion(outputs, inputs.array(SPLITS[split][1]), inputs.threshold)
    return Confusion(split, tuple(tuple(map(int, row)) for row in counts))


def _predicted(inputs: Inputs, record: Record) -> dict[str, Array]:
    """Return the outputs of the port's own model, on the rows to test on and on the plane."""
    own = {p.split: p.outputs for p in _predictions(inputs, record) if p.split == "test"}
    own |= {PLANE: record.answers.get((PLANE, inputs.steps), {}).get("outputs")}
    return {name: outputs for name, outputs in own.items() if outputs is not None}


def _predictions(inputs: Inputs, record: Record) -> list[Predictions]:
    """Return those of the port's own model: after its free run or, if it makes none, as it is."""
    rung = "trajectory" if "train" in inputs.functions else "accuracy"
    return [p for p in record.predictions if p.rung == rung]
