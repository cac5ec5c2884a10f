"""The noise floors: how far rounding alone moves what the reference computes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

from parity.contract import Port
from parity.standard.comparison import LIMIT
from parity.standard.inputs import SPLITS, Inputs, Tensors
from parity.standard.native import Native, all_in_precision, wide_all
from parity.standard.reference import (
    At,
    Floors,
    Reference,
    ScheduleBetween,
    Waypoint,
    again,
    checkpoint_steps,
    resume,
    rungs,
    spans,
    walk,
)
from shared.batches import Schedule, part
from shared.rows import picked

Array = NDArray[Any]
Walk = Iterator[tuple[int, Tensors, Array]]
Tell = Callable[[str], None]  # is told what is measured next
K = 8  # how many times a floor is measured, at least
SAMPLES = 64  # how many numbers it is taken from, at least, in so many times as MOST_RUNS
MOST_RUNS = 32
FAR = 100.0  # float32's and float64's floors differ by up to 6 in scale where noise is kept
LOST = 2.0  # units in the last place: a floor over that has its noise
LOST_AT = "the noise floors of {} do not fit: {:.2g}"
SINGLE = (
    "in float64, {} is hardly more exact than in float32: something in the reference computes in "
    "float32, as a Keras loss or layer does that is made when the file is imported: make it in a "
    "function"
)
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
        port: the one that the reference is of.
        inputs: of the run.
        reference: what it computes in float64.
        tell: is told what is measured next.

    Raises:
        NoiseLostError: a function of the port returned what had lost the noise.
    """
    native = Native(port, inputs, inputs.dtype)
    expected = {}
    for step, weights in reference.checkpoints.items():
        tell(f"noise floors, step {step}")
        expected.update(_floors_at(native, reference.expected, step, weights))
    outputs = _floors_of_outputs(native, reference)
    losses, path, told_apart = _free_floors(native, reference, expected, tell)
    if reference.resumed and 2 not in path:
        path[2] = _floors_of_resumed(native, reference)
    return NoiseFloors(expected, path, losses, outputs, told_apart)


def check_scale(
    single: dict[At, Floors], double: dict[At, Floors], expected: dict[At, Tensors]
) -> str | None:
    """Return a sentence where float64's floors, times 2^29, are far from float32's.

    Rounding is 2^29 times finer in float64. A floor that is thousands of times smaller than that
    means that the noise was lost somewhere, and correct ports would be accused. Of a value that is
    nothing but noise in float32, as is the square of an error that has vanished, the floor need not
    grow in proportion. Nor where rounding decides a choice, as max pooling's between values that
    are all but equal: that is 2^29 times as frequent in float32, and moves gradients by far more
    than rounding does. So a floor has lost its noise only if it is small in its own units, too.
    `expected` are the values in float32.
    """
    for at, floors in single.items():
        for name, floor in floors.items():
            if floor < EXACT_ZERO or floor >= np.abs(expected[at][name]).max():
                continue
            scale = double[at][name] * 2**29 / floor
            units = min(
                floor / last_place(expected[at][name], "float32"),
                double[at][name] / last_place(expected[at][name], "float64"),
            )
            if units < LOST and not 1 / FAR < scale < FAR:
                where = f"{name} ({at[0]}, step {at[1]})"
                return (SINGLE if scale * FAR > 2**29 else LOST_AT).format(where, scale)
    return None


def retrace(port: Port, inputs: Inputs, start: int, weights: Tensors, stop: int) -> Waypoint:
    """Go along the reference's path again to a step between two checkpoints.

    Args:
        port: the one that the reference is of.
        inputs: of the run.
        start: the checkpoint before that step.
        weights: the unrounded ones at that checkpoint, by name.
        stop: the step.
    """
    native = Native(port, inputs, "float64")
    if inputs.begins_anew:  # what an optimizer keeps is not among the weights
        start, weights = 0, wide_all(inputs.weights)
    if stop > start:
        model = native.build(weights)
        model, _ = native.train(model, part(inputs.schedule, start, stop), inputs.learning_rate)
        weights, _ = native.export(model)
    rounded = all_in_precision(weights, inputs.dtype)
    if stop == inputs.steps:
        return Waypoint(stop, weights, rounded, {}, {})
    answers = rungs(native, rounded, stop)
    expected: dict[At, Tensors] = {(rung, stop): tensors for rung, tensors in answers}
    floors = _floors_at(Native(port, inputs, inputs.dtype), expected, stop, rounded)
    return Waypoint(stop, weights, rounded, expected, floors)


