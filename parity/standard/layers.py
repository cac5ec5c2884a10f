"""The layers of a model that have names, and what else a forward pass gives on its way."""

import importlib
import importlib.util
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.contract import ROOT, Port, PortError
from parity.standard.inputs import Tensors
from parity.standard.nested import flatten
from parity.standard.returned import Reader

Array = NDArray[Any]
KEPT = 1 << 23  # values of all layers of one batch that are held at every checkpoint, at most
LOOKED_AT = 1 << 26  # values that are looked at once a port differs
OUTPUTS = "outputs"  # what `forward` returns is called so, and no layer


@dataclass(frozen=True)
class Call:
    """One call of a layer.

    layer: its name. arguments: what went in, or None where that is not arrays alone. outputs: what
    came out, by name: the layer's own or, of several, with a number behind it.
    """

    layer: str
    arguments: tuple[Array, ...] | None
    outputs: Tensors


def tools(port: Port) -> Any | None:
    """Return what sees inside the forward passes of a port's framework, if there is anything."""
    name = f"impls.{port.framework}.layers"
    if port.framework == "own" or importlib.util.find_spec(name) is None:
        return None
    return importlib.import_module(name)


def named(port: Port, model: Any) -> dict[str, Any]:
    """Return the layers of a model that can be called by themselves, by name."""
    own = tools(port)
    found: dict[str, Any] = own.named(model) if own and hasattr(own, "named") else {}
    return {name: layer for name, layer in found.items() if name != OUTPUTS}


def fitting(arrays: Tensors, most: int) -> Tensors:
    """Return arrays, or none of them where they have too many values together."""
    return arrays if sum(array.size for array in arrays.values()) <= most else {}


def kinds(port: Port, model: Any) -> dict[str, str]:
    """Return the classes of a model's layers, by the layers' names."""
    return {name: type(layer).__name__ for name, layer in named(port, model).items()}


@contextmanager
def watched(port: Port, reader: Reader, model: Any) -> Iterator[list[Call]]:
    """Note every call of a model's layers while it lasts, in the order in which they end.

    A layer that is called again is noted as "name (2)", and so on.
    """
    calls: list[Call] = []
    layers = named(port, model)
    if not layers:
        yield calls
        return

    def note(name: str, args: Any, kwargs: Any, output: Any) -> None:
        times = 1 + sum(call.layer == name for call in calls)
        called = f"{name} ({times})" if times > 1 else name
        calls.append(
            Call(name, _arguments(reader, args, kwargs), outputs_of(reader, output, called))
        )

    own = tools(port)
    assert own is not None  # it has named the layers
    with own.watched(layers, note):
        yield calls


@dataclass(frozen=True)
class Value:
    """What one operation gave. line: of a user's file, that it was called from, if it was."""

    array: Array
    line: tuple[str, int] | None


def values_of(port: Port, call: Callable[[Callable[[Any], Any]], Any]) -> list[Value]:
    """Return what every operation gives, in order, while something is called.

    Args:
        port: whose framework it is of.
        call: is given what inputs are to be taken by.
    """
    own, noted = tools(port), list[Value]()
    if own is None:
        return []
    with own.operations(lambda value: noted.append(Value(np.array(value), user_line()))) as take:
        call(take)
    return noted


def user_line() -> tuple[str, int] | None:
    """Return the file and the line of the innermost call that is made in a user's file, if any."""
    frame: FrameType | None = sys._getframe()
    while frame and not _of_a_user(frame.f_code.co_filename):
        frame = frame.f_back
    return (frame.f_code.co_filename, frame.f_lineno) if frame else None


@lru_cache
def _of_a_user(name: str) -> bool:
    """Whether a file is neither ours nor a library's."""
    file = Path(name)
    others = [ROOT / folder for folder in ("parity", "impls")]
    others += [Path(sysconfig.get_path(kind)) for kind in ("stdlib", "purelib", "platlib")]
    return file.is_file() and not any(other in file.parents for other in others)


def outputs_of(reader: Reader, output: Any, name: str) -> Tensors:
    """Return the arrays of real numbers in what a layer returned, by name."""
    arrays: Tensors = {}
    for path, value in flatten(output, name).items():
        try:
            array = reader.array(value, name)
        except PortError:
            continue  # a cache, a mask, None
        if array.dtype.kind == "f" and np.isfinite(array).all():
            arrays[path] = array
    return arrays


def _arguments(reader: Reader, args: Any, kwargs: Any) -> tuple[Array, ...] | None:
    given = [value for value in kwargs.values() if value is not None]
    if given:
        return None
    try:
        return tuple(reader.array(value, "a layer") for value in args)
    except PortError:
        return None
