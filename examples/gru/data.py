"""Symbols to remember, and what a file of this folder needs to run by itself."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).parent
sys.path.insert(1, str(FOLDER.parents[1]))  # Lockstep's own folder
SYMBOLS, LENGTH = 8, 12

if TYPE_CHECKING:
    from shared.experiment import Experiment


def data() -> dict[str, NDArray[np.int64]]:
    """Return sequences of symbols x (rows, LENGTH), and the symbol that each begins with, y."""
    random = np.random.default_rng(0)
    x = random.integers(0, SYMBOLS, (10_000, LENGTH))
    x_test = random.integers(0, SYMBOLS, (1_000, LENGTH))
    return {"x": x, "y": x[:, 0], "x_test": x_test, "y_test": x_test[:, 0]}


def load(convert: Callable[[Any], Any]) -> "Experiment":
    """Print what the recipe is, and return it in float32, arrays converted from NumPy's."""
    from examples import alone

    return alone.load(FOLDER / "recipe.toml", convert)


def report(losses: Any, accuracy: Any) -> None:
    """Print the log of a run: its losses (steps,), and its test accuracy."""
    from examples import alone

    alone.report(losses, "test accuracy", accuracy)
