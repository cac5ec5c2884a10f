"""What a port in another language is asked, case by case, and what is expected of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.rungs.ladder import margin_noise
from parity.standard.comparison import LIMIT
from parity.standard.inputs import PART, SPLITS, Inputs, Tensors
from parity.standard.place import SECOND
from parity.standard.reference import checkpoint_steps
from parity.standard.standard import Standard
from shared.batches import Schedule, part
from shared.metrics import correct_rows, margins
from shared.rows import count

Array = NDArray[Any]
Noise = Mapping[str, float | Array]
MOST = 1 << 22  # values of x and y that are written for more than single steps
TESTED = 1_000  # rows to test on, where all are more than that
# The functions on each rung, as the judge climbs them.
STEPWISE = (("layers", "forward"), ("loss",), ("gradients",), ("train",))


@dataclass(frozen=True)
class Due:
    """What one function is to answer in float64, by name, and the noise floors of that.

    A floor is one for all values of its tensor, of shape (), or one for each.
    """

    expected: Tensors
    floors: Noise


@dataclass(frozen=True)
class Case:
    """What a port starts from, and what is due of it.

    weights: by name. steps: the schedule and the learning rate, by name; none of a case that is
    of all rows of a split. due: by function.
    """

    name: str
    weights: Tensors
    steps: Tensors
    due: dict[str, Due]


@dataclass(frozen=True)
class Vectors:
    """All cases of one recipe in one precision.

    rows: x, y, x_test and y_test, or each of several arrays of these, as far as the cases need
    them. left_out: why there is less than the judge compares, a sentence for each.
    """

    rows: Tensors
    cases: list[Case]
    left_out: tuple[str, ...]

    @property
    def answers(self) -> list[str]:
        """All that is to be answered, CASE/FUNCTION, in the order in which the judge looks."""
        single = [case for case in self.cases if case.name.startswith(("step-", "half-"))]
        others = [case for case in self.cases if case not in single]
        return [
            f"{case.name}/{function}"
            for functions in STEPWISE
            for case in single
            for function in functions
            if function in case.due
        ] + [f"{case.name}/{function}" for case in others for function in case.due]


def of(standard: Standard) -> Vectors:
    """Return what a port is asked and held to on one recipe in one precision."""
    inputs = standard.inputs
    kept, whole = _kept(inputs)
    rows = {name: inputs.array(name)[kept] for name in _names(inputs, "train")}
    left_out = []
    if len(kept) < inputs.count:
        left_out.append(
            f"Of {inputs.count:,} training rows, {len(kept):,} are here: those that the "
            "cases see, under numbers of their own."
        )
    if not whole:
        left_out.append("The case run is left out: it would need all of them.")
    there = count(inputs.data("x_test")) if _names(inputs, "test") else 0
    tested = there if _is_small(inputs, "test", there) else min(there, TESTED)
    rows |= {name: inputs.array(name)[:tested] for name in _names(inputs, "test")}
    if tested < there:
        left_out.append(f"Of {there:,} test rows, the first {tested:,} are here.")
    cases = [
        *_single_steps(standard, kept),
        *_runs(standard, kept, whole),
        *_accuracies(standard, {"train": kept, "test": np.arange(tested)}),
    ]
    rows = {name: array for name, array in rows.items() if array.size}  # a lesson has no targets
    return Vectors(rows, cases, tuple(left_out))


def _kept(inputs: Inputs) -> tuple[Array, bool]:
    """Return which training rows to write, (n,), and whether the whole run sees no others.

    All of them, if they are few or every step sees them; else those of the run or, where these are
    too many as well, those of the checkpoints.
    """
    schedule, there = inputs.schedule, inputs.count
    if isinstance(schedule, int) or _is_small(inputs, "train", there):
        return np.arange(there), True
    seen = np.unique(schedule)
    if _is_small(inputs, "train", len(seen)):
        return seen, True
    return np.unique(schedule[checkpoint_steps(len(schedule))]), False


def _is_small(inputs: Inputs, split: str, rows: int) -> bool:
    """Whether so many rows of a split hold few values."""
    width = sum(int(inputs.array(name)[0].size) for name in _names(inputs, split))
    return rows * width <= MOST


def _names(inputs: Inputs, split: str) -> list[str]:
    """Return the names of a split's arrays: "x" and "y", or each of several."""
    return [name for name in inputs.files if name.partition(".")[0] in SPLITS[split]]


