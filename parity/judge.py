"""The verdict on one port, on one recipe, in one precision: rungs, first divergence, error."""

from collections.abc import Callable

from parity import ladder
from parity.comparison import Comparison
from parity.contract import PortName
from parity.floors import NoiseFloors
from parity.inputs import Inputs, Tensors
from parity.ladder import Record
from parity.reference import Reference
from parity.verdicts import (
    Curves,
    Divergence,
    PortResult,
    Rung,
    Verdict,
    first_divergence,
    summarise,
)
from shared.experiment import Experiment

Replayed = Callable[[int], Tensors | None]  # a port's weights after some steps of a free run


def judge(
    port: PortName,
    experiment: Experiment,
    inputs: Inputs,
    reference: Reference,
    floors: NoiseFloors,
    record: Record,
    replay: Replayed,
) -> PortResult:
    """Return the verdict on what a port answered.

    Args:
        port, experiment, inputs: what was run, on what.
        reference, floors: what it is held to.
        record: what it answered.
        replay: asked for the port's weights on its way, where the free run disagrees.
    """
    own_seed = experiment.seed == experiment.recipe.seed
    figures = ladder.applicable(experiment.recipe.figures, inputs, own_seed)
    found = ladder.compare_rungs(inputs, reference, floors, figures, record)
    if record.failure is None and not all(c.agrees for c in found["trajectory"]):
        found["trajectory"] += _earlier(inputs, reference, floors, found["trajectory"], replay)
    error = _error(found, record)
    rungs = tuple(
        summarise(rung, comparisons)
        for rung, comparisons in found.items()
        if comparisons or record.failure is None
    )
    curves = _curves(inputs, reference, floors, record)
    return PortResult(
        recipe=inputs.recipe,
        port=str(port),
        framework=record.framework or str(port),
        dtype=inputs.dtype,
        device=inputs.device,
        mode=record.mode,
        requested=record.requested,
        steps=inputs.steps,
        data={
            "name": experiment.data.name,
            "sha256": experiment.data.sha256,
            "stand_in": experiment.data.notice,
        },
        verdict=_verdict(error, rungs),
        error=error,
        rungs=rungs,
        divergence=_first(found),
        not_provided=record.lacking,
        loss={
            "first": float(curves.losses[0]) if curves else None,
            "last": float(curves.losses[-1]) if curves else None,
        },
        accuracy=_accuracies(record),
        seconds={name: record.seconds.get(name) for name in ("import", "first_step", "train")},
        traceback=record.failure.traceback if record.failure else None,
        curves=curves,
    )


def _curves(
    inputs: Inputs, reference: Reference, floors: NoiseFloors, record: Record
) -> Curves | None:
    """Return the free run, if the port made one of the right length."""
    answer = dict(record.answers.get(("trajectory", inputs.steps), {}))
    losses = answer.pop("loss", None)
    if losses is None or losses.shape != (inputs.steps,):
        return None
    return Curves(losses, answer, reference.losses, floors.losses)


def _verdict(error: str | None, rungs: tuple[Rung, ...]) -> Verdict:
    if error:
        return "error"
    return "disagree" if any(rung.verdict == "disagree" for rung in rungs) else "agree"


def _first(found: dict[str, list[Comparison]]) -> Divergence | None:
    divergences = (first_divergence(rung, comparisons) for rung, comparisons in found.items())
    return next((divergence for divergence in divergences if divergence), None)


def _error(found: dict[str, list[Comparison]], record: Record) -> str | None:
    """Return why the port is in error: it failed, gave something unusable, or nothing at all."""
    if record.failure:
        return record.failure.sentence
    for rung, comparisons in found.items():
        for comparison in comparisons:
            if comparison.unusable:
                where = rung if rung == "trajectory" else f"{rung}, step {comparison.step}"
                return f"{where}: {comparison.unusable}"
    if not any(c.compared for rung, cs in found.items() if rung != "data" for c in cs):
        return f"nothing could be compared: it lacks {', '.join(record.lacking)}"
    return None


def _earlier(
    inputs: Inputs,
    reference: Reference,
    floors: NoiseFloors,
    found: list[Comparison],
    replay: Replayed,
) -> list[Comparison]:
    """Bisect the free run between checkpoints for the first one whose weights disagree.

    Every other length may be compiled anew, so few are tried. What is found is kept only if it is
    earlier than the first loss that disagrees, which is known to the step.
    """
    first = min(c.step for c in found if not c.agrees)
    stops = [stop for stop in sorted(reference.path) if 0 < stop < first]
    earliest: list[Comparison] = []
    while stops:
        middle = len(stops) // 2
        weights = replay(stops[middle])
        if weights is None:
            break
        comparisons = ladder.compare_path(inputs, reference, floors, stops[middle], weights)
        wrong = [c for c in comparisons if not c.agrees]
        earliest = wrong or earliest
        stops = stops[:middle] if wrong else stops[middle + 1 :]
    return earliest


def _accuracies(record: Record) -> dict[str, float | None]:
    """Return the port's own accuracy after its free run."""
    own = {p.split: p.figure for p in record.predictions if p.rung == "trajectory"}
    return {split: own.get(split) for split in ("train", "test")}
