"""The noise floors: how far rounding alone moves what the reference computes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

from parity.contract import Port
from parity.standard.inputs import SPLITS, Inputs, Tensors
from parity.standard.monte_carlo import noisy, require_noisy
from parity.standard.reference import (
    At,
    Floors,
    Reference,
    Waypoint,
    checkpoint_steps,
    rungs,
    spans,
    walk,
    wide,
    wide_all,
)
from shared.batches import Schedule, part

Array = NDArray[Any]
Walk = Iterator[tuple[int, Tensors, Array]]
Tell = Callable[[str], None]  # is told what is measured next
K = 8  # how many times a floor is measured, at least
SAMPLES = 64  # how many numbers it is taken from, at least, in so many times as MOST_RUNS
MOST_RUNS = 32
FAR = 100.0  # float32's and float64's floors differ by up to 6 in scale where noise is kept
EXACT_ZERO = float(np.finfo(np.float32).tiny)  # a floor under it is that of zeros, all exact
AMPLIFIED = 1e4  # units in the last place; where rounding moves weights so far, a run is chaotic
GROWTH = 1.5  # by no more than this does a floor that has settled grow while steps grow tenfold
SAMPLE = 1000  # how many rows of a split its outputs' floor is measured on


@dataclass(frozen=True)
class NoiseFloors:
    """How far rounding alone moves what a `Reference` holds, in the same places.

    expected: one floor per tensor on the rungs forward, loss, gradients and update. path: one per
    weight after some numbers of steps, never falling. losses: one per step of the free run.
    outputs: one per split, at the last weights. told_apart: up to how many steps the free run can
    be held to the reference; beyond, rounding alone decides where it goes.
    """

    expected: dict[At, Floors]
    path: dict[int, Floors]
    losses: Array
    outputs: Floors
    told_apart: int

    def path_at(self, step: int) -> Floors:
        """Return the floors of the weights after `step` steps, between two known ones in line."""
        known = sorted(self.path)
        return {
            name: float(np.interp(step, known, [self.path[stop][name] for stop in known]))
            for name in self.path[known[-1]]
        }


def measure(port: Port, inputs: Inputs, reference: Reference, tell: Tell) -> NoiseFloors:
    """Measure how far rounding moves the reference, in the working precision.

    Args:
        port: NumPy's.
        inputs: of the run.
        reference: what it computes in float64.
        tell: is told what is measured next.

    Raises:
        NoiseLostError: an operation of the port returned no noisy array.
    """
    port.configure("float64", "cpu", inputs.threads)
    expected = {}
    for step, weights in reference.checkpoints.items():
        tell(f"noise floors, step {step}")
        expected.update(_floors_at(port, inputs, reference.expected, step, weights))
    losses, path, told_apart = _free_floors(port, inputs, reference, expected, tell)
    outputs = {}
    for split, values in reference.outputs.items():
        rows = np.unique(np.linspace(0, len(values) - 1, SAMPLE).astype(int))
        x = inputs.array(SPLITS[split][0])[rows]
        runs = [
            port.module.forward(
                _noisy_model(port, reference.final(inputs.dtype), random),
                noisy(x, random),
            )
            for random in _generators(_times(reference.path[0]))
        ]
        require_noisy(runs, "forward")
        outputs[split] = _floor(values[rows], runs, inputs.dtype)
    return NoiseFloors(expected, path, losses, outputs, told_apart)


def check_scale(
    single: dict[At, Floors], double: dict[At, Floors], expected: dict[At, Tensors]
) -> str | None:
    """Return a sentence where float64's floors, times 2^29, are far from float32's.

    Rounding is 2^29 times finer in float64. A floor that is thousands of times smaller than that
    means that the noise was lost somewhere, and correct ports would be accused. Of a value that is
    nothing but noise in float32, as is the square of an error that has vanished, the floor need not
    grow in proportion. `expected` are the values in float32.
    """
    for at, floors in single.items():
        for name, floor in floors.items():
            if floor < EXACT_ZERO or floor >= np.abs(expected[at][name]).max():
                continue
            scale = double[at][name] * 2**29 / floor
            if not 1 / FAR < scale < FAR:
                return f"the noise floors of {name} ({at[0]}, step {at[1]}) do not fit: {scale:.2g}"
    return None


def retrace(port: Port, inputs: Inputs, start: int, weights: Tensors, stop: int) -> Waypoint:
    """Go along the reference's path again to a step between two checkpoints.

    Args:
        port: NumPy's.
        inputs: of the run.
        start: the checkpoint before that step.
        weights: the unrounded ones at that checkpoint, by name.
        stop: the step.
    """
    port.configure("float64", "cpu", inputs.threads)
    x, y = wide(inputs.array("x")), wide(inputs.array("y"))
    weights = wide_all(weights)
    if stop > start:
        schedule = part(inputs.schedule, start, stop)
        model = port.module.build(weights)
        model, _ = port.module.train(model, x, y, schedule, inputs.learning_rate)
        weights = port.module.export(model)
    rounded = {name: value.astype(inputs.dtype) for name, value in weights.items()}
    if stop == inputs.steps:
        return Waypoint(stop, weights, rounded, {}, {})
    answers = rungs(port, inputs, wide_all(rounded), x, y, stop)
    expected: dict[At, Tensors] = {(rung, stop): tensors for rung, tensors in answers}
    floors = _floors_at(port, inputs, expected, stop, rounded)
    return Waypoint(stop, weights, rounded, expected, floors)


def _floors_at(
    port: Port, inputs: Inputs, expected: dict[At, Tensors], step: int, weights: Tensors
) -> dict[At, Floors]:
    """Measure the floors of one checkpoint, in Monte Carlo arithmetic."""
    x, y = inputs.array("x"), inputs.array("y")
    runs: dict[str, list[Tensors]] = {}
    for random in _generators(_times(weights)):
        own: Tensors = {name: noisy(value, random) for name, value in weights.items()}
        targets = noisy(y, random) if y.dtype.kind == "f" else y
        for rung, tensors in rungs(port, inputs, own, noisy(x, random), targets, step):
            require_noisy(tensors.values(), rung)
            runs.setdefault(rung, []).append(tensors)
    floors = {
        (rung, step): {
            name: _floor(value, [run[name] for run in runs[rung]], inputs.dtype)
            for name, value in expected[rung, step].items()
        }
        for rung in runs
    }
    if ("update", step) in floors:
        loss, update = floors["loss", step], floors["update", step]
        loss["loss"] = update["loss"] = max(loss["loss"], update["loss"])  # of one and the same
    return floors


def _free_floors(
    port: Port,
    inputs: Inputs,
    reference: Reference,
    floors: dict[At, Floors],
    tell: Tell,
) -> tuple[Array, dict[int, Floors], int]:
    """Measure the floors of the free run: of every step's loss, and of the weights on its path.

    Half of the runs are the reference with noise added to each step's weights; the other half are
    plain ones in the working precision, with the rows of each batch in another order, because
    float32 weights round in a correlated way that random noise misses. They go on side by side, so
    that beyond the recipe's own budget they can end together: where the floors have settled, or
    where rounding has been amplified so far that it decides where the run goes. A chaotic run may
    end in one of several places, of which eight runs need not have seen every one: from there on
    the floor of a tensor is its own size. The last number returned is that of the steps before.
    """
    if not inputs.steps:
        units = {name: _unit(value, inputs.dtype) for name, value in reference.path[0].items()}
        return np.empty(0), {0: units}, 0
    walks = _walks(port, inputs, floors)
    spread = np.zeros(inputs.steps)
    largest: Floors = dict.fromkeys(inputs.weights, 0.0)
    path: dict[int, Floors] = {}
    stops = checkpoint_steps(inputs.steps)
    settled, told_apart = False, inputs.steps
    for start, stop in [(0, 0), *spans(inputs.steps)]:
        tell(f"noise floors, steps up to {stop:,}")
        for _, weights, losses in () if settled else map(next, walks):
            distance = np.abs(losses.astype(np.float64) - reference.losses[start:stop])
            spread[start:stop] = np.maximum(spread[start:stop], distance)
            for name, value in weights.items():
                moved = np.abs(value - reference.path[stop][name]).max()
                largest[name] = float(np.maximum(largest[name], moved))
        for name in largest:  # no weight is known better than a single update knows it
            own = [floors["update", step][name] for step in stops if step < stop]
            largest[name] = max([largest[name], *own])
        units = {name: _unit(value, inputs.dtype) for name, value in reference.path[stop].items()}
        path[stop] = {name: float(np.maximum(largest[name], units[name])) for name in largest}
        if settled or stop < inputs.budget:
            continue
        settled = _settled(spread, path, stop)
        if stop < inputs.steps and any(path[stop][n] > AMPLIFIED * units[n] for n in units):
            settled, told_apart = True, stop
            sizes = {name: np.abs(value).max() for name, value in reference.path[stop].items()}
            largest = {name: max(largest[name], float(sizes[name])) for name in largest}
            spread[stop] = np.abs(reference.losses).max()
    at_once = np.empty(inputs.steps)  # no loss is known better than the rung loss knows it
    for step in checkpoint_steps(inputs.steps):
        at_once[step:] = floors["loss", step]["loss"]
    return np.maximum(np.maximum.accumulate(spread), at_once), path, told_apart


def _settled(spread: Array, path: dict[int, Floors], stop: int) -> bool:
    """Whether no floor of the free run has grown over its last decade of steps, or hardly."""
    earlier = stop // 10
    if earlier not in path:
        return False
    before = {**path[earlier], "loss": spread[:earlier].max()}
    now = {**path[stop], "loss": spread[:stop].max()}
    return all(now[name] <= GROWTH * before[name] for name in now)


def _walks(port: Port, inputs: Inputs, floors: dict[At, Floors]) -> list[Walk]:
    """Return K noisy runs of the reference, that have not begun; their data exists once."""
    x, y = wide(inputs.array("x")), wide(inputs.array("y"))
    generators = _generators()
    return [
        *(_noisy_walk(port, inputs, x, y, floors, random) for random in generators[: K // 2]),
        *(_reordered_walk(port, inputs, random) for random in generators[K // 2 :]),
    ]


def _noisy_walk(
    port: Port, inputs: Inputs, x: Array, y: Array, floors: dict[At, Floors], random: Generator
) -> Walk:
    """Walk in float64, moving the weights after each step by noise of the update rung's size."""
    net = port.module
    weights = wide_all(inputs.weights)
    stops = checkpoint_steps(inputs.steps)
    yield 0, weights, np.empty(0)
    for start, stop in spans(inputs.steps):
        size = floors["update", max(s for s in stops if s <= start)]
        losses = np.empty(stop - start)
        model = net.build(weights)
        for step in range(start, stop):
            model, loss = net.train(
                model, x, y, part(inputs.schedule, step, step + 1), inputs.learning_rate
            )
            losses[step - start] = loss[0]
            weights = net.export(model)
            for name, value in weights.items():
                value += size[name] * random.uniform(-1, 1, value.shape)
            model = net.build(weights)
        yield stop, weights, losses


