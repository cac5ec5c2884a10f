"""A case to diagnose: what a port answered, what was due, and the reference to try ideas on."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np

from parity.contract import Port
from parity.processes.messages import Explain, Findings
from parity.rungs.ladder import provided
from parity.standard.inputs import PART, Inputs, Tensors
from parity.standard.native import Native, wide, wide_all
from parity.standard.reference import At, Floors, Reference
from shared.batches import Schedule
from shared.rows import Array, Rows, count, mapped


class Computed(NamedTuple):
    """What a net computes on one batch of B rows.

    outputs: (B, outputs), or (0,) of a net without `forward`. loss: a number, NaN where there is
    none. gradients: by the weights' names. inside: what `layers` gives, by name.
    """

    outputs: Array
    loss: Any
    gradients: Tensors
    inside: Tensors = {}  # noqa: RUF012 - never changed


class NotTakenError(Exception):
    """A user's reference does not take what an idea gives it, such as labels of no class."""


class Compute(Protocol):
    """A computation on one batch: the reference's, or one with a mistake in it."""

    def __call__(self, weights: Tensors, x: Rows, y: Rows) -> Computed:
        """Compute outputs, loss and gradients.

        Args:
            weights: by name, in float64.
            x: the batch's inputs, (B, inputs), or several arrays by name.
            y: its targets: classes (B,), or (B, outputs), or several by name.
        """
        ...


