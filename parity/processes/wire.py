"""How messages cross between two processes: a JSON header, then the bytes of its arrays.

Nothing that comes in is run: what is read is built from the types that are expected, and anything
else is refused. Text that comes in is made legible here, before anybody shows it.
"""

import json
import math
import re
import struct
from dataclasses import fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from types import NoneType, UnionType
from typing import IO, Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from shared.legible import legible

Array = NDArray[Any]
LENGTH = struct.Struct(">I")
LONGEST_HEADER = 1 << 26  # bytes
LARGEST_ARRAY = 1 << 34  # bytes
LONGEST_TEXT = 20_000  # characters; more is cut off
LONGEST_NAME = 200  # of a tensor
ARRAY = "array"  # in the header: which of the arrays behind it
NUMBERS = "biuf"  # the kinds of dtypes that are sent
DTYPE = re.compile(rf"[<>|][{NUMBERS}]\d{{1,2}}")  # as `dtype.str` gives it


class WireError(Exception):
    """What came in is not a message."""


def hollow(array: Array) -> Array:
    """Return an array of the same shape and type that has no values, and is sent without any.

    It stands for one that cannot be right by its shape alone, however large it is.
    """
    nothing = np.array(math.nan if array.dtype.kind == "f" else 0, array.dtype)
    return np.broadcast_to(nothing, array.shape)


def write(stream: IO[bytes], message: Any) -> None:
    """Write a message, a dataclass of plain values, dataclasses, paths and arrays."""
    arrays: list[Array] = []
    described = [_plain(message, arrays), [_described(array) for array in arrays]]
    header = json.dumps(described, separators=(",", ":")).encode()
    stream.write(LENGTH.pack(len(header)))
    stream.write(header)
    for array in arrays:
        if not _is_hollow(array):
            stream.write(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    stream.flush()


def read(stream: IO[bytes], expected: Any) -> Any:
    """Read a message of an expected type, or of one of several.

    Args:
        stream: from which it comes.
        expected: a dataclass, or a union of some.

    Raises:
        EOFError: the stream has ended.
        WireError: what came is not of that type.
    """
    (length,) = LENGTH.unpack(_exactly(stream, bytearray(LENGTH.size)))
    if length > LONGEST_HEADER:
        raise WireError(f"a header of {length:,} bytes, where {LONGEST_HEADER:,} are the most")
    try:
        described, kinds = json.loads(_exactly(stream, bytearray(length)))
        arrays = [_read_array(stream, *kind) for kind in kinds]
        return _built(expected, described, arrays)
    except (ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
        raise WireError(f"not a message ({type(error).__name__}: {error})") from error


def _plain(value: Any, arrays: list[Array]) -> Any:
    """Return a value as JSON takes it; arrays are put aside, and their numbers left in place."""
    if value is None or type(value) in (bool, int, float):
        return value
    if type(value) is str:
        return _cut(value, LONGEST_TEXT)
    if isinstance(value, np.ndarray | np.generic):
        arrays.append(np.asarray(value))
        return {ARRAY: len(arrays) - 1}
    if is_dataclass(value):
        own = {field.name: _plain(getattr(value, field.name), arrays) for field in fields(value)}
        return [type(value).__name__, own]
    if isinstance(value, dict):
        return [[_plain_key(key, arrays), _plain(item, arrays)] for key, item in value.items()]
    if isinstance(value, list | tuple):
        return [_plain(item, arrays) for item in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, str):  # an enumeration, or a class of somebody's own
        return _cut("".join(value), LONGEST_TEXT)
    raise TypeError(f"a {type(value).__name__} cannot be sent")


def _plain_key(value: Any, arrays: list[Array]) -> Any:
    return _cut(value, LONGEST_NAME) if type(value) is str else _plain(value, arrays)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 4]} ..."


def _described(array: Array) -> list[Any]:
    if array.dtype.kind not in NUMBERS:
        raise TypeError(f"an array of {array.dtype} cannot be sent")
    return [array.dtype.str, list(array.shape), _is_hollow(array)]


def _is_hollow(array: Array) -> bool:
    return array.size > 1 and not any(array.strides)


