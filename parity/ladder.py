"""Judging what a port answered, rung by rung, against the reference and its noise floors."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.comparison import LIMIT, Comparison, Example, compare, unusable
from parity.floors import NoiseFloors
from parity.inputs import SPLITS, Inputs, Tensors
from parity.messages import Answer, Failed, Lacking, Loaded, Message, Predictions, Timed, Unchanged
from parity.reference import Reference
from parity.verdicts import RUNGS
from shared.metrics import correct_rows, margins, predicted_classes
from shared.recipes import Figure

Array = NDArray[Any]


@dataclass
class Record:
    """All that a worker said while its port was run through the rungs."""

    framework: str = ""
    lacking: tuple[str, ...] = ()
    unchanged: list[Comparison] = field(default_factory=list)
    answers: dict[tuple[str, int], Tensors] = field(default_factory=dict)
    predictions: list[Predictions] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    failure: Failed | None = None

    def add(self, message: Message) -> None:
        """Keep what a message says."""
        match message:
            case Loaded():
                self.framework = message.framework
                self.seconds["import"] = message.seconds
            case Lacking():
                self.lacking = message.functions
            case Unchanged():
                self.unchanged += message.comparisons
            case Answer():
                self.answers[message.rung, message.step] = message.tensors
            case Predictions():
                self.predictions.append(message)
            case Timed():
                self.seconds[message.what] = message.seconds
            case Failed():
                self.failure = message


def judge(
    inputs: Inputs,
    reference: Reference,
    floors: NoiseFloors,
    figures: tuple[Figure, ...],
    record: Record,
) -> dict[str, list[Comparison]]:
    """Return the comparisons of each rung, in the order of the ladder.

    A rung without comparisons was not provided by the port, or not reached before it failed;
    `published` is there only where there are figures to hold it to.
    """
    found = {rung: list[Comparison]() for rung in RUNGS}
    found["data"] = record.unchanged
    for (rung, step), expected in reference.expected.items():
        if (rung, step) in record.answers:
            got = record.answers[rung, step]
            found[rung] += _tensors(step, expected, got, floors.expected[rung, step], inputs.dtype)
    if ("trajectory", inputs.steps) in record.answers:
        got = record.answers["trajectory", inputs.steps]
        found["trajectory"] = _trajectory(inputs, reference, floors, got)
        found["published"] = _published(figures, got["loss"])
    for prediction in record.predictions:
        found["accuracy"] += _accuracy(inputs, reference, floors, prediction)
    if not figures:
        del found["published"]
    return found


def compare_path(
    inputs: Inputs, reference: Reference, floors: NoiseFloors, step: int, got: Tensors
) -> list[Comparison]:
    """Compare the weights after `step` steps of a free run with the reference's."""
    return _tensors(step, reference.path[step], got, floors.path[step], inputs.dtype)


def applicable(figures: tuple[Figure, ...], inputs: Inputs, own_seed: bool) -> tuple[Figure, ...]:
    """Return the published figures that this run can be held to."""
    if inputs.dtype != "float64" or not own_seed:
        return ()
    return tuple(figure for figure in figures if figure.step < inputs.steps)


def _tensors(
    step: int, expected: Tensors, got: Tensors, floors: dict[str, float], dtype: str
) -> list[Comparison]:
    """Compare tensors by name; a missing or an extra one cannot be compared."""
    names = ", ".join(expected)
    extra = [name for name in got if name not in expected]
    return [
        compare(name, step, value, got[name], floors[name], dtype)
        if name in got
        else unusable(name, step, f"one of {names}", "missing")
        for name, value in expected.items()
    ] + [unusable(name, step, f"only {names}", "extra") for name in extra]


def _trajectory(
    inputs: Inputs, reference: Reference, floors: NoiseFloors, got: Tensors
) -> list[Comparison]:
    """Compare the loss of every step and the last weights."""
    losses = compare("loss", 0, reference.losses, got["loss"], floors.losses, inputs.dtype, True)
    if losses.examples and losses.examples[0].index:
        losses = replace(losses, step=losses.examples[0].index[0])
    elif losses.index:
        losses = replace(losses, step=losses.index[0])
    weights = {name: value for name, value in got.items() if name != "loss"}
    return [losses, *compare_path(inputs, reference, floors, inputs.steps, weights)]


