"""What a file of this folder needs to run by itself."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

FOLDER = Path(__file__).parent
sys.path.insert(1, str(FOLDER.parents[1]))  # Lockstep's own folder

if TYPE_CHECKING:
    from shared.experiment import Experiment


def load(convert: Callable[[Any], Any]) -> "Experiment":
    """Print what the recipe is, and return it in float32, arrays converted from NumPy's."""
    from examples import alone

    return alone.load(FOLDER / "recipe.toml", convert)


def report(losses: Any, accuracy: Any) -> None:
    """Print the log of a run: its losses (steps,), and its test accuracy."""
    from examples import alone

    alone.report(losses, "test accuracy", accuracy)
