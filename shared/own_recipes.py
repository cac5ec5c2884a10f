"""Recipes of users' own: a TOML file that names a reference, its data and its weights."""

import ast
import hashlib
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
from shared.weights import WeightShapes

Array = NDArray[Any]
Kind = type | tuple[type, ...]
LONGEST = 1_000_000  # bytes of a recipe
LARGEST = 1 << 33  # bytes of a file of arrays
SPLITS = ("x", "y", "x_test", "y_test")
DTYPES = ("float32", "float64")
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
    }
)
NEEDED = ("reference", "weights", "data")


def is_one(name: str) -> bool:
    """Whether a name is that of a recipe's file, by how it ends."""
    return name.endswith(".toml")


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
        name=said.get("name", path.stem),
        net=f"{path.absolute()}",  # no framework has a port of that name
        summary=said.get("summary", said.file("reference").name),
        shapes={},
        initial=partial(_initial, weights),
        data=partial(_data, path, said.file("data")),
        batches=said.batches() if "train" in functions else ForwardOnly(),
        learning_rate=float(said.get("learning_rate", 0.0)),
        functions=functions,
        seed=said.get("seed", 0),
        reference=said.file("reference"),
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

    def functions(self) -> tuple[str, ...]:
        """Return the functions that ports are compared by: by default, those of the reference."""
        named: list[str] = self.get("functions", _defined(self.file("reference")))
        for name in named:
            if name not in FUNCTIONS:
                self.refuse(f"names a function {name!r}", guessed(f"{name}", list(FUNCTIONS), {}))
        if "train" in named and not {"steps", "learning_rate"} <= self.values.keys():
            self.refuse("compares train", "say steps and learning_rate, too")
        return tuple(name for name in FUNCTIONS if name in named)

    def batches(self) -> Batches:
        """Return in which batches the rows come."""
        steps = self.values["steps"]
        if steps < 1:
            self.refuse(f"says steps = {steps}", "there must be at least 1")
        if "batch" not in self.values:
            return FullBatch(steps)
        return Shuffled(self.values["batch"], epochs=1, steps=steps)


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
    """Return the arrays in a file, by name."""
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                return {name: arrays[name] for name in arrays.files}
        if path.suffix == ".safetensors":
            from safetensors import numpy as safetensors

            return dict(safetensors.load(files.read(path, LARGEST)))
    except Exception as error:  # whatever such a file can do
        raise InputError(f"{path} cannot be read ({error})") from error
    raise InputError(
        f"{path} ends in {path.suffix or 'nothing'}: arrays come in .npz or .safetensors"
    )


def _initial(path: Path, shapes: WeightShapes, seed: int) -> dict[str, Array]:
    weights = _arrays(path)
    if not weights:
        raise InputError(f"{path} holds no weights")
    for name, value in weights.items():
        if value.dtype.kind not in "fiu":
            raise InputError(f"{path}: {name} is an array of {value.dtype}, where numbers are due")
    return weights


def _data(recipe: Path, path: Path, choice: str, data_dir: Path | None) -> Dataset:
    arrays = _arrays(path)
    unknown = [name for name in arrays if name not in SPLITS]
    if unknown:
        raise InputError(f"{path} holds {unknown[0]!r}: {guessed(unknown[0], list(SPLITS), {})}")
    if "x" not in arrays:
        raise InputError(f"{path} holds no x, the inputs of the net")
    rows = len(arrays["x"])
    y = arrays.get("y", np.empty((rows, 0)))
    for name, other in (("y", y), ("y_test", arrays.get("y_test"))):
        due = rows if name == "y" else len(arrays.get("x_test", ()))
        if other is not None and len(other) != due:
            raise InputError(f"{path}: x has {due:,} rows, but {name} has {len(other):,}")
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return Dataset(
        name=path.stem,
        title=f"{path.name}, {rows:,} rows",
        x=_whole(arrays["x"]),
        y=_whole(y),
        x_test=_whole(arrays.get("x_test")),
        y_test=_whole(arrays.get("y_test")),
        sha256=digest.hexdigest(),
    )


def _whole(array: Array | None) -> Any:
    """Return whole numbers in int64, so that bytes are not taken for pixels; others as they are."""
    if array is None or array.dtype.kind not in "iu":
        return array
    return array.astype(np.int64)
