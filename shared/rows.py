"""Inputs or targets: one array with a row for each example, or several such arrays by name.

A port gets several as a dict, x["tokens"] and x["mask"]; files, messages and comparisons know each
of them by a name of its own, "x.tokens" and "x.mask".
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
# An Array, or a dict of some by name. Were it a union, all that takes one array alone, as our own
# nets do, would have to tell the two apart.
Rows = Any


def mapped(function: Callable[[Any], Any], rows: Rows) -> Rows:
    """Return what a function makes of an array or, by name, of each of several."""
    if isinstance(rows, dict):
        return {name: function(array) for name, array in rows.items()}
    return function(rows)


def picked(rows: Rows, index: Any) -> Rows:
    """Return some rows: of an array or, by name, of each of several."""
    return mapped(lambda array: array[index], rows)


def joined(parts: list[Array]) -> Array:
    """Return what was made of some rows at a time as if it had been made of all at once.

    Parts that have no rows, or rows of several shapes, are none of one whole: the first is returned
    then, whose shape tells.
    """
    if not parts[1:]:
        return parts[0]
    try:
        return np.concatenate(parts)
    except ValueError:
        return parts[0]


def count(rows: Rows) -> int:
    """Return how many rows there are; several arrays have equally many."""
    return len(next(iter(rows.values())) if isinstance(rows, dict) else rows)


def named(name: str, rows: Rows) -> dict[str, Any]:
    """Return each array by a name of its own: "x" or, where there are several, "x.tokens"."""
    if isinstance(rows, dict):
        return {f"{name}.{own}": array for own, array in rows.items()}
    return {name: rows}


def gathered(name: str, arrays: Mapping[str, Any]) -> Rows:
    """Return what `named` gave such names to; None where there is nothing of that name."""
    if name in arrays:
        return arrays[name]
    start = f"{name}."
    parts = {key.removeprefix(start): arrays[key] for key in arrays if key.startswith(start)}
    return parts or None
