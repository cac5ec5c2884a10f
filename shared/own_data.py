"""Users' own data and weights: arrays in files, or made by Python, checked before they are used."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from shared import files
from shared.datasets import Dataset
from shared.errors import InputError
from shared.recipes import guessed
from shared.rows import Array, count, gathered, named

LARGEST = 1 << 33  # bytes of a file of arrays
SPLITS = {"x": "y", "x_test": "y_test"}
NAMES = [name for split in SPLITS.items() for name in split]
PART = re.compile(r"[^\W\d]\w*")  # of several inputs; scripts and files have it in what they hold


def read(path: Path) -> dict[str, Array]:
    """Return the arrays of numbers in a file, by name; whole numbers in int64.

    Raises:
        InputError: it cannot be read, or holds something else.
    """
    return checked(path, _read(path))


def checked(path: Path, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return arrays of finite numbers, whole ones in int64, so that bytes are not taken for pixels.

    Args:
        path: where they come from.
        arrays: by name.

    Raises:
        InputError: there is something else among them.
    """
    for name, array in arrays.items():
        input_of_net = name.partition(".")[0] in ("x", "x_test")  # it may be a mask
        if array.dtype.kind not in ("bfiu" if input_of_net else "fiu"):
            raise InputError(f"{path}: {name} is an array of {array.dtype}, where numbers are due")
        wrong = np.argwhere(~np.isfinite(array))
        if len(wrong):
            raise InputError(
                f"{path}: {name} has {len(wrong):,} of {array.size:,} values that are no finite "
                f"number, the first at {wrong[0].tolist()}: replace them, or leave out their rows"
            )
    return {n: a.astype(np.int64) if a.dtype.kind in "iu" else a for n, a in arrays.items()}


def weights(path: Path) -> dict[str, Array]:
    """Return the weights in a file, by name.

    Raises:
        InputError: as `read`; or there are none.
    """
    found = read(path)
    if not found:
        raise InputError(f"{path} holds no weights")
    return found


def dataset(path: Path, arrays: Mapping[str, Array], classes: bool) -> Dataset:
    """Return the data set that arrays make, by the names "x", "y", "x_test", "y_test".

    Args:
        path: where they come from.
        arrays: of any shape (rows, ...); of several inputs, "x.tokens" and "x.mask".
        classes: whether targets are needed of which accuracy can be told.

    Raises:
        InputError: they make none.
    """
    _check_names(path, arrays)
    _check_rows(path, arrays)
    x, y, x_test, y_test = (gathered(name, arrays) for name in NAMES)
    if x is None:
        raise InputError(f"{path} holds no x, the inputs of the net")
    if (x_test is None) != (y_test is None):
        raise InputError(f"{path} holds one of x_test and y_test: it takes both, or neither")
    if classes and y is not None and (isinstance(y, dict) or y.ndim > 2):
        found = ", ".join(named("y", y)) if isinstance(y, dict) else f"y of shape {y.shape}"
        raise InputError(
            f"{path} holds {found}, of which no accuracy can be told: name functions without it, "
            "or give one y of classes (rows,), or (rows, outputs)"
        )
    return Dataset(
        name=path.stem,
        title=f"{path.name}, {count(x):,} rows",
        x=x,
        y=np.empty((count(x), 0)) if y is None else y,
        x_test=x_test,
        y_test=y_test,
        sha256=_sha256(arrays),
    )


def _read(path: Path) -> dict[str, Array]:
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                return {name: arrays[name] for name in arrays.files}
        if path.suffix == ".safetensors":
            from safetensors import numpy as safetensors  # only here, and takes time to import

            # It gives them in another order each time.
            return dict(sorted(safetensors.load(files.read(path, LARGEST)).items()))
    except Exception as error:  # whatever such a file can do
        raise InputError(f"{path} cannot be read ({error})") from error
    raise InputError(
        f"{path} ends in {path.suffix or 'nothing'}: arrays come in .npz or .safetensors"
    )


def _check_names(path: Path, arrays: Mapping[str, Array]) -> None:
    for name in arrays:
        kind, dot, part = name.partition(".")
        if kind not in NAMES:
            raise InputError(f"{path} holds {name!r}: {guessed(kind, NAMES, {})}")
        if dot and not PART.fullmatch(part):
            raise InputError(
                f"{path} holds {name!r}: after {kind}. comes a name of letters, digits and _"
            )
        if dot and kind in arrays:
            raise InputError(f"{path} holds {kind} and {name}: {kind} is one array, or several")


def _check_rows(path: Path, arrays: Mapping[str, Array]) -> None:
    """Check that all arrays of a split have as many rows, and those to test on the same names."""
    for name, array in arrays.items():
        if not array.ndim or not len(array):
            raise InputError(f"{path}: {name} has no rows, one for each example")
    for kinds in SPLITS.items():
        first, *others = [own for kind in kinds for own in _of_kind(kind, arrays)] or [""]
        for name in others:
            if len(arrays[name]) != len(arrays[first]):
                raise InputError(
                    f"{path}: {first} has {len(arrays[first]):,} rows, "
                    f"but {name} has {len(arrays[name]):,}"
                )
    for kind in ("x", "y"):
        own, due = _of_kind(f"{kind}_test", arrays), _of_kind(kind, arrays)
        if own and [name.replace("_test", "", 1) for name in own] != due:
            raise InputError(
                f"{path} holds {', '.join(own)} to test on, but {', '.join(due) or f'no {kind}'} "
                "to train on: both take the same names"
            )


def _of_kind(kind: str, arrays: Mapping[str, Array]) -> list[str]:
    """Return the names of the arrays that are x, or another of NAMES, in order."""
    return sorted(name for name in arrays if name.partition(".")[0] == kind)


def _sha256(arrays: Mapping[str, Any]) -> str:
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
