"""Judging what a port answered, rung by rung, against the reference and its noise floors."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.processes.messages import Predictions
from parity.processes.record import Record
from parity.results import RUNGS
from parity.rungs import published
from parity.standard.comparison import LIMIT, SHOWN, Comparison, Example, compare, unusable
from parity.standard.floors import NoiseFloors
from parity.standard.inputs import PART, SPLITS, Inputs, Tensors
from parity.standard.place import Place
from parity.standard.reference import At, Floors, Reference
from parity.standard.standard import Standard
from shared.metrics import correct_rows, margins, predicted_classes

Array = NDArray[Any]
# The functions of which a recipe must be about one, to have a rung at all.
NEEDS = {
    "forward": ("forward", "layers"),
    "loss": ("loss",),
    "gradients": ("gradients",),
    "update": ("train",),
    "trajectory": ("train",),
    "accuracy": ("accuracy",),
}


def compare_rungs(standard: Standard, record: Record) -> dict[str, list[Comparison]]:
    """Return the comparisons of each rung, in the order of the ladder.

    A rung without comparisons is not the recipe's, was not provided by the port, or not reached
    before it failed.
    """
    inputs, reference, floors = standard.inputs, standard.reference, standard.floors
    found = {rung: list[Comparison]() for rung in RUNGS}
    found["data"] = list(record.unchanged)
    found |= compare_answers(reference.expected, floors.expected, record, inputs)
    if ("trajectory", inputs.steps) in record.answers:
        got = dict(record.answers["trajectory", inputs.steps])
        found["trajectory"].append(_losses(inputs, reference, floors, got.pop("loss")))
        if "export" not in record.lacking:
            step = inputs.steps
            due = reference.path[step], got, floors.path[step], inputs.dtype
            found["trajectory"] += compare_tensors("trajectory", step, *due)
    found["trajectory"] += _resumed(inputs, reference, floors, record)
    found["trajectory"] += _rebuilt(inputs, floors, record)
    for prediction in record.predictions:
        found["accuracy"] += _accuracy(inputs, reference, floors, prediction)
    for comparison in record.alike:
        found[comparison.place.rung].append(comparison)
    found["published"] = published.compare_figures(standard.figures, inputs.steps, record)
    return found


def due(standard: Standard) -> tuple[str, ...]:
    """Return the rungs that a recipe has."""
    lacking = {rung for rung, names in NEEDS.items() if not {*names} & {*standard.inputs.functions}}
    if not standard.figures:
        lacking.add("published")
    return tuple(rung for rung in RUNGS if rung not in lacking)


def unanswered(standard: Standard, record: Record) -> list[Place]:
    """Return where a port that did not fail should have answered, by the functions it provides."""
    inputs, reference = standard.inputs, standard.reference
    places = [at for at in reference.expected if at[1] != PART]
    if "train" in inputs.functions:
        places.append(("trajectory", inputs.steps))
    provided = {*inputs.functions} - {*record.lacking}
    missing = [
        Place(rung, step, "")
        for rung, step in places
        if {*NEEDS[rung]} & provided and (rung, step) not in record.answers
    ]
    splits = {p.split for p in record.predictions if p.rung == "accuracy"}
    if "accuracy" in provided and splits != reference.outputs.keys():
        missing.append(Place("accuracy", inputs.steps, ""))
    return missing if record.unchanged else [Place("data", 0, ""), *missing]


def compare_answers(
    expected: dict[At, Tensors], floors: dict[At, Floors], record: Record, inputs: Inputs
) -> dict[str, list[Comparison]]:
    """Compare what a port answered at single steps, on the rungs forward to update.

    Args:
        expected: the reference's tensors by name, for each rung and step, in float64.
        floors: one noise floor per tensor of these.
        record: the port's answers; what it has not answered is not compared.
        inputs: of the run.

    Returns:
        The comparisons of each rung in `expected`.
    """
    found = {rung: list[Comparison]() for rung, _ in expected}
    for (rung, step), tensors in expected.items():
        if (rung, step) in record.answers:
            got = record.answers[rung, step]
            if rung == "update" and "export" in record.lacking:
                tensors = {"loss": tensors["loss"]}
            if rung == "forward":
                tensors, got = provided(tensors, got, record.lacking, inputs)
            compared = compare_tensors(rung, step, tensors, got, floors[rung, step], inputs.dtype)
            found[rung] += (
                _of_part(compared, max(at for _, at in expected)) if step == PART else compared
            )
    return found


def provided(
    expected: Tensors, got: Tensors, lacking: tuple[str, ...], inputs: Inputs
) -> tuple[Tensors, Tensors]:
    """Return what is due on the rung forward of a port that may lack `forward` or `layers`.

    Args:
        expected: the outputs, and what comes out of layers, by name.
        got: what the port answered.
        lacking: the functions that it does not provide.
        inputs: of the run. On a user's recipe a port gives the layers that it likes to, and all of
            its own where the reference has none.

    Returns:
        What is due, and what of the port's is held to it.
    """
    due = {
        name: value
        for name, value in expected.items()
        if ("forward" if name == "outputs" else "layers") not in lacking
    }
    if not inputs.optional_layers:
        return due, got
    held = got if expected.keys() - {"outputs"} else {n: got[n] for n in got if n == "outputs"}
    return {name: value for name, value in due.items() if name == "outputs" or name in got}, held


def _of_part(comparisons: list[Comparison], step: int) -> list[Comparison]:
    """Return comparisons of a part of a batch as such, at the step whose weights it was."""
    return [replace(c, place=replace(c.place, step=step, kind="half batch")) for c in comparisons]


def compare_tensors(
    rung: str, step: int, expected: Tensors, got: Tensors, floors: Floors, dtype: str
) -> list[Comparison]:
    """Compare tensors by name; a missing or an extra one cannot be compared.

    Args:
        rung, step: where they are answered.
        expected: the reference's, by name, in float64.
        got: the port's, by name, each to be of the shape that is expected.
        floors: one noise floor per tensor.
        dtype: "float32" or "float64".
    """
    names = ", ".join(expected)
    extra = [name for name in got if name not in expected]
    return [
        compare(Place(rung, step, name), value, got[name], floors[name], dtype)
        if name in got
        else unusable(Place(rung, step, name), f"one of {names}", "missing")
        for name, value in expected.items()
    ] + [unusable(Place(rung, step, name), f"only {names}", "extra") for name in extra]


def _losses(inputs: Inputs, reference: Reference, floors: NoiseFloors, got: Array) -> Comparison:
    """Compare the loss of every step of the free run; its step is the first that disagrees."""
    expected, noise = reference.losses, floors.losses
    place = Place("trajectory", 0, "loss")
    losses = compare(place, expected, got, noise, inputs.dtype, in_order=True)
    shown = losses.examples[0].index if losses.examples else losses.index
    return replace(losses, place=replace(place, step=shown[0])) if shown else losses


def _resumed(
    inputs: Inputs, reference: Reference, floors: NoiseFloors, record: Record
) -> list[Comparison]:
    """Compare what a second call of `train` does to a model, at another learning rate."""
    got = dict(record.answers.get(("resumed", 1), {}))
    if not got:
        return []
    place = Place("trajectory", 1, "loss", "second call")
    loss = got.pop("loss")
    expected, floor = reference.losses[1:2], floors.losses[1:2]
    found = [compare(place, expected, loss, floor, inputs.dtype)]
    if got.keys() == reference.resumed.keys():  # else it is said of the first call
        for name, value in reference.resumed.items():
            place = Place("trajectory", 2, name, "second call")
            found.append(compare(place, value, got[name], floors.path[2][name], inputs.dtype))
    return found


def _rebuilt(inputs: Inputs, floors: NoiseFloors, record: Record) -> list[Comparison]:
    """Compare how a trained model computes with one built anew from the weights it exports."""
    step = inputs.steps - 1
    trained = record.answers.get(("trained", step), {})
    rebuilt = record.answers.get(("rebuilt", step), {})
    found = []
    for name, got in trained.items():
        rung = {"outputs": "forward", "loss": "loss"}.get(name, "gradients")
        floor = floors.expected[rung, step].get(name)
        expected = rebuilt.get(name)
        if floor is None or expected is None or not np.isfinite(expected).all():
            continue  # that is said elsewhere
        place = Place("trajectory", inputs.steps, name, "trained model")
        wide = expected.astype(np.float64)
        found.append(compare(place, wide, got, floor, inputs.dtype))
    return found


def _accuracy(
    inputs: Inputs, reference: Reference, floors: NoiseFloors, prediction: Predictions
) -> list[Comparison]:
    """Compare outputs, classes and the port's own accuracy at the reference's last weights.

    After the free run, which may end elsewhere, the port's own accuracy is held to what
    `shared.metrics` says of the same model's outputs.
    """
    split, outputs, figure = prediction.split, prediction.outputs, prediction.figure
    y, floor = inputs.array(SPLITS[split][1]), floors.outputs[split]
    threshold = inputs.threshold
    noise = margin_noise(floor)
    expected = reference.outputs[split]
    step = inputs.steps
    if prediction.rung == "trajectory":
        if outputs is None or figure is None:
            return []
        right = outputs.shape == expected.shape and outputs.dtype == inputs.dtype
        if not right or not np.isfinite(outputs).all():
            due = f"finite {inputs.dtype} of shape {expected.shape}"
            place = Place("accuracy", step, "outputs", "after training", split)
            return [unusable(place, due, "something else")]
        place = Place("accuracy", step, "accuracy", "after training", split)
        return [_figure(place, outputs, y, figure, noise, threshold)]
    found = []
    if outputs is not None:
        place = Place("accuracy", step, "outputs", split=split)
        found.append(compare(place, expected, outputs, floor, inputs.dtype))
        if found[-1].unusable:
            return found
        place = Place("accuracy", step, "classes", split=split)
        found.append(_classes(place, expected, outputs, noise, threshold))
    if figure is not None:
        place = Place("accuracy", step, "accuracy", split=split)
        found.append(_figure(place, expected, y, figure, noise, threshold))
    return found


def margin_noise(floor: float) -> float:
    """Return how far rounding may move a margin, the difference of two outputs of that floor."""
    return 2 * LIMIT * floor


def _classes(
    place: Place, expected: Array, outputs: Array, noise: float, threshold: float
) -> Comparison:
    """Compare the predicted class of every row whose margin is over the noise."""
    right, got = (predicted_classes(each, threshold) for each in (expected, outputs))
    wrong = np.flatnonzero((right != got) & (margins(expected, threshold) > noise))
    return Comparison(
        place,
        compared=len(got),
        mismatches=len(wrong),
        ratio=float("inf") if len(wrong) else 0.0,
        error=float(len(wrong)),
        floor=0.0,
        examples=tuple(Example((int(i),), int(right[i]), int(got[i])) for i in wrong[:SHOWN]),
    )


def _figure(
    place: Place,
    outputs: Array,
    y: Array,
    figure: float,
    noise: float,
    threshold: float,
) -> Comparison:
    """Compare an accuracy as a whole number of rows; those within the noise may go either way.

    It must be a whole number of them, but for rounding in float32: a fraction of other rows is not.
    """
    if not np.isfinite(figure):
        return unusable(place, "a fraction", str(figure))
    rows, correct = len(y), correct_rows(outputs, y, threshold)
    uncertain = int(np.count_nonzero(~(margins(outputs, threshold) > noise)))
    counted = round(figure * rows)
    error = abs(figure * rows - correct)
    whole = abs(figure * rows - counted) <= LIMIT * rows * np.finfo(np.float32).eps
    agrees = whole and abs(counted - correct) <= uncertain
    return Comparison(
        place,
        compared=1,
        mismatches=0 if agrees else 1,
        ratio=0.0 if agrees else float("inf"),
        error=float(error),
        floor=float(uncertain),
        examples=() if agrees else (Example((), correct / rows, figure),),
    )