def _floors_at(
    native: Native, expected: dict[At, Tensors], step: int, weights: Tensors
) -> dict[At, Floors]:
    """Measure the floors of one checkpoint, in Monte Carlo arithmetic."""
    floors: dict[At, Floors] = {}
    for random in _generators(runs_for(weights)):
        with native.err(random):
            for rung, tensors in again(native, expected, weights, step):
                own = floors.setdefault((rung, step), {})
                for name, value in expected[rung, step].items():
                    distance = largest_distance(value, [tensors[name]], native.dtype)
                    own[name] = float(np.maximum(own.get(name, distance), distance))
    if {("update", step), ("loss", step)} <= floors.keys():
        loss, update = floors["loss", step], floors["update", step]
        loss["loss"] = update["loss"] = max(loss["loss"], update["loss"])  # of one and the same
    return floors


def _floors_of_outputs(native: Native, reference: Reference) -> Floors:
    """Measure the floors of the trained model's outputs, on some rows of each split."""
    floors = {}
    for split, values in reference.outputs.items():
        name, _ = SPLITS[split]
        whole = native.inputs.parts(name)[0]  # outputs of a batch may be its own alone
        rows = np.unique(np.linspace(whole.start, whole.stop - 1, SAMPLE).astype(int))
        x = picked(native.inputs.data(name), rows)
        runs = []
        for random in _generators(runs_for(reference.path[0])):
            with native.err(random):
                model = native.build(reference.final(native.dtype))
                runs.append(native.call("forward", model, native.given(x)))
        floors[split] = largest_distance(values[rows], runs, native.dtype)
    return floors


def _floors_of_resumed(native: Native, reference: Reference) -> Floors:
    """Measure the floors of the weights after two calls of one step."""
    runs = []
    for random in _generators(runs_for(reference.path[0])):
        with native.err(random):
            runs.append(resume(native))
    return {
        name: largest_distance(value, [run[name] for run in runs], native.dtype)
        for name, value in reference.resumed.items()
    }