def _reordered_walk(port: Port, inputs: Inputs, random: Generator) -> Walk:
    """Walk in the working precision, with the rows of each batch in another order."""
    x, y = inputs.array("x"), inputs.array("y")
    if isinstance(inputs.schedule, int):
        order = random.permutation(len(x))
        x, y = x[order], y[order]

    def batches(start: int, stop: int) -> Schedule:
        steps = part(inputs.schedule, start, stop)
        return steps if isinstance(steps, int) else random.permuted(steps, axis=1)

    return walk(port, inputs, x, y, batches, inputs.weights)


def _generators(times: int = K) -> list[Generator]:
    return [default_rng(k) for k in range(times)]


def _times(weights: Tensors) -> int:
    """Return how many times to measure the floors of a net with these weights.

    A floor is the largest of some distances. Where a tensor is a single number, the largest of
    eight may by chance be a small one, and a correct port be accused.
    """
    smallest = min((value.size for value in weights.values()), default=SAMPLES)
    return min(MOST_RUNS, max(K, -(-SAMPLES // smallest)))


def _noisy_model(port: Port, weights: Tensors, random: Generator) -> Any:
    return port.module.build({name: noisy(value, random) for name, value in weights.items()})


def _floor(expected: Array, runs: list[Any], dtype: str) -> float:
    """Return the largest distance of any run from the expected values, at least one unit."""
    distances = [np.abs(np.asarray(run, np.float64) - expected).max() for run in runs]
    return float(np.max([*distances, _unit(expected, dtype)]))  # NaN stays, unlike in max()


def _unit(values: Array, dtype: str) -> float:
    """Return one unit in the last place, in `dtype`, of the largest of the values."""
    return float(np.spacing(np.abs(values).max().astype(dtype)))
