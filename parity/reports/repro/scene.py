"""A divergence with all that was at hand when it was found, and how a script shows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.judging.inquiry import Inquiry
from parity.results import PortResult
from parity.standard.comparison import LIMIT
from parity.standard.floors import NoiseFloors
from parity.standard.inputs import PART, SPLITS, Inputs, Tensors
from parity.standard.place import Place
from parity.standard.reference import Reference
from shared.batches import Schedule, part
from shared.experiment import Experiment

Array = NDArray[Any]
Values = Mapping[str, Array | float]
TRAIN = "model, losses = train(build(weights), x, y, schedule, learning_rate)"
COMPARE = "return differs(got, expected, floors)"


@dataclass(frozen=True)
class Demonstration:
    """How a script shows a divergence.

    about: from where it starts, and what it does. code: lines that call the port and return whether
    it differs from what is `expected` by more than `limit` of the `floors`, which is what is
    `allowed`. They find weights, x and y in the framework's own arrays, and what is `extra` in
    `data`.
    """

    about: str
    code: list[str]
    weights: Tensors
    x: Array
    y: Array
    schedule: Schedule | None = None
    expected: Values = field(default_factory=dict)
    floors: Values = field(default_factory=dict)
    extra: Values = field(default_factory=dict)
    limit: float = LIMIT
    allowed: str = f"{LIMIT:g} noise floors"


@dataclass(frozen=True)
class Scene:
    """The result that has the divergence, and the inquiry that found it."""

    result: PortResult
    inquiry: Inquiry

    @property
    def rung(self) -> str:
        """The rung of the divergence."""
        return self.place.rung

    @property
    def step(self) -> int:
        """The step of the divergence."""
        return PART if self.place.kind == "half batch" else self.place.step

    @property
    def place(self) -> Place:
        """The tensor of the divergence."""
        assert self.result.divergence
        return self.result.divergence.place

    @property
    def experiment(self) -> Experiment:
        """What the port was run on."""
        return self.inquiry.standard.experiment

    @property
    def inputs(self) -> Inputs:
        """The same as the port was given it."""
        return self.inquiry.standard.inputs

    @property
    def reference(self) -> Reference:
        """What it was held to."""
        return self.inquiry.standard.reference

    @property
    def floors(self) -> NoiseFloors:
        """How far rounding moves that."""
        return self.inquiry.standard.floors

    def lacks(self, function: str) -> bool:
        """Whether the port does not provide a function."""
        return function in self.inquiry.record.lacking

    def has(self, function: str) -> bool:
        """Whether the recipe is about a function, and the port provides it."""
        return function in self.inputs.functions and not self.lacks(function)

    def weights_before(self, step: int) -> Tensors:
        """Return the reference's weights before a step, rounded to the working precision."""
        checkpoints = self.reference.checkpoints
        return checkpoints[step] if step in checkpoints else self.inquiry.known[step].rounded

    def due(self) -> tuple[Tensors, dict[str, float]]:
        """Return what is expected on the rung and at the step of the divergence, and its floors."""
        at = self.rung, self.step
        if at in self.reference.expected:
            expected, floors = self.reference.expected[at], self.floors.expected[at]
        else:
            waypoint = self.inquiry.known[self.step]
            expected, floors = waypoint.expected[at], waypoint.floors[at]
        return expected, self.inquiry.allowing(self.rung, floors)

    def batch(self) -> tuple[Array, Array]:
        """Return x (B, inputs) and y (B,) or (B, outputs) of the step of the divergence."""
        x, y = self.inputs.batch(self.experiment.x, self.experiment.y, self.step)
        return x, y

    def split(self) -> tuple[str, Array, Array]:
        """Return the tensor's split, "train" or "test", and x and y of all its rows."""
        named = "test" if self.place.name in SPLITS["test"] else "train"
        split = self.place.split or named
        x, y = (getattr(self.experiment, name) for name in SPLITS[split])
        return split, x, y

    def steps(self, start: int, stop: int) -> tuple[Array, Array, Schedule]:
        """Return x and y of the rows that some steps see, and the steps' schedule in their numbers.

        Args:
            start: the first step, or PART for one on a part of a batch.
            stop: the step after the last.
        """
        x, y, schedule = self.experiment.x, self.experiment.y, self.inputs.schedule
        if start == PART:
            schedule, of_all = self.inputs.one_step(PART)
            x, y = (x, y) if of_all else self.inputs.batch(x, y, PART)
        else:
            schedule = part(schedule, start, stop)
        if isinstance(schedule, int):
            return x, y, schedule
        rows, renumbered = np.unique(schedule, return_inverse=True)
        numbers = renumbered.reshape(schedule.shape)
        return x[rows], y[rows], numbers
