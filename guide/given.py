"""What the lines of a port gave, as a page shows it: shapes, first numbers, distances."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from guide.runs import Array, Key, Traces
from guide.standards import Standard

SHOWN = 3  # numbers of an array


@dataclass(frozen=True)
class Value:
    """What a line gave.

    name: in the value of its line, "" where it stands alone. shape: of the array. texts: its first
    numbers, per step. ratios: to the noise floors, per step; none where nothing says what is due.
    """

    name: str
    shape: str
    texts: list[str]
    ratios: list[float] | None


def values(traces: Traces, standards: dict[Key, Standard | None]) -> dict[int, list[Value]]:
    """Return what is shown of each line, in the order in which lines came last.

    standards: what the values of the traces are held to.
    """
    found: dict[int, list[Value]] = {}
    parts = {line: names for trace in traces for line, names in trace.parts.items()}
    keys = dict.fromkeys(key for trace in traces for key in trace.seen)
    for line, name in keys:
        arrays = [trace.seen.get((line, name)) for trace in traces]
        standard = standards.get((line, name))
        ratios = None
        if standard:
            ratios = [
                float("inf") if array is None else standard.ratio(step, array)
                for step, array in enumerate(arrays)
            ]
        shapes = {shape_text(array) for array in arrays if array is not None}
        texts = ["" if array is None else numbers_text(array) for array in arrays]
        shown = _label(name, parts[line])
        found.setdefault(line, []).append(Value(shown, " ".join(sorted(shapes)), texts, ratios))
    return found


def _label(name: str, parts: Sequence[str]) -> str:
    """Return a name in which a part of a tuple is called as in the code, if it has a name there."""
    place, _, inner = name.partition(" ")
    known = {f"[{number}]": part for number, part in enumerate(parts) if part}
    return f"{known.get(place, place)} {inner}".strip()


def shape_text(array: Array) -> str:
    """Return the shape of an array in NumPy's words; of a single number, none."""
    return f"{array.shape}" if array.ndim else ""


def numbers_text(array: Array) -> str:
    """Return the first numbers of an array, from the first on that is not zero."""
    flat = array.ravel()
    nonzero = np.flatnonzero(flat)
    start = int(nonzero[0]) if len(nonzero) else 0
    start = min(start, max(0, flat.size - SHOWN))
    words = [
        f"{value:.5g}" if flat.dtype.kind == "f" else f"{value}"
        for value in flat[start : start + SHOWN]
    ]
    return " ".join(["0 …"] * (start > 0) + words + ["…"] * (start + SHOWN < flat.size))