def _published(figures: tuple[Figure, ...], losses: Array) -> list[Comparison]:
    """Hold losses to the digits that others printed."""
    found = []
    for figure in figures:
        if figure.step >= losses.size:
            found.append(unusable("loss", figure.step, figure.printed, "missing"))
            continue
        value = float(losses[figure.step])
        digits = len(figure.printed.partition(".")[2])
        printed = f"{value:.{digits}f}"
        agrees = printed == figure.printed
        error, half_digit = abs(value - float(figure.printed)), 0.5 * 10.0**-digits
        examples = () if agrees else (Example((figure.step,), figure.printed, printed),)
        found.append(
            Comparison(
                tensor="loss",
                step=figure.step,
                compared=1,
                mismatches=0 if agrees else 1,
                ratio=error / half_digit,
                error=error,
                floor=half_digit,
                examples=examples,
            )
        )
    return found


def _accuracy(
    inputs: Inputs, reference: Reference, floors: NoiseFloors, prediction: Predictions
) -> list[Comparison]:
    """Compare classes and the port's own accuracy, except where noise decides the class.

    At the reference's last weights they are held to the reference's; after the free run, the
    port's own figure is held to what `shared.metrics` says of the same model's outputs.
    """
    split, outputs = prediction.split, prediction.outputs
    expected = reference.outputs[split]
    y = inputs.array(SPLITS[split][1])
    noise = 2 * LIMIT * floors.outputs[split]
    name = "" if prediction.rung == "accuracy" else " after training"
    found = []
    if outputs is not None:
        found.append(_classes(f"classes ({split}{name})", inputs, expected, outputs, noise))
        if found[-1].unusable:
            return found
        if prediction.rung == "trajectory":
            found = []  # a chaotic run may end at other classes
            expected = outputs
    elif prediction.rung == "trajectory":
        return []  # nothing says what the port's own model predicts
    if prediction.figure is not None:
        uncertain = int(np.count_nonzero(~(margins(expected) > noise)))
        found.append(
            _figure(
                f"accuracy ({split}{name})",
                inputs.steps,
                correct_rows(expected, y),
                prediction.figure,
                len(y),
                uncertain,
            )
        )
    return found


def _classes(
    tensor: str, inputs: Inputs, expected: Array, outputs: Array, noise: float
) -> Comparison:
    """Compare the predicted class of every row whose margin is over the noise."""
    step = inputs.steps
    if outputs.shape != expected.shape:
        return unusable(tensor, step, f"of outputs {expected.shape}", f"of {outputs.shape}")
    if not np.isfinite(outputs).all():
        return unusable(tensor, step, "of finite outputs", "of outputs that are no finite number")
    right, got = predicted_classes(expected), predicted_classes(outputs)
    wrong = np.flatnonzero((right != got) & (margins(expected) > noise))
    return Comparison(
        tensor,
        step,
        compared=len(got),
        mismatches=len(wrong),
        ratio=float("inf") if len(wrong) else 0.0,
        error=float(len(wrong)),
        floor=0.0,
        examples=tuple(Example((int(i),), int(right[i]), int(got[i])) for i in wrong[:5]),
    )


def _figure(
    tensor: str, step: int, correct: int, figure: float, rows: int, uncertain: int
) -> Comparison:
    """Compare an accuracy as a whole number of rows; `uncertain` ones may go either way."""
    if not np.isfinite(figure):
        return unusable(tensor, step, "a fraction", str(figure))
    error = abs(round(figure * rows) - correct)
    agrees = error <= uncertain
    return Comparison(
        tensor,
        step,
        compared=1,
        mismatches=0 if agrees else 1,
        ratio=0.0 if agrees else float("inf"),
        error=float(error),
        floor=float(uncertain),
        examples=() if agrees else (Example((), correct / rows, figure),),
    )