@dataclass(frozen=True)
class Case:
    """Findings, and the reference at hand. All arrays that it gives are in float64.

    floors, loss_floors: the noise floors of single steps, and of the free run's losses, (steps,).
    second_floors: of the weights after two steps. in_turn: whether rows are thought to be dealt to
    workers one by one, as PyTorch's DistributedSampler deals them, not in a block to each.
    """

    port: Port
    inputs: Inputs
    reference: Reference
    floors: dict[At, Floors]
    second_floors: Floors
    loss_floors: Array
    findings: Findings
    in_turn: bool = False
    _answered: dict[str, list[tuple[int, Tensors]]] = field(default_factory=dict)
    _before: dict[str, float] = field(default_factory=dict)
    _kept: dict[int, Computed] = field(default_factory=dict)

    @classmethod
    def of(cls, port: Port, asked: Explain) -> "Case":
        """Return the case that a request puts."""
        return cls(port, **vars(asked))

    @cached_property
    def x(self) -> Rows:
        """All rows to train on, (rows, inputs), or several arrays by name."""
        return mapped(lambda array: np.asarray(wide(array)), self.inputs.data("x"))

    @cached_property
    def y(self) -> Rows:
        """All targets to train on: classes (rows,), or (rows, outputs), or several by name."""
        return mapped(lambda array: np.asarray(wide(array)), self.inputs.data("y"))

    @property
    def rows(self) -> int:
        """How many rows there are to train on."""
        return count(self.x)

    @property
    def x_is_real(self) -> bool:
        """Whether the inputs are one array of real numbers, (rows, ...), as ideas about x take it.

        Several arrays are not, and neither are whole numbers, which may be looked up by.
        """
        return isinstance(self.x, np.ndarray) and self.x.dtype.kind == "f" and self.x.ndim > 1

    @cached_property
    def native(self) -> Native:
        """The reference at work in float64."""
        return Native(self.port, self.inputs, "float64")

    @cached_property
    def buffers(self) -> tuple[str, ...]:
        """What is exported beside the weights that have gradients, such as running means."""
        slopes = self.reference.expected.get(("gradients", 0), self.inputs.weights)
        return tuple(name for name in self.inputs.weights if name not in slopes)

    @property
    def trained(self) -> tuple[str, ...]:
        """The weights that have gradients."""
        return tuple(name for name in self.inputs.weights if name not in self.buffers)

    @cached_property
    def ran(self) -> bool:
        """Whether the port made a free run of the right length."""
        losses = self.findings.answers.get(("trajectory", self.inputs.steps), {}).get("loss")
        return losses is not None and losses.shape == self.reference.losses.shape

    @property
    def losses(self) -> Array:
        """The port's losses of its free run, (steps,), in float64."""
        return self.findings.answers["trajectory", self.inputs.steps]["loss"].astype(np.float64)

    @property
    def rate(self) -> float:
        """The learning rate."""
        return self.inputs.learning_rate

    @cached_property
    def expected(self) -> dict[At, Tensors]:
        """What was due at single steps."""
        extra = self.findings.waypoint
        due = {**self.reference.expected, **(extra.expected if extra else {})}
        return {at: self._due(at, tensors) for at, tensors in due.items()}

    def _due(self, at: At, tensors: Tensors) -> Tensors:
        if at[0] != "forward":
            return tensors
        got = self.findings.answers.get(at, {})
        return provided(tensors, got, self.findings.lacking, self.inputs)[0]

    @cached_property
    def noise(self) -> dict[At, Floors]:
        """The noise floors of what was due at single steps."""
        extra = self.findings.waypoint
        return {**self.floors, **(extra.floors if extra else {})}

    @cached_property
    def weights(self) -> dict[int, Tensors]:
        """The weights from which the port was to make single steps."""
        extra = self.findings.waypoint
        rounded = {**self.reference.checkpoints, **({extra.step: extra.rounded} if extra else {})}
        return {step: wide_all(weights) for step, weights in rounded.items()}

    def batch(self, step: int) -> tuple[Rows, Rows]:
        """Return x (B, inputs) and y (B,) or (B, outputs) of the rows that one step sees."""
        return self.inputs.batch(self.x, self.y, step)

    @property
    def batch_size(self) -> int:
        """How many rows a step sees."""
        schedule: Schedule = self.inputs.schedule
        return self.rows if isinstance(schedule, int) else schedule.shape[1]

    def compute(self, weights: Tensors, x: Rows, y: Rows) -> Computed:
        """Return what the reference computes on one batch; a `Compute`.

        Raises:
            NotTakenError: it is a user's, and raised something.
        """
        try:
            return self._computed(weights, x, y)
        except Exception as error:
            if self.inputs.begins_anew:
                raise NotTakenError from error
            raise

    def computed_at(self, step: int) -> Computed:
        """Return what the reference computes on a step's batch with its own weights, kept."""
        if step not in self._kept:
            self._kept[step] = self.compute(self.weights[step], *self.batch(step))
        return self._kept[step]

    def _computed(self, weights: Tensors, x: Rows, y: Rows) -> Computed:
        own, due = self.native, self.inputs.functions
        x, y = own.given(x), own.given(y)
        model = own.build(weights)
        inside = own.call_by_name("layers", model, x) if "layers" in due else {}
        inside |= own.forward(model, x) if "forward" in due else {}
        return Computed(
            inside.pop("outputs", np.empty(0)),
            own.call("loss", model, x, y) if "loss" in due else np.nan,
            own.call_by_name("gradients", model, x, y) if "gradients" in due else {},
            inside,
        )

    def answered(self, rung: str) -> list[tuple[int, Tensors]]:
        """Return what the port answered on a rung, by step, where it can be compared at all."""
        if rung not in self._answered:
            self._answered[rung] = [
                (step, {key: value.astype(np.float64) for key, value in got.items()})
                for (name, step), got in sorted(self.findings.answers.items())
                if name == rung and step != PART and (name, step) in self.expected
                if comparable(self.expected[name, step], got)
            ]
        return self._answered[rung]

    def implied(self, rung: str) -> Iterator[tuple[int, Tensors, Tensors]]:
        """Yield by step the gradients that the port took, and those that were due."""
        for step, got in self.answered(rung):
            due = self.expected["gradients", step]
            if rung == "update":
                weights = self.weights[step]
                got = {k: (w - got[k]) / self.rate for k, w in weights.items() if k in got}
            yield step, got, due

    def before(self, rung: str) -> float:
        """Return the worst ratio on a rung, to measure against what an idea makes of it."""
        if rung not in self._before:
            self._before[rung] = max(
                self.misfit(rung, lambda step: self.expected[rung, step]),
                self.findings.divergence.ratio,
            )
        return self._before[rung]

    def floor_of(self, rung: str, step: int, name: str, predicted: Array) -> float:
        """Return the noise floor of what an idea predicts in place of what was due.

        A prediction that is larger than what was due has a larger floor, too, and none is known
        better than to a unit in its last place.
        """
        floor = self.noise[rung, step][name] * growth(predicted, self.expected[rung, step][name])
        with np.errstate(invalid="ignore", over="ignore"):
            unit = np.spacing(np.abs(predicted).max(initial=0.0).astype(self.inputs.dtype))
        return max(floor, float(unit)) if np.isfinite(unit) else floor

    def misfit(
        self,
        rung: str,
        predict: Callable[[int], Tensors],
        hopeless: float = math.inf,
        noise: Callable[[int], Floors] = lambda step: {},
    ) -> float:
        """Return the worst ratio between a rung's answers and what an idea predicts instead.

        Over a `hopeless` ratio, no more steps are tried. noise: the floors of the prediction,
        where they may be larger.
        """
        worst = 0.0
        for step, got in self.answered(rung):
            predicted, own = predict(step), noise(step)
            for name, value in got.items():
                if name not in predicted:
                    if name == self.findings.divergence.place.name:
                        return math.inf
                    continue
                floor = max(self.floor_of(rung, step, name, predicted[name]), own.get(name, 0.0))
                worst = max(worst, distance(value, predicted[name]) / floor)
            if worst > hopeless:
                break
        return worst


def comparable(due: Tensors, got: Tensors) -> bool:
    """Whether tensors have the right names and shapes, and hold finite numbers."""
    return got.keys() == due.keys() and all(
        got[name].shape == value.shape and np.isfinite(got[name]).all()
        for name, value in due.items()
    )


def distance(one: Array, other: Array) -> float:
    """Return the largest difference of two arrays of any one shape.

    It is infinity where their shapes differ, or the difference is not finite.
    """
    if np.shape(one) != np.shape(other):
        return float("inf")
    with np.errstate(invalid="ignore", over="ignore"):
        largest = np.abs(np.asarray(one, np.float64) - other).max(initial=0.0)
    return float(largest) if np.isfinite(largest) else float("inf")


def growth(predicted: Array, due: Array) -> float:
    """Return how many times larger a prediction is than what was due, of any shape; at least 1."""
    largest = float(np.abs(due).max(initial=0.0))
    with np.errstate(invalid="ignore", over="ignore"):
        grown = float(np.abs(predicted).max(initial=0.0)) / largest if largest else 1.0
    return max(1.0, grown) if np.isfinite(grown) else 1.0
