"""Holding what a port answered to the figures that others printed."""

import numpy as np

from parity.processes.record import Record
from parity.standard.comparison import Comparison, Example, unusable
from parity.standard.inputs import Tensors
from parity.standard.place import Place
from shared.figures import Figure


def compare_figures(figures: tuple[Figure, ...], steps: int, record: Record) -> list[Comparison]:
    """Hold what a port answers, printed to as many digits, to the figures that others printed."""
    return [
        _compare(figure, answer)
        for figure in figures
        if (answer := _answer(figure, steps, record)) is not None
    ]


def answered(figure: Figure, steps: int, record: Record) -> float:
    """Return the number of which a figure was printed, as a port answers it.

    Raises:
        LookupError: there is none.
    """
    return float((_answer(figure, steps, record) or {})[figure.tensor][figure.index])


def _answer(figure: Figure, steps: int, record: Record) -> Tensors | None:
    """Return where a figure is found; None if the port lacks that, or never came to it."""
    if figure.rung == "accuracy":
        found = _after_training(record)
        return found if figure.tensor in found else None
    if figure.rung == "forward":
        function = "forward" if figure.tensor == "outputs" else "layers"
        if function in record.lacking:
            return None
    return record.answers.get((figure.rung, steps if figure.rung == "trajectory" else figure.step))


def _after_training(record: Record) -> Tensors:
    """Return what the trained model gives on all rows."""
    found: Tensors = {}
    for p in record.predictions:
        if p.rung == "trajectory" and p.outputs is not None:
            found[f"outputs ({p.split})"] = p.outputs
        if p.rung == "trajectory" and p.figure is not None:
            found[f"accuracy ({p.split})"] = np.array(p.figure)
    return found


def _compare(figure: Figure, answer: Tensors) -> Comparison:
    place = Place("published", figure.step, figure.name)
    try:
        value = figure.of(float(answer[figure.tensor][figure.index]))
        printed = figure.printed_of(float(answer[figure.tensor][figure.index]))
    except (LookupError, TypeError, ValueError, ArithmeticError):
        return unusable(place, figure.printed, "missing")
    agrees = printed == figure.printed
    error = abs(value - float(figure.printed))
    return Comparison(
        place,
        compared=1,
        mismatches=0 if agrees else 1,
        ratio=error / figure.half_digit,
        error=error,
        floor=figure.half_digit,
        examples=() if agrees else (Example(figure.index, figure.printed, printed),),
    )