def _free_floors(
    native: Native, reference: Reference, floors: dict[At, Floors], tell: Tell
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
    inputs = native.inputs
    if not inputs.steps:
        units = {name: last_place(value, inputs.dtype) for name, value in reference.path[0].items()}
        return np.empty(0), {0: units}, 0
    if inputs.begins_anew:
        walks = _whole_walks(native, _takes_any_order(native, reference, floors))
    else:
        walks = _walks(native, floors)
    stretches = [(0, inputs.steps)] if inputs.begins_anew else spans(inputs.steps)
    spread = np.zeros(inputs.steps)
    largest: Floors = dict.fromkeys(reference.path[inputs.steps], 0.0)
    path: dict[int, Floors] = {}
    stops = checkpoint_steps(inputs.steps)
    settled, told_apart = False, inputs.steps
    for start, stop in [(0, 0), *stretches]:
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
        units = {
            name: last_place(value, inputs.dtype) for name, value in reference.path[stop].items()
        }
        path[stop] = {name: float(np.maximum(largest[name], units[name])) for name in largest}
        if settled or stop < inputs.budget:
            continue
        settled = _settled(spread, path, stop)
        if stop < inputs.steps and any(path[stop][n] > AMPLIFIED * units[n] for n in units):
            settled, told_apart = True, stop
            sizes = {name: np.abs(value).max() for name, value in reference.path[stop].items()}
            largest = {name: max(largest[name], float(sizes[name])) for name in largest}
            spread[stop] = np.abs(reference.losses).max()
    at_once = np.empty(inputs.steps)  # no loss is known better than a single step knows it
    for step in checkpoint_steps(inputs.steps):
        at_once[step:] = floors["update", step]["loss"]
    return np.maximum(np.maximum.accumulate(spread), at_once), path, told_apart


def _settled(spread: Array, path: dict[int, Floors], stop: int) -> bool:
    """Whether no floor of the free run has grown over its last decade of steps, or hardly."""
    earlier = stop // 10
    if not earlier or earlier not in path:
        return False
    before = {**path[earlier], "loss": spread[:earlier].max()}
    now = {**path[stop], "loss": spread[:stop].max()}
    return all(now[name] <= GROWTH * before[name] for name in now)


def _walks(native: Native, floors: dict[At, Floors]) -> list[Walk]:
    """Return K noisy runs of the reference, that have not begun; their data exists once."""
    exact = Native(native.port, native.inputs, "float64")
    generators = _generators()
    return [
        *(_noisy_walk(exact, floors, random) for random in generators[: K // 2]),
        *(
            walk(*_reordered(native, random), native.inputs.weights)
            for random in generators[K // 2 :]
        ),
    ]


def _noisy_walk(native: Native, floors: dict[At, Floors], random: Generator) -> Walk:
    """Walk in float64, moving the weights after each step by noise of the update rung's size."""
    inputs = native.inputs
    weights = wide_all(inputs.weights)
    stops = checkpoint_steps(inputs.steps)
    yield 0, weights, np.empty(0)
    for start, stop in spans(inputs.steps):
        native.configure()
        size = floors["update", max(s for s in stops if s <= start)]
        losses = np.empty(stop - start)
        for step in range(start, stop):
            one = part(inputs.schedule, step, step + 1)
            trained = native.train(native.build(weights), one, inputs.learning_rate)
            weights, (losses[step - start],) = native.export(*trained)
            for name, value in weights.items():
                value += size[name] * random.uniform(-1, 1, value.shape)
        yield stop, weights, losses


def _reordered(native: Native, random: Generator) -> tuple[Native, ScheduleBetween]:
    """Return a reference with the rows of each batch in another order."""
    inputs = native.inputs
    if isinstance(inputs.schedule, int):
        native = replace(native, order=random.permutation(inputs.count))

    def batches(start: int, stop: int) -> Schedule:
        steps = part(inputs.schedule, start, stop)
        return steps if isinstance(steps, int) else random.permuted(steps, axis=1)

    return native, batches


def _takes_any_order(native: Native, reference: Reference, floors: dict[At, Floors]) -> bool:
    """Whether a first step comes to the same with the rows of its batch in another order.

    It does not where a batch is cut into parts that are normalised each by itself: in another
    order, a run would be off by far more than by rounding.
    """
    inputs, own = native.inputs, floors["update", 0]
    exact = Native(native.port, inputs, "float64")
    reordered, batches = _reordered(exact, default_rng(K))
    model = reordered.build(reference.checkpoints[0])
    after, losses = exact.export(*reordered.train(model, batches(0, 1), inputs.learning_rate))
    finer = float(np.finfo("float64").eps / np.finfo(inputs.dtype).eps)
    limits = {name: LIMIT * own[name] * (finer if name == "loss" else 1) for name in own}
    got = {"loss": losses, **after}
    return all(
        np.abs(got[name] - value).max(initial=0.0) <= limits[name]
        for name, value in reference.expected["update", 0].items()
    )


def _whole_walks(native: Native, in_any_order: bool) -> list[Walk]:
    """Return K runs of a reference whose `train` may keep a state, that have not begun.

    They make all steps in one call: half of them with errors in every operation, half plain ones
    in the working precision, with the rows of each batch in another order. Where these may be in
    their own order alone, all err, and there is one plain run more.
    """
    generators = _generators()
    if not in_any_order:
        plain = _whole_walk(native, partial(part, native.inputs.schedule))
        return [*(_erring_walk(native, random) for random in generators), plain]
    return [
        *(_erring_walk(native, random) for random in generators[: K // 2]),
        *(_whole_walk(*_reordered(native, random)) for random in generators[K // 2 :]),
    ]


def _erring_walk(native: Native, random: Generator) -> Walk:
    with native.err(random):  # no other walk must go on before it ends
        walked = list(_whole_walk(native, partial(part, native.inputs.schedule)))
    yield from walked


def _whole_walk(native: Native, batches: ScheduleBetween) -> Walk:
    inputs = native.inputs
    yield 0, inputs.weights, np.empty(0)
    native.configure()
    schedule = batches(0, inputs.steps)
    trained = native.train(native.build(inputs.weights), schedule, inputs.learning_rate)
    yield inputs.steps, *native.export(*trained)


def _generators(times: int = K) -> list[Generator]:
    return [default_rng(k) for k in range(times)]


def runs_for(weights: Tensors) -> int:
    """Return how many times to measure the floors of a net with these weights.

    A floor is the largest of some distances. Where a tensor is a single number, the largest of
    eight may by chance be a small one, and a correct port be accused.
    """
    smallest = min((value.size for value in weights.values()), default=SAMPLES)
    return min(MOST_RUNS, max(K, -(-SAMPLES // smallest)))


def largest_distance(expected: Array, runs: list[Any], dtype: str) -> float:
    """Return the largest distance of any run from the expected values, at least one unit."""
    distances = [np.abs(np.asarray(run, np.float64) - expected).max() for run in runs]
    return float(np.max([*distances, last_place(expected, dtype)]))  # NaN stays, unlike in max()


def last_place(values: Array, dtype: str) -> float:
    """Return one unit in the last place, in `dtype`, of the largest of the values."""
    return float(np.spacing(np.abs(values).max().astype(dtype)))
