"""Where rounding may lead a free run that has kinks on its way.

ReLU, max pooling and others have kinks: rounding decides on which side of one a number lies, and
the slope jumps there, by far more than rounding itself. The few runs that noise floors are measured
on hardly ever meet the kink that a port meets. So where nothing but a port's free run disagrees,
the reference runs again and again from weights that are moved, by as little as takes it LIMIT
floors away where all is smooth; over a kink, it goes as far away as a correct port may go.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.random import default_rng
from numpy.typing import NDArray

from parity.contract import Port
from parity.standard.comparison import LIMIT
from parity.standard.floors import NoiseFloors, last_place
from parity.standard.inputs import Inputs, Tensors
from parity.standard.native import Native, wide_all
from parity.standard.reference import Floors, Reference

Array = NDArray[np.float64]
RUNS = 64  # where the first FEW meet no kink, no more are made
FEW = 12
SMOOTH = 1.5  # times LIMIT: how far a run without kinks goes at most, for slopes change on the way
FARTHER = 2.0  # times as far as any of these runs, a port may go: no two meet a kink alike
SLIGHT = 2.0**-20  # units in the last place: weights that are moved so little meet no kink


def wander(
    port: Port,
    inputs: Inputs,
    reference: Reference,
    floors: NoiseFloors,
    weights: Floors,
    losses: Array,
) -> NoiseFloors | None:
    """Return floors of the free run, under which a port agrees that rounding may have led astray.

    Args:
        port: the one that the reference is of.
        inputs: of the run.
        reference: what it computes in float64.
        floors: as they were measured.
        weights: how far the port's last weights are from the reference's, by name.
        losses: how far its losses are, (steps,).

    Returns:
        Wider floors, or None where no run of the reference goes as far as the port.
    """
    steps, wide = inputs.steps, floors
    for number, run in enumerate(_runs(port, inputs, reference, floors), 1):
        if SMOOTH * LIMIT < _ratio(*run, floors, steps) < np.inf:
            wide = _widened(wide, *run, steps)
            if _ratio(weights, losses, wide, steps) <= LIMIT:
                return wide
        if number == FEW and wide is floors:
            return None
    return None


def _runs(
    port: Port, inputs: Inputs, reference: Reference, floors: NoiseFloors
) -> Iterator[tuple[Floors, Array]]:
    """Yield how far runs from moved weights end from the reference's, weights and losses."""
    native = Native(port, inputs, "float64")
    begin = wide_all(inputs.weights)
    for seed in range(RUNS):
        random = default_rng(seed)
        way = {
            name: last_place(value, inputs.dtype) * random.uniform(-1, 1, value.shape)
            for name, value in begin.items()
            if value.dtype.kind == "f"
        }
        slight = _off(native, reference, begin, way, SLIGHT)
        ratio = _ratio(*slight, floors, inputs.steps)
        if 0 < ratio < np.inf:
            yield _off(native, reference, begin, way, SLIGHT * LIMIT / ratio)


def _off(
    native: Native, reference: Reference, begin: Tensors, way: Tensors, far: float
) -> tuple[Floors, Array]:
    """Return how far a run ends from the reference's that begins so far along a way."""
    inputs = native.inputs
    moved = {n: value + far * way[n] if n in way else value for n, value in begin.items()}
    trained = native.train(native.build(moved), inputs.schedule, inputs.learning_rate)
    weights, losses = native.export(*trained)
    due = reference.path[inputs.steps]
    distances = {name: float(np.abs(weights[name] - due[name]).max()) for name in due}
    return distances, np.abs(losses - reference.losses)


def _ratio(weights: Floors, losses: Array, floors: NoiseFloors, steps: int) -> float:
    """Return how many floors a run is off, at most; infinity, if that is not finite."""
    path = floors.path[steps]
    ratios = [off / path[name] for name, off in weights.items()]
    worst = float(np.max([*ratios, (losses / floors.losses).max()]))
    return worst if np.isfinite(worst) else np.inf


def _widened(floors: NoiseFloors, weights: Floors, losses: Array, steps: int) -> NoiseFloors:
    """Return floors under which a run agrees that goes FARTHER than one that is so far off."""
    share = FARTHER / LIMIT
    path = {
        name: float(np.fmax(floor, share * weights[name]))
        for name, floor in floors.path[steps].items()
    }
    spread = np.maximum.accumulate(np.fmax(floors.losses, share * losses))
    return replace(floors, path={**floors.path, steps: path}, losses=spread)
