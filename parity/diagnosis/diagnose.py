"""Naming the mistake behind the first divergence: ideas are tried until one gives the same numbers.

An idea counts where the reference, made to do the same, agrees with the port within noise floors.
Where none does, nothing is said.
"""

import math
from collections.abc import Iterable, Iterator

import numpy as np

from parity.diagnosis import (
    accuracy,
    arrays,
    averages,
    batches,
    ignored,
    in_run,
    in_step,
    layers,
    models,
    numerical,
    optimizers,
    pairing,
    parts,
    penalties,
    precision,
    repeats,
    scales,
    stateful,
    swaps,
    unusable,
    variants,
    workers,
)
from parity.diagnosis.case import Case
from parity.diagnosis.chain import Chain, recognise
from parity.diagnosis.hypothesis import RUN_STEPS, SURE, Scored
from parity.results import STEPWISE, Diagnosis

FITTED_STEPS = 2000  # steps of a free run on which small mistakes are fitted
CONVINCING = 0.8
CLOSE_RATIO = 2.0  # a ratio up to it says no more for one idea than for another


def diagnose(case: Case) -> Diagnosis | None:
    """Return the most likely mistake, or None where nothing fits."""
    divergence = case.findings.divergence
    found = unusable.diagnose(case) or ignored.from_call_to_call(case) or _unlike_itself(case)
    if found:
        return found
    if divergence.place.kind == "half batch":
        return models.of_part(case, divergence.rung) or workers.of_part(case, divergence.rung)
    if divergence.rung in STEPWISE:
        return _of_step(case, divergence.rung)
    if divergence.rung == "trajectory":
        return models.diagnose(case) or _of_run(case)
    if divergence.rung == "accuracy":
        return accuracy.diagnose(case) or models.on_all_rows(case)
    return arrays.diagnose(case) if divergence.rung == "data" else None


def _unlike_itself(case: Case) -> Diagnosis | None:
    """Name a port that does not give the same answer twice."""
    for at, again in case.findings.again.items():
        first = case.findings.answers.get(at, {})
        for name in first.keys() & again.keys():
            if first[name].shape == again[name].shape and (first[name] != again[name]).any():
                apart = float(np.abs(first[name] - again[name]).max())
                evidence = (
                    f"asked twice for {name} on the rung {at[0]} at step {at[1]}, it gave answers "
                    f"that differ by up to {apart:.3g}"
                )
                return Diagnosis("not repeatable", evidence, 0.9)
    return None


def _of_step(case: Case, rung: str) -> Diagnosis | None:
    if "forward" not in case.inputs.functions:
        return layers.diagnose(case)
    if case.findings.divergence.place.name in case.buffers:  # which no rule of an optimizer moves
        best = _best(averages.tried(case)) if rung == "update" else None
        return best if _convinces(best) else _best(variants.tried(case, rung)) or best
    own = stateful.recognise(case) if rung == "update" else stateful.PLAIN
    if own != stateful.PLAIN:
        best = _best(stateful.tried(case, own, rung, RUN_STEPS)) if own else None
        return best if _convinces(best) else _best(variants.tried(case, rung)) or best
    chain = recognise(case)
    best = _best(_tried(case, chain, rung))
    if best is None and rung == "forward":
        best = layers.diagnose(case)
    if not _convinces(best):
        found = precision.exact(case, rung) or numerical.diagnose(case, rung)
        best = found or ignored.diagnose(case) or best
    if not _convinces(best):
        best = pairing.diagnose(case, rung, chain) or best
    if not _convinces(best):
        rounding = precision.mostly(case, chain, rung) or precision.size(case, rung)
        if rounding and (best is None or rounding.confidence > best.confidence):
            return rounding
    return best


def _convinces(found: Diagnosis | None) -> bool:
    return found is not None and found.confidence >= CONVINCING


def _tried(case: Case, chain: Chain | None, rung: str) -> Iterator[Scored | None]:
    # The simplest first: of ideas that say the same of this net, that one is named.
    for idea in scales.mistakes(case, rung):
        yield idea.diagnose(case, rung)
    for idea in workers.mistakes(case, rung):
        yield idea.diagnose(case, rung)
    for idea in swaps.mistakes(case) if case.inputs.begins_anew and rung != "update" else ():
        yield idea.diagnose(case, rung)
    yield from variants.tried(case, rung)
    for idea in in_step.mistakes(case, chain):
        yield idea.diagnose(case, rung)
    if rung in ("gradients", "update"):
        for idea in (*repeats.mistakes(case, rung), *penalties.mistakes(case, rung)):
            yield idea.diagnose(case, rung)
    for idea in precision.mistakes(case, chain):
        yield idea.diagnose(case, rung)
    if rung == "forward":
        yield from models.probabilities(case)
    yield from models.layouts(case, rung)
    if rung == "update":
        for idea in (*models.orders(case), *batches.mistakes(case), *parts.updates(case)):
            yield idea.diagnose(case, rung)
        if case.ran:
            yield models.stale(case)
            others = optimizers.mistakes(case, in_run.first_move(case))
            for idea in (*others, *in_run.mistakes(case)):
                alone = idea.diagnose(case, rung)
                explains = alone is not None and alone[1].explains
                yield (idea.diagnose_run(case, RUN_STEPS) or alone) if explains else alone


def _of_run(case: Case) -> Diagnosis | None:
    if not case.ran:
        return None
    own = stateful.recognise(case)
    if own is None:
        return _best(variants.tried(case, "trajectory"))
    step = case.findings.divergence.step
    if own != stateful.PLAIN:
        steps = max(RUN_STEPS, step + RUN_STEPS)
        best = _best(stateful.tried(case, own, "trajectory", steps))
        return best if _convinces(best) else _best(variants.tried(case, "trajectory")) or best
    best = _best(_tried_in_run(case, max(RUN_STEPS, step + RUN_STEPS)))
    if _convinces(best):
        return best
    found = workers.at_one_step(case)
    if found:
        return found
    steps = min(case.inputs.steps, max(FITTED_STEPS, step + RUN_STEPS))
    subtle = _best(idea.diagnose_run(case, steps) for idea in in_run.small(case, steps))
    stale = models.stale(case)
    return subtle or (stale[1] if stale else None) or best or batches.search(case)


def _tried_in_run(case: Case, steps: int) -> Iterator[Scored | None]:
    for idea in (*in_run.mistakes(case), *batches.mistakes(case), *workers.in_run(case)):
        yield idea.diagnose_run(case, steps)


def _best(scored: Iterable[Scored | None]) -> Diagnosis | None:
    """Return the diagnosis of highest confidence; of several, one that is close, or the closest.

    No more ideas are tried after one that nothing can excel.
    """
    best, found = (0.0, math.inf), None
    for ratio, diagnosis in filter(None, scored):
        rank = (-diagnosis.confidence, max(ratio, CLOSE_RATIO))
        if found is None or rank < best:
            best, found = rank, diagnosis
        if best <= (-SURE, CLOSE_RATIO):
            break
    return found
