"""Recipes of users' own: a TOML file that names a reference, its data and its weights."""

import ast
import hashlib
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared import files, syntax
from shared.batches import Batches, ForwardOnly, FullBatch, Shuffled
from shared.datasets import Dataset
from shared.errors import InputError
from shared.recipes import FUNCTIONS, Recipe, guessed
from shared.waivers import waivers
from shared.weights import WeightShapes

Array = NDArray[Any]
Kind = type | tuple[type, ...]
LONGEST = 1_000_000  # bytes of a recipe
LARGEST = 1 << 33  # bytes of a file of arrays
MOST, MOST_SEED = 1_000_000_000, 2**32 - 1
SPLITS = ("x", "y", "x_test", "y_test")
NAME = re.compile(r"[\w.-]+")  # reports and scripts have it in the names of their files
# The keys of a recipe, and what each is.
KEYS: Mapping[str, tuple[Kind, str]] = MappingProxyType(
    {
        "name": (str, "a text"),
        "summary": (str, "a text"),
        "reference": (str, "the path of a Python file"),
        "weights": (str, "the path of a .safetensors or .npz file"),
        "data": (str, "the path of a .npz or .safetensors file"),
        "batch": (int, "a whole number of rows"),
        "steps": (int, "a whole number"),
        "learning_rate": ((int, float), "a number"),
        "seed": (int, "a whole number"),
        "functions": (list, f"a list of {', '.join(FUNCTIONS)}"),
        "expected": ((dict, list), "a table, or several, with port, at and why"),
    }
)
NEEDED = ("reference", "weights", "data")
# What a function cannot be compared without.
WITH = {"train": "export", "accuracy": "forward"}


@lru_cache
def load(path: Path) -> Recipe:
    """Return the recipe in a file.

    Raises:
        InputError: it cannot be read, or says something that no recipe can.
    """
    said = _Said(path, _read(path))
    functions = said.functions()
    weights = said.file("weights")
    return Recipe(
        name=said.name(),
        net=f"{path.absolute()}",  # no framework has a port of that name
        summary=said.get("summary", said.file("reference").name),
        shapes={},
        initial=partial(_initial, weights),
        data=partial(_data, said.file("data"), said.get("batch", 1)),
        batches=said.batches() if "train" in functions else ForwardOnly(),
        learning_rate=said.learning_rate(),
        functions=functions,
        seed=said.whole("seed", 0, 0, MOST_SEED),
        reference=said.file("reference"),
        files=(path, *map(said.file, NEEDED)),
        expected=waivers(path, said.get("expected", [])),
    )


@dataclass(frozen=True)
class _Said:
    """What a recipe's file says, checked key by key as it is asked for."""

    path: Path
    values: dict[str, Any]

    def __post_init__(self) -> None:
        for key, value in self.values.items():
            if key not in KEYS:
                self.refuse(f"has an unknown key {key!r}", guessed(key, list(KEYS), {}))
            kind, what = KEYS[key]
            if not isinstance(value, kind) or isinstance(value, bool):
                self.refuse(f"says {key} = {value!r}", f"{key} is {what}")
        for key in NEEDED:
            if key not in self.values:
                self.refuse(f"lacks {key}", f"{key} is {KEYS[key][1]}, beside the recipe")

    def refuse(self, found: str, due: str) -> None:
        """Raise an InputError of one sentence."""
        raise InputError(f"{self.path} {found}: {due}")

    def get(self, key: str, default: Any) -> Any:
        """Return what is said of a key, if anything is."""
        return self.values.get(key, default)

    def file(self, key: str) -> Path:
        """Return the path of a file; it stands beside the recipe, if it is a relative one."""
        path: Path = (self.path.parent / self.values[key]).absolute()
        if not files.is_regular(path):
            self.refuse(f"says {key} = {self.values[key]!r}", f"there is no file {path}")
        return path

    def name(self) -> str:
        """Return what the recipe is called: by default, as its file."""
        name = str(self.get("name", self.path.stem))
        if not NAME.fullmatch(name):
            self.refuse(f"is called {name!r}", "say name = with letters, digits, _, . and - alone")
        return name

    def whole(self, key: str, default: int, least: int, most: int) -> int:
        """Return a whole number within limits."""
        number = int(self.get(key, default))
        if not least <= number <= most:
            self.refuse(f"says {key} = {number}", f"it must be from {least:,} to {most:,}")
        return number

    def learning_rate(self) -> float:
        """Return the learning rate, 0 where nothing is trained."""
        rate = float(self.get("learning_rate", 0.0))
        if not math.isfinite(rate):
            self.refuse(f"says learning_rate = {rate}", "it must be a finite number")
        return rate

    def functions(self) -> tuple[str, ...]:
        """Return the functions that ports are compared by: by default, those of the reference."""
        named: list[str] = self.get("functions", _defined(self.file("reference")))
        for name in named:
            if name not in FUNCTIONS:
                self.refuse(f"names a function {name!r}", guessed(f"{name}", list(FUNCTIONS), {}))
        if "train" in named and not {"steps", "learning_rate"} <= self.values.keys():
            self.refuse("compares train", "say steps and learning_rate, too")
        for name, other in WITH.items():
            if name in named and other not in named:
                self.refuse(f"compares {name} without {other}", f"the reference needs {other}, too")
        if not {*named} - {"build", "export"}:
            self.refuse("compares nothing", f"the reference has none of {', '.join(FUNCTIONS)}")
        return tuple(name for name in FUNCTIONS if name in named)

    def batches(self) -> Batches:
        """Return in which batches the rows come."""
        steps = self.whole("steps", 1, 1, MOST)
        if "batch" not in self.values:
            return FullBatch(steps)
        return Shuffled(self.whole("batch", 1, 1, MOST), epochs=1, steps=steps)


