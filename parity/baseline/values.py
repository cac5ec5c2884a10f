"""Which of a port's answers a baseline keeps, and how far rounding alone moves each."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.processes.messages import Predictions
from parity.processes.record import Record
from parity.rungs.ladder import margin_noise
from parity.standard.comparison import LIMIT
from parity.standard.inputs import PART, SPLITS, Tensors
from parity.standard.place import Place
from parity.standard.standard import Standard
from shared.metrics import correct_rows, margins

Array = NDArray[Any]
ROWS = 1000  # of all that a model's outputs are of, evenly spaced; the accuracy is of all


@dataclass(frozen=True)
class Value:
    """One tensor that a port answered.

    array: the port's, whole numbers in int64. expected: the reference's, of the same shape. floor:
    how far rounding moves that, one for all values or one for each.
    """

    array: Array
    expected: Array
    floor: float | Array


def kept(standard: Standard, record: Record) -> dict[Place, Value]:
    """Return what a baseline keeps of a port's answers: all that noise floors are known of.

    What a model computes after its free run is no part of it: chaotic runs end in slightly
    different places, and the last weights are kept.

    Args:
        standard: what the port was held to.
        record: what it answered, all of it usable.
    """
    found = dict(_single_steps(standard, record))
    found |= _free_run(standard, record)
    for prediction in record.predictions:
        if prediction.rung == "accuracy":
            found |= _accuracy(standard, prediction)
    return found


def _single_steps(standard: Standard, record: Record) -> Iterator[tuple[Place, Value]]:
    """Yield what was answered on the rungs forward to update, in the order of the ladder."""
    expected, floors = standard.reference.expected, standard.floors.expected
    last = max(step for _, step in expected)
    for rung in dict.fromkeys(rung for rung, _ in expected):
        for at in (at for at in expected if at[0] == rung):
            for name, own in _named(expected[at], record.answers.get(at, {})):
                place = Place(rung, at[1], name)
                if at[1] == PART:
                    place = Place(rung, last, name, "half batch")
                yield place, Value(own, expected[at][name], floors[at][name])


def _named(expected: Tensors, got: Tensors) -> Iterator[tuple[str, Array]]:
    """Yield the tensors that were expected and given, in the order in which they are expected."""
    for name in expected:
        if name in got:
            own = got[name]
            yield name, own.astype(np.int64) if own.dtype.kind in "biu" else own


def _free_run(standard: Standard, record: Record) -> dict[Place, Value]:
    """Return the losses and the last weights of the free run, and those of a second call."""
    reference, floors, steps = standard.reference, standard.floors, standard.inputs.steps
    found: dict[Place, Value] = {}
    if steps:
        due: Tensors = {"loss": reference.losses, **reference.path[steps]}
        noise: dict[str, float | Array] = {"loss": floors.losses, **floors.path[steps]}
        for name, own in _named(due, record.answers.get(("trajectory", steps), {})):
            place = Place("trajectory", 0 if name == "loss" else steps, name)
            found[place] = Value(own, due[name], noise[name])
    if reference.resumed:
        due = {"loss": reference.losses[1:2], **reference.resumed}
        noise = {"loss": floors.losses[1:2], **floors.path[2]}
        for name, own in _named(due, record.answers.get(("resumed", 1), {})):
            place = Place("trajectory", 1 if name == "loss" else 2, name, "second call")
            found[place] = Value(own, due[name], noise[name])
    return found


def _accuracy(standard: Standard, given: Predictions) -> dict[Place, Value]:
    """Return a model's outputs on some rows of a split, and the port's own accuracy on all."""
    inputs, split = standard.inputs, given.split
    expected, floor = standard.reference.outputs[split], standard.floors.outputs[split]
    found: dict[Place, Value] = {}
    if given.outputs is not None:
        some = np.unique(np.linspace(0, len(expected) - 1, ROWS).astype(int))
        place = Place("accuracy", inputs.steps, "outputs", split=split)
        found[place] = Value(given.outputs[some], expected[some], floor)
    if given.figure is not None:
        y, threshold, rows = inputs.array(SPLITS[split][1]), inputs.threshold, len(expected)
        sure = margins(expected, threshold) > margin_noise(floor)
        share = correct_rows(expected, y, threshold) / rows
        # Rows whose class rounding may turn may go either way; and it is told in float32, at least.
        noise = np.count_nonzero(~sure) / (LIMIT * rows) + float(np.finfo(np.float32).eps)
        place = Place("accuracy", inputs.steps, "accuracy", split=split)
        found[place] = Value(np.asarray(given.figure, np.float64), np.asarray(share), noise)
    return found
