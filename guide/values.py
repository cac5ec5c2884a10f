"""What the dictionary's cells give, of any framework, told in NumPy's terms and compared."""

import os
import sys
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np

from parity.standard.comparison import LIMIT
from parity.standard.floors import last_place


def plain(value: Any) -> Any:
    """Return a value without its framework: arrays are NumPy's, lists and shapes are tuples."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, dict):
        return {name: plain(own) for name, own in value.items()}
    if hasattr(value, "as_list"):  # a shape of TensorFlow's
        value = value.as_list()
    if isinstance(value, list | tuple):
        return tuple(plain(own) for own in value)
    if hasattr(value, "detach"):  # PyTorch's bfloat16 is unknown to NumPy
        value = value.detach().float() if dtype(value) == "bfloat16" else value.detach()
    return np.asarray(value)


def name_of(kind: Any) -> str:
    """Return the name of a dtype of any framework, as NumPy says it."""
    return str(getattr(kind, "name", kind)).removeprefix("torch.")


def dtype(value: Any) -> str:
    """Return the name of an array's dtype, as NumPy says it."""
    return name_of(value.dtype)


def moments(values: Any) -> tuple[Any, ...]:
    """Return the shape of many random numbers, their mean and standard deviation in tenths."""
    array = plain(values)
    return array.shape, round(float(array.mean()), 1), round(float(array.std()), 1)


def printed(call: Callable[[], Any]) -> str:
    """Return what a call prints, from Python or below it, on either stream."""
    with tempfile.TemporaryFile("w+") as file:
        kept = [(stream, os.dup(stream)) for stream in (1, 2)]
        for stream, _ in kept:
            os.dup2(file.fileno(), stream)
        try:
            call()
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            for stream, copy in kept:
                os.dup2(copy, stream)
                os.close(copy)
        file.seek(0)
        return file.read()


def raises(call: Callable[[], Any]) -> str:
    """Return the name of the error that a call raises, or nothing."""
    try:
        call()
    except Exception as error:  # what is raised is what is asked
        return type(error).__name__
    return ""


def same(value: Any, expected: Any, floor: float = 0.0) -> bool:
    """Tell whether a plain value is what is expected: of the same shape, and equal but rounding.

    Booleans are no numbers here; an integer may stand for a float, and NaN equals nothing.

    floor: how far rounding moves it, where that is more than a unit in float32's last place. As the
    judge does, it allows LIMIT of them.
    """
    if expected is None or isinstance(expected, str):
        return bool(type(value) is type(expected) and value == expected)
    if isinstance(expected, dict):
        return (
            isinstance(value, dict)
            and set(value) == set(expected)
            and all(same(value[name], own, floor) for name, own in expected.items())
        )
    if isinstance(expected, tuple):
        return (
            isinstance(value, tuple)
            and len(value) == len(expected)
            and all(same(*both, floor) for both in zip(value, expected, strict=True))
        )
    if value is None or isinstance(value, str | dict):
        return False
    got, wanted = np.asarray(value), np.asarray(expected)
    kinds = (got.dtype.kind in "iuf", wanted.dtype.kind in "iuf")
    if got.shape != wanted.shape or kinds[0] != kinds[1] or got.dtype.kind not in "biuf":
        return False
    if not wanted.size:
        return True
    got, wanted = got.astype(float), wanted.astype(float)
    limit = LIMIT * max(floor, last_place(wanted, "float32"))
    return bool((np.abs(got - wanted) <= limit).all())
