"""The reference: one port in float64, on the very numbers that the others are given."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.contract import Port, PortError
from parity.standard.inputs import PART, SPLITS, Inputs, Tensors
from parity.standard.native import Native, all_in_precision, wide_all
from parity.standard.place import SECOND
from shared.batches import Schedule, part

Array = NDArray[Any]
At = tuple[str, int]  # a rung and a step
Floors = dict[str, float]
ScheduleBetween = Callable[[int, int], Schedule]  # from a first step up to, not including, a last


@dataclass(frozen=True)
class Reference:
    """What the reference computes in float64 from the very numbers that a port is given.

    expected: on the rungs forward, loss, gradients and update, by (rung, step): tensors by name.
    checkpoints: the weights before those steps, rounded to the working precision; PART stands for
    a part of the first batch, at the weights of the last one.
    path: the unrounded weights after some numbers of steps, the last one among them.
    losses: of every step. outputs: at the last weights, rounded, on the rows of each split.
    resumed: the weights after two calls of one step, the second at another learning rate.
    """

    expected: dict[At, Tensors]
    checkpoints: dict[int, Tensors]
    path: dict[int, Tensors]
    losses: Array
    outputs: Tensors
    resumed: Tensors = field(default_factory=dict)

    def final(self, dtype: str) -> Tensors:
        """Return the weights after the last step, rounded to `dtype`."""
        return all_in_precision(self.path[len(self.losses)], dtype)


@dataclass(frozen=True)
class Waypoint:
    """One step of the reference between two checkpoints.

    weights: the unrounded ones before it. expected, floors: on the rungs forward to update, at the
    weights rounded to the working precision; none after the last step.
    """

    step: int
    weights: Tensors
    rounded: Tensors
    expected: dict[At, Tensors]
    floors: dict[At, Floors]


def checkpoint_steps(steps: int) -> list[int]:
    """Return 0, 1, 2, 5, 10, 20, 50, ... and the last of `steps` steps; where none is made, 0."""
    if steps == 0:
        return [0]
    decades = range(len(str(steps)))
    rising = [0, *(digit * 10**decade for decade in decades for digit in (1, 2, 5))]
    return [step for step in rising if step < steps - 1] + [steps - 1]


def run(port: Port, inputs: Inputs) -> Reference:
    """Run the reference in float64 on the rounded inputs."""
    native = Native(port, inputs, "float64")
    path: dict[int, Tensors] = {}
    losses = []
    batches = partial(part, inputs.schedule)
    walked = walk_anew if inputs.begins_anew else walk
    for stop, weights, part_losses in walked(native, batches, wide_all(inputs.weights)):
        path[stop] = weights
        losses.append(part_losses)
    checkpoints = {
        step: all_in_precision(path[step], inputs.dtype) for step in checkpoint_steps(inputs.steps)
    }
    checkpoints[PART] = checkpoints[max(checkpoints)]
    expected: dict[At, Tensors] = {}
    for step, weights in checkpoints.items():
        for rung, tensors in _taken(native, weights, step):
            expected[rung, step] = tensors
    final = native.build(all_in_precision(path[inputs.steps], inputs.dtype))
    outputs = {
        split: native.outputs(final, name)
        for split, (name, _) in SPLITS.items()
        if inputs.data(name) is not None and "accuracy" in inputs.functions
    }
    for split, value in outputs.items():
        if value.ndim > 2:
            raise PortError(
                f"no accuracy can be told of outputs of shape {value.shape} on {split}: name "
                "functions without accuracy in the recipe"
            )
    resumed = resume(native) if inputs.steps > 1 else {}
    return Reference(expected, checkpoints, path, np.concatenate(losses), outputs, resumed)


def resume(native: Native) -> Tensors:
    """Return the weights after two calls of one step, the second at another learning rate."""
    inputs = native.inputs
    model = native.build(inputs.weights)
    for step, rate in enumerate((inputs.learning_rate, SECOND * inputs.learning_rate)):
        model, _ = native.train(model, part(inputs.schedule, step, step + 1), rate)
    return native.export(model)[0]


def rungs(native: Native, weights: Tensors, step: int) -> Iterator[tuple[str, Tensors]]:
    """Yield what the reference answers on each rung, forward to update, at one checkpoint.

    Args:
        native: the reference.
        weights: those of the checkpoint, by name.
        step: the checkpoint's, whose batch is taken.

    Yields:
        A rung, and the tensors on it by name.
    """
    x, y = native.batch(step)
    inputs, due = native.inputs, native.inputs.functions
    inside = native.call_by_name("layers", native.build(weights), x) if "layers" in due else {}
    if "forward" in due:
        inside |= native.forward(native.build(weights), x)
    yield "forward", inside
    if "loss" in due:
        yield "loss", {"loss": native.call("loss", native.build(weights), x, y)}
    if "gradients" in due:
        yield "gradients", native.call_by_name("gradients", native.build(weights), x, y)
    if "train" in due:
        schedule, of_all = inputs.one_step(step)
        data = None if of_all else (x, y)
        rate = inputs.learning_rate
        after, losses = native.export(*native.train(native.build(weights), schedule, rate, data))
        yield "update", {"loss": losses, **after}


def _taken(native: Native, weights: Tensors, step: int) -> Iterator[tuple[str, Tensors]]:
    """Yield as `rungs`, of half a batch up to where no other number of rows is taken.

    That is not asked of ports either: a batch may be cut into equal parts, or its size typed in.
    """
    try:
        yield from rungs(native, weights, step)
    except PortError:
        raise
    except Exception:
        if step != PART:
            raise


def again(
    native: Native, expected: dict[At, Tensors], weights: Tensors, step: int
) -> Iterator[tuple[str, Tensors]]:
    """Yield as `rungs` what was answered before, `expected`."""
    return islice(rungs(native, weights, step), sum(at == step for _, at in expected))


def walk(
    native: Native, batches: ScheduleBetween, weights: Tensors
) -> Iterator[tuple[int, Tensors, Array]]:
    """Train from checkpoint to checkpoint.

    Args:
        native: the reference.
        batches: gives the schedule of the steps from one number up to, not including, another.
        weights: the initial ones, by name.

    Yields:
        How many steps are made, the weights then, and the losses of the steps since the last, (n,).
    """
    yield 0, weights, np.empty(0)
    model = native.build(weights) if native.inputs.steps else None
    for start, stop in spans(native.inputs.steps):
        native.configure()
        rate = native.inputs.learning_rate
        model, losses = native.train(model, batches(start, stop), rate)
        yield stop, *native.export(model, losses)


def walk_anew(
    native: Native, batches: ScheduleBetween, weights: Tensors
) -> Iterator[tuple[int, Tensors, Array]]:
    """Train up to each checkpoint, every time from the start; otherwise as `walk`.

    How rates are scheduled may depend on how many steps there are, so all losses are of the last
    run, which is whole.
    """
    yield 0, weights, np.empty(0)
    for _, stop in spans(native.inputs.steps):
        model, losses = native.train(
            native.build(weights), batches(0, stop), native.inputs.learning_rate
        )
        after, losses = native.export(model, losses)
        yield stop, after, losses if stop == native.inputs.steps else np.empty(0)


def spans(steps: int) -> list[tuple[int, int]]:
    """Return the stretches between checkpoints, (start, stop), up to the end of the run."""
    stops = [*checkpoint_steps(steps), steps]
    return list(pairwise(stops)) if steps else []
