"""Recipes of users' own: a file, TOML or Python, that names a reference, its data and weights."""

import ast
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from shared import datasets, files, own_data, python_recipes, renames, syntax
from shared.batches import Batches, ForwardOnly, FullBatch, Shuffled
from shared.datasets import Dataset, Loader
from shared.errors import InputError
from shared.recipes import FUNCTIONS, Recipe, guessed
from shared.renames import Renames
from shared.waivers import waivers
from shared.weights import Weights, WeightShapes

Kind = type | tuple[type, ...]
LONGEST = 1_000_000  # bytes of a recipe
MOST, MOST_SEED = 1_000_000_000, 2**32 - 1
DTYPES = ("float32", "float64", "both")
OWN_DATA: Mapping[str, Loader] = MappingProxyType(
    {
        "mnist": datasets.mnist,
        "digits": lambda choice, data_dir: datasets.digits(),
        "iris": datasets.iris,
        "planar": datasets.planar,
    }
)
NAME = re.compile(r"[\w.-]+")  # reports and scripts have it in the names of their files
# The keys of a recipe, and what each is.
KEYS: Mapping[str, tuple[Kind, str]] = MappingProxyType(
    {
        "name": (str, "a text"),
        "summary": (str, "a text"),
        "reference": (str, "the path of a Python file"),
        "weights": (str, "the path of a .safetensors or .npz file"),
        "data": (str, "the path of a .npz, .safetensors or .py file, or one of our data sets"),
        "rows": (int, "a whole number"),
        "batch": (int, "a whole number of rows"),
        "steps": (int, "a whole number"),
        "learning_rate": ((int, float), "a number"),
        "seed": (int, "a whole number"),
        "functions": (list, f"a list of {', '.join(FUNCTIONS)}"),
        "dtype": (str, f"one of {', '.join(DTYPES)}"),
        "rename": (dict, "a table of weights"),
        "expected": ((dict, list), "a table, or several, with port, at and why"),
    }
)
NEEDED = ("reference", "data")
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
    weights = said.file("weights") if "weights" in said.values else None
    return Recipe(
        name=said.name(),
        net=f"{path.absolute()}",  # no framework has a port of that name
        summary=said.get("summary", said.file("reference").name),
        shapes={},
        initial=partial(_initial, weights) if weights else None,
        data=said.data(functions),
        batches=said.batches() if "train" in functions else ForwardOnly(),
        learning_rate=said.learning_rate(),
        functions=functions,
        seed=said.whole("seed", 0, 0, MOST_SEED),
        reference=said.file("reference"),
        files=(path, *said.named_files()),
        rows=said.whole("rows", 1, 1, MOST) if "rows" in said.values else None,
        dtype=said.dtype(),
        renames=said.renamed(),
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
                port = "; a port is named behind --with" * (self.path.suffix == ".py")
                self.refuse(f"lacks {key}", f"{key} is {KEYS[key][1]}, beside the recipe{port}")

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
            ours = f", and of our data sets there are {', '.join(OWN_DATA)}" * (key == "data")
            self.refuse(f"says {key} = {self.values[key]!r}", f"there is no file {path}{ours}")
        return path

    def data(self, functions: tuple[str, ...]) -> Loader | Path:
        """Return what loads the data, or the Python file that makes it."""
        if self.values["data"] in OWN_DATA:
            return OWN_DATA[self.values["data"]]
        path = self.file("data")
        return path if path.suffix == ".py" else partial(_data, path, "accuracy" in functions)

    def named_files(self) -> list[Path]:
        """Return the files that it names."""
        ours = self.values["data"] in OWN_DATA
        keys = ("reference", "weights", *["data"] * (not ours))
        return [self.file(key) for key in keys if key in self.values]

    def dtype(self) -> str:
        """Return the precisions to compare it in."""
        dtype = str(self.get("dtype", "both"))
        if dtype not in DTYPES:
            self.refuse(f"says dtype = {dtype!r}", guessed(dtype, list(DTYPES), {}))
        return dtype

    def renamed(self) -> dict[str, Renames]:
        """Return what ports call the weights: by the name of a port's file, of all ports by ""."""
        table: dict[str, Any] = self.get("rename", {})
        found: dict[str, Renames] = {k: own for k, own in table.items() if isinstance(own, dict)}
        for file in found:
            if Path(file).name != file or not file.endswith(".py"):
                due = "name a port's file, without its folder, or put a weight's name in quotes"
                self.refuse(f"renames for {file!r}", due)
            if file == self.file("reference").name:
                self.refuse(f"renames for {file!r}", "that is the reference, whose names are due")
        found[""] = {name: text for name, text in table.items() if not isinstance(text, dict)}
        for own in found.values():
            for name, text in own.items():
                if not renames.is_expression(text):
                    self.refuse(f"says rename {name!r} = {text!r}", renames.EXPRESSIONS)
        return found

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
        """Return the functions that ports are compared by: by default, those of the reference.

        Its layers are a part of its forward pass.
        """
        defined = _defined(self.file("reference"))
        named: list[str] = self.get("functions", defined)
        if "forward" in named and "layers" in defined:
            named = [*named, "layers"]
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
        if "batch" in self.values and "train" not in defined:
            self.refuse("says batch, but its reference has no train", "say rows for fewer rows")
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
    python = path.suffix == ".py"
    try:
        source = files.read(path, LONGEST)
        return python_recipes.said(path, source, KEYS) if python else tomllib.loads(source.decode())
    except files.UnreadableError as error:
        kind = "Python" if python else "TOML"
        raise InputError(f"{path} {error}: name the {kind} file of a recipe") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not in UTF-8, as TOML is (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not TOML ({error})") from error


def _initial(path: Path, shapes: WeightShapes, seed: int) -> Weights:
    return own_data.weights(path)


def _data(path: Path, classes: bool, choice: str, data_dir: Path | None) -> Dataset:
    return own_data.dataset(path, own_data.read(path), classes)
