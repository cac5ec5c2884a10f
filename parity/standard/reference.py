"""The reference: the NumPy port in float64, on the very numbers that a port is given."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.contract import Port
from parity.standard.inputs import PART, SPLITS, Inputs, Tensors
from parity.standard.place import SECOND
from shared.batches import Schedule, part

Array = NDArray[Any]
At = tuple[str, int]  # a rung and a step
Floors = dict[str, float]
ScheduleBetween = Callable[[int, int], Schedule]  # from a first step up to, not including, a last


@dataclass(frozen=True)
class Reference:
    """What the NumPy port computes in float64 from the very numbers that a port is given.

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
        return {name: value.astype(dtype) for name, value in self.path[len(self.losses)].items()}


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
    """Run the NumPy port in float64 on the rounded inputs."""
    port.configure("float64", "cpu", inputs.threads)
    x, y = wide(inputs.array("x")), wide(inputs.array("y"))
    path: dict[int, Tensors] = {}
    losses = []
    batches = partial(part, inputs.schedule)
    for stop, weights, part_losses in walk(port, inputs, x, y, batches, wide_all(inputs.weights)):
        path[stop] = weights
        losses.append(part_losses)
    checkpoints = {
        step: {name: value.astype(inputs.dtype) for name, value in path[step].items()}
        for step in checkpoint_steps(inputs.steps)
    }
    checkpoints[PART] = checkpoints[max(checkpoints)]
    expected: dict[At, Tensors] = {}
    for step, weights in checkpoints.items():
        for rung, tensors in rungs(port, inputs, wide_all(weights), x, y, step):
            expected[rung, step] = tensors
    final = {name: wide(value.astype(inputs.dtype)) for name, value in path[inputs.steps].items()}
    outputs = {
        split: port.module.forward(port.module.build(final), wide(inputs.array(name)))
        for split, (name, _) in SPLITS.items()
        if name in inputs.files and "accuracy" in inputs.functions
    }
    resumed = _resume(port, inputs, x, y) if inputs.steps > 1 else {}
    return Reference(expected, checkpoints, path, np.concatenate(losses), outputs, resumed)


def _resume(port: Port, inputs: Inputs, x: Any, y: Any) -> Tensors:
    """Return the weights after two calls of one step, the second at another learning rate."""
    model = port.module.build(wide_all(inputs.weights))
    for step, rate in enumerate((inputs.learning_rate, SECOND * inputs.learning_rate)):
        model, _ = port.module.train(model, x, y, part(inputs.schedule, step, step + 1), rate)
    resumed: Tensors = port.module.export(model)
    return resumed


def rungs(
    port: Port, inputs: Inputs, weights: Tensors, x: Any, y: Any, step: int
) -> Iterator[tuple[str, Tensors]]:
    """Yield what the port answers on each rung, forward to update, at one checkpoint.

    Args:
        port: NumPy's.
        inputs: of the run.
        weights: those of the checkpoint, by name.
        x: all inputs to train on, (rows, inputs).
        y: all targets: classes (rows,), or (rows, outputs).
        step: the checkpoint's, whose batch is taken.

    Yields:
        A rung, and the tensors on it by name.
    """
    batch = inputs.batch(x, y, step)
    net, due = port.module, inputs.functions
    build = getattr(net, "build", dict)
    inside = net.layers(build(weights), batch[0]) if "layers" in due else {}
    outputs = {"outputs": net.forward(build(weights), batch[0])} if "forward" in due else {}
    yield "forward", {**inside, **outputs}
    if "loss" in due:
        yield "loss", {"loss": net.loss(build(weights), *batch)}
    if "gradients" in due:
        yield "gradients", net.gradients(build(weights), *batch)
    if "train" in due:
        data = inputs.one_step(x, y, step)
        model, losses = net.train(build(weights), *data, inputs.learning_rate)
        yield "update", {"loss": losses, **net.export(model)}


def walk(
    port: Port, inputs: Inputs, x: Any, y: Any, batches: ScheduleBetween, weights: Tensors
) -> Iterator[tuple[int, Tensors, Array]]:
    """Train from checkpoint to checkpoint.

    Args:
        port: NumPy's.
        inputs: of the run.
        x: all inputs to train on, (rows, inputs).
        y: all targets: classes (rows,), or (rows, outputs).
        batches: gives the schedule of the steps from one number up to, not including, another.
        weights: the initial ones, by name.

    Yields:
        How many steps are made, the weights then, and the losses of the steps since the last, (n,).
    """
    yield 0, weights, np.empty(0)
    if inputs.steps:
        model = port.module.build(weights)
    for start, stop in spans(inputs.steps):
        model, losses = port.module.train(model, x, y, batches(start, stop), inputs.learning_rate)
        yield stop, port.module.export(model), losses


def spans(steps: int) -> list[tuple[int, int]]:
    """Return the stretches between checkpoints, (start, stop), up to the end of the run."""
    stops = [*checkpoint_steps(steps), steps]
    return list(pairwise(stops)) if steps else []


def wide(array: Any) -> Any:
    """Return a copy in float64; whole numbers stay as they are."""
    return array.astype(np.float64) if array.dtype.kind == "f" else np.array(array)


def wide_all(tensors: Tensors) -> Tensors:
    """Return copies in float64."""
    return {name: wide(value) for name, value in tensors.items()}