def _defined(path: Path) -> list[str]:
    """Return which functions of a port a file defines, or imports by name, at its top level."""
    try:
        tree = syntax.parse(files.read(path, LONGEST))
    except (files.UnreadableError, SyntaxError, ValueError) as error:
        raise InputError(f"{path} is not Python ({error})") from error
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return [name for name in FUNCTIONS if name in names]


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(files.read(path, LONGEST).decode())
    except files.UnreadableError as error:
        raise InputError(f"{path} {error}: name the TOML file of a recipe") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not in UTF-8, as TOML is (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not TOML ({error})") from error


def _arrays(path: Path) -> dict[str, Array]:
    """Return the arrays of numbers in a file, by name; whole numbers in int64.

    Raises:
        InputError: it cannot be read, or holds something else.
    """
    arrays = {name: _whole(array) for name, array in _read_arrays(path).items()}
    for name, array in arrays.items():
        if array.dtype.kind not in "fi":
            raise InputError(f"{path}: {name} is an array of {array.dtype}, where numbers are due")
    return arrays


def _read_arrays(path: Path) -> dict[str, Array]:
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


def _initial(path: Path, shapes: WeightShapes, seed: int) -> dict[str, Array]:
    weights = _arrays(path)
    if not weights:
        raise InputError(f"{path} holds no weights")
    return weights


def _data(path: Path, batch: int, choice: str, data_dir: Path | None) -> Dataset:
    arrays = _arrays(path)
    _check_data(path, arrays, batch)
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    rows = len(arrays["x"])
    return Dataset(
        name=path.stem,
        title=f"{path.name}, {rows:,} rows",
        x=arrays["x"],
        y=arrays.get("y", np.empty((rows, 0))),
        x_test=arrays.get("x_test"),
        y_test=arrays.get("y_test"),
        sha256=digest.hexdigest(),
    )


def _check_data(path: Path, arrays: dict[str, Array], batch: int) -> None:
    """Check that there are inputs, with as many targets, and enough of them for a batch.

    Raises:
        InputError: there are not.
    """
    for name, array in arrays.items():
        if name not in SPLITS:
            raise InputError(f"{path} holds {name!r}: {guessed(name, list(SPLITS), {})}")
        if not array.ndim or not len(array):
            raise InputError(f"{path}: {name} has no rows, one for each example")
    for inputs, targets in (("x", "y"), ("x_test", "y_test")):
        lengths = [len(arrays[name]) for name in (inputs, targets) if name in arrays]
        if len(set(lengths)) > 1:
            raise InputError(
                f"{path}: {inputs} has {lengths[0]:,} rows, but {targets} has {lengths[1]:,}"
            )
    if "x" not in arrays:
        raise InputError(f"{path} holds no x, the inputs of the net")
    if ("x_test" in arrays) != ("y_test" in arrays):
        raise InputError(f"{path} holds one of x_test and y_test: it takes both, or neither")
    if batch > len(arrays["x"]):
        raise InputError(f"{path} has {len(arrays['x']):,} rows, too few for a batch of {batch:,}")


def _whole(array: Array) -> Array:
    """Return whole numbers in int64, so that bytes are not taken for pixels; others as they are."""
    return array.astype(np.int64) if array.dtype.kind in "iu" else array
