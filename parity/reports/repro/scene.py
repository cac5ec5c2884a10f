"""A divergence with all that was at hand when it was found, and how a script shows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from parity.judging.inquiry import Inquiry
from parity.results import PortResult
from parity.standard.comparison import LIMIT
from parity.standard.floors import NoiseFloors
from parity.standard.inputs import PART, SPLITS, Inputs, Tensors
from parity.standard.place import Place
from parity.standard.reference import Reference
from shared.batches import Schedule, part
from shared.experiment import Experiment
from shared.rows import Array, Rows, picked

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
    x: Rows
    y: Rows
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
    def renames(self) -> dict[str, str]:
        """What the port calls the reference's weights, where it is another name or layout."""
        return self.inquiry.run.inputs(self.inquiry.standard).renames

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
        return function in self.inputs.asked and not self.lacks(function)

    def weights_before(self, step: int) -> Tensors:
        """Return the reference's weights before a step, rounded to the working precision."""
        return self.inquiry.weights_before(step)

    def due(self) -> tuple[Tensors, dict[str, float]]:
        """Return what is expected on the rung and at the step of the divergence, and its floors."""
        expected, floors = self.inquiry.due(self.rung, self.step)
        return expected, self.inquiry.allowing(self.rung, floors)

    def batch(self) -> tuple[Rows, Rows]:
        """Return x (B, inputs) and y (B,) or (B, outputs) of the step of the divergence."""
        return self.inputs.batch(self.experiment.x, self.experiment.y, self.step)

    def split(self) -> tuple[str, Rows, Rows]:
        """Return the tensor's split, "train" or "test", and x and y of all its rows."""
        named = "test" if self.place.name.partition(".")[0] in SPLITS["test"] else "train"
        split = self.place.split or named
        x, y = (getattr(self.experiment, name) for name in SPLITS[split])
        return split, x, y

    def steps(self, start: int, stop: int) -> tuple[Rows, Rows, Schedule]:
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
        return picked(x, rows), picked(y, rows), numbers


def native(name: str, rows: Rows, index: str = "") -> str:
    """Return the code that makes x, y or other rows of the arrays of a script.

    Args:
        name: in `data`, as `shared.rows.named` gives it.
        rows: an array, or several by name.
        index: of the rows to take, in brackets, where it is not all.
    """
    if isinstance(rows, dict):
        each = (f'"{own}": native(data["{name}.{own}"]{index})' for own in rows)
        return f"{{{', '.join(each)}}}"
    return f'native(data["{name}"]{index})'