def _read_array(stream: IO[bytes], dtype: Any, shape: Any, empty: Any) -> Array:
    if not DTYPE.fullmatch(_text(dtype)):  # NumPy would parse the rest as Python
        raise WireError(f"an array of {dtype!r}")
    kind = np.dtype(dtype)
    sizes = tuple(_whole(size) for size in shape)
    if any(size < 0 for size in sizes):
        raise WireError(f"an array of {kind} and shape {sizes}")
    if empty is True:
        return hollow(np.broadcast_to(np.zeros((), kind), sizes))
    if math.prod(sizes) * kind.itemsize > LARGEST_ARRAY:
        raise WireError(f"an array of shape {sizes}, which is too large")
    array = np.empty(sizes, kind)
    _exactly(stream, array.reshape(-1).view(np.uint8).data)
    return array


def _exactly(stream: IO[bytes], buffer: Any) -> Any:
    """Fill a buffer; raise EOFError if the stream ends before."""
    view, done = memoryview(buffer), 0
    while done < len(view):
        count = stream.readinto(view[done:])  # type: ignore[attr-defined] # IO has none, the streams have
        if not count:
            raise EOFError
        done += count
    return buffer


def _built(expected: Any, value: Any, arrays: list[Array]) -> Any:
    """Return a value of the expected type, made of what JSON gave."""
    origin, arguments = _origin(expected), get_args(expected)
    if origin in (Union, UnionType):
        return _one_of(arguments, value, arrays)
    if origin is Literal:
        if value in arguments:
            return value
        raise WireError(f"{value!r}, where one of {arguments} is expected")
    if isinstance(expected, type) and is_dataclass(expected):
        name, own = value
        hints = _hints(expected)
        if name != expected.__name__ or own.keys() != hints.keys():
            raise WireError(f"{name}, where {expected.__name__} is expected")
        return expected(**{field: _built(hints[field], own[field], arrays) for field in hints})
    if origin is np.ndarray:
        return arrays[_whole(value[ARRAY])]
    if origin is dict:
        key, item = arguments
        return {_built(key, k, arrays): _built(item, v, arrays) for k, v in value}
    if origin is list:
        return [_built(arguments[0], item, arrays) for item in value]
    if origin is tuple:
        kinds = arguments[:1] * len(value) if arguments[-1] is Ellipsis else arguments
        return tuple(_built(k, item, arrays) for k, item in zip(kinds, value, strict=True))
    return _simple(expected, value, arrays)


def _one_of(kinds: tuple[Any, ...], value: Any, arrays: list[Array]) -> Any:
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str):
        for kind in kinds:
            if is_dataclass(kind) and getattr(kind, "__name__", "") == value[0]:
                return _built(kind, value, arrays)
    if isinstance(value, dict):  # an array stays one, whatever its size
        kinds = tuple(sorted(kinds, key=lambda kind: not _is_array(kind)))
    for kind in sorted(kinds, key=lambda kind: kind is float):  # a whole number stays one
        try:
            return _built(kind, value, arrays)
        except (WireError, ValueError, TypeError, KeyError, IndexError):
            continue
    raise WireError(f"a {type(value).__name__} that is none of {kinds}")


def _is_array(kind: Any) -> bool:
    return _origin(kind) is np.ndarray


def _origin(kind: Any) -> Any:
    """Return what a type with arguments is made of; NDArray is an alias since NumPy 2.5."""
    origin = get_origin(kind)
    meant = getattr(origin, "__value__", origin)
    return get_origin(meant) or meant


def _simple(expected: Any, value: Any, arrays: list[Array]) -> Any:
    if isinstance(value, dict):
        scalar = arrays[_whole(value[ARRAY])]
        if scalar.ndim:
            raise WireError(f"an array of shape {scalar.shape}, where {expected} is expected")
        value = scalar.item()
    if expected is str:
        return _text(value)
    if expected is Path:
        return Path(_string(value))  # as it is on disk
    if expected is float and type(value) in (int, float):
        return float(value)
    if expected in (int, bool) and type(value) is expected:
        return value
    if expected in (None, NoneType) and value is None:
        return None
    raise WireError(f"a {type(value).__name__}, where {expected} is expected")


def _text(value: Any) -> str:
    return legible(_string(value))


def _string(value: Any) -> str:
    if type(value) is not str or len(value) > LONGEST_TEXT:
        raise WireError(f"a {type(value).__name__}, where a text is expected")
    return value


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise WireError(f"a {type(value).__name__}, where a whole number is expected")
    return value


@lru_cache
def _hints(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}
