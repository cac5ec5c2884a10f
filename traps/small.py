"""The recipes of the examples at a small size: few rows, in batches of two."""

import importlib.util
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.contract import ROOT
from shared.datasets import digits

EXAMPLES = ROOT / "examples"
BATCH = 2
Arrays = dict[str, NDArray[Any]]


def written(name: str, folder: Path, rows: int = 4, steps: int = 2) -> Path:
    """Write the recipe of an example for a few rows and steps, and return its file."""
    example = EXAMPLES / name
    arrays: dict[str, Any] = dict(ROWS[name](rows))
    np.savez(folder / "data.npz", **arrays)
    said = tomllib.loads((example / "recipe.toml").read_text())
    said |= {key: str(example / said[key]) for key in ("reference", "weights") if key in said}
    said |= {"data": "data.npz", "batch": BATCH, "steps": steps}
    recipe = folder / f"{name}.toml"
    recipe.write_text("".join(f"{key} = {value!r}\n" for key, value in said.items()))
    return recipe


def module(file: Path) -> Any:
    """Return what a file of an example defines."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def _digits(rows: int) -> Arrays:
    data = digits()
    return {"x": data.x[:rows], "y": data.y[:rows], "x_test": data.x[:2], "y_test": data.y[:2]}


def _sums(rows: int) -> Arrays:
    data: Arrays = module(EXAMPLES / "gpt" / "data.py").data()
    return {"x": data["x"][:rows], "y": data["y"][:rows]}


def _symbols(rows: int) -> Arrays:
    x = np.random.default_rng(0).integers(0, 8, (rows, 3))
    return {"x": x, "y": x[:, 0], "x_test": x[:2], "y_test": x[:2, 0]}


ROWS: dict[str, Callable[[int], Arrays]] = {"convnet": _digits, "gpt": _sums, "gru": _symbols}