def _steps(schedule: Schedule, kept: Array, **rates: float) -> Tensors:
    """Return a schedule, in the numbers of the rows that are kept, and learning rates, by name."""
    if not isinstance(schedule, int):
        schedule = np.searchsorted(kept, schedule)
    numbers = {"schedule": np.asarray(schedule, np.int64)}
    return numbers | {name: np.asarray(rate, np.float64) for name, rate in rates.items()}


def _single_steps(standard: Standard, kept: Array) -> Iterator[Case]:
    """Yield a case for each checkpoint, at the reference's weights, and one of half a batch."""
    inputs, reference, floors = standard.inputs, standard.reference, standard.floors
    for step, weights in reference.checkpoints.items():
        schedule, of_all = inputs.one_step(step)
        if not of_all:
            schedule = np.arange(inputs.count)[np.newaxis, inputs.rows(step)]
        due = {}
        for rung in ("forward", "loss", "gradients", "update"):
            if (rung, step) not in reference.expected:
                continue
            expected, noise = reference.expected[rung, step], floors.expected[rung, step]
            for function, names in _functions(rung, expected, inputs).items():
                own = {name: expected[name] for name in names}
                due[function] = Due(own, {name: noise[name] for name in names})
        name = "half-batch" if step == PART else f"step-{step}"
        yield Case(name, weights, _steps(schedule, kept, learning_rate=inputs.learning_rate), due)


def _functions(rung: str, expected: Tensors, inputs: Inputs) -> dict[str, list[str]]:
    """Return the functions that answer a rung, each with the names of its tensors."""
    if rung == "forward":
        layers = [name for name in expected if name != "outputs"]
        split = {"layers": layers, "forward": ["outputs"]}
        return {function: split[function] for function in split if function in inputs.functions}
    return {"train" if rung == "update" else rung: list(expected)}


def _runs(standard: Standard, kept: Array, whole: bool) -> Iterator[Case]:
    """Yield the cases of more than one step: two calls of `train`, and the run, if it is whole."""
    inputs, reference, floors = standard.inputs, standard.reference, standard.floors
    rate, steps = inputs.learning_rate, inputs.steps
    if reference.resumed:
        asked = _steps(
            part(inputs.schedule, 0, 2),
            kept,
            learning_rate=rate,
            second_learning_rate=SECOND * rate,
        )
        expected = {"loss": reference.losses[1:2], **reference.resumed}
        noise: Noise = {"loss": floors.losses[1:2], **floors.path[2]}
        yield Case("second-call", inputs.weights, asked, {"train": Due(expected, noise)})
    if whole and "train" in inputs.functions:
        asked = _steps(inputs.schedule, kept, learning_rate=rate)
        expected = {"loss": reference.losses, **reference.path[steps]}
        noise = {"loss": floors.losses, **floors.path[steps]}
        yield Case("run", inputs.weights, asked, {"train": Due(expected, noise)})


def _accuracies(standard: Standard, kept: dict[str, Array]) -> Iterator[Case]:
    """Yield a case for each split: the reference's last weights, and all rows that are written."""
    inputs, reference, floors = standard.inputs, standard.reference, standard.floors
    for split, outputs in reference.outputs.items():
        own, floor = outputs[kept[split]], floors.outputs[split]
        y = inputs.array(SPLITS[split][1])[kept[split]]
        sure = margins(own, inputs.threshold) > margin_noise(floor)
        correct = np.asarray(correct_rows(own, y, inputs.threshold), np.int64)
        due = {
            "forward": Due({"outputs": own}, {"outputs": floor}),
            # Rows whose class rounding may turn may go either way.
            "accuracy": Due({"correct": correct}, {"correct": np.count_nonzero(~sure) / LIMIT}),
        }
        yield Case(f"{split}-rows", reference.final(inputs.dtype), {}, due)
