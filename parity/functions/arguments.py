"""What two functions are called with: NumPy arrays, in dicts, lists, tuples, and plain values."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from parity.standard.inputs import Tensors
from parity.standard.nested import flatten
from shared.errors import InputError

PRECISIONS = ("float32", "float64")
PLAIN = (bool, int, float, str, type(None))


@dataclass(frozen=True)
class Arguments:
    """Positional arguments, checked.

    whole: as they were given. plain: what is no array, by path. arrays: the others. dtype: their
    precision, in which functions are held to each other. wrt: the paths of what is differentiated
    with respect to.
    """

    whole: tuple[Any, ...]
    plain: dict[str, Any]
    arrays: Tensors
    dtype: str
    wrt: tuple[str, ...]


def path_of(number: int) -> str:
    """Return the path of one argument."""
    return f"arguments[{number}]"


def check(whole: tuple[Any, ...], wrt: int | tuple[int, ...]) -> Arguments:
    """Check what functions are to be called with.

    Raises:
        InputError: something is no NumPy array or plain value, precisions are mixed, or `wrt` names
            an argument that is not there or has no real numbers.
    """
    leaves = {
        path: leaf
        for number, argument in enumerate(whole)
        for path, leaf in flatten(argument, path_of(number)).items()
    }
    arrays = {
        path: np.ascontiguousarray(leaf).reshape(leaf.shape)
        for path, leaf in leaves.items()
        if isinstance(leaf, np.ndarray | np.generic)
    }
    plain = {path: leaf for path, leaf in leaves.items() if path not in arrays}
    for path, leaf in plain.items():
        if not isinstance(leaf, PLAIN):
            raise InputError(
                f"{path} is of type {type(leaf).__module__}.{type(leaf).__qualname__}: pass NumPy "
                "arrays, in dicts, lists and tuples where you like, or plain numbers"
            )
    dtype = _precision(arrays)
    numbers = (wrt,) if isinstance(wrt, int) else tuple(wrt)
    paths = tuple(path for number in numbers for path in _real_parts(number, len(whole), arrays))
    return Arguments(whole, plain, arrays, dtype, paths)


def _precision(arrays: Tensors) -> str:
    """Return the precision of all arrays of real numbers; float32, if there are none."""
    by_precision: dict[str, str] = {}
    for path, array in arrays.items():
        if array.dtype.kind in "biu":
            continue
        if array.dtype not in PRECISIONS:
            raise InputError(
                f"{path} is an array of {array.dtype}, where float32, float64, whole numbers or "
                "booleans are expected"
            )
        by_precision.setdefault(array.dtype.name, path)
    if len(by_precision) > 1:
        raise InputError(
            f"{by_precision['float32']} is float32 and {by_precision['float64']} is float64: pass "
            "all arrays in the precision that is to be judged"
        )
    return next(iter(by_precision), "float32")


def _real_parts(number: int, count: int, arrays: Tensors) -> list[str]:
    if not isinstance(number, int) or not 0 <= number < count:
        raise InputError(
            f"wrt is {number!r}, where the number of an argument is expected: 0 to {count - 1}"
        )
    start = path_of(number)
    paths = [
        path
        for path, array in arrays.items()
        if array.dtype.kind == "f" and (path == start or path.startswith(f"{start}["))
    ]
    if not paths:
        raise InputError(f"wrt names {start}, which has no arrays of real numbers")
    return paths
