"""What a file of this folder needs to run by itself: the recipe's data, weights and batches."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

RECIPE = Path(__file__).with_name("recipe.toml")
sys.path.append(str(RECIPE.parents[2]))  # Lockstep's own folder, for its loader of MNIST

if TYPE_CHECKING:
    from shared.experiment import Experiment


def load(convert: Callable[[Any], Any]) -> "Experiment":
    """Return the recipe in float32, its arrays converted from NumPy's."""
    from shared.experiment import prepare

    experiment = prepare(str(RECIPE), "float32")
    print(experiment.headline)
    names = ("x", "y", "x_test", "y_test")
    arrays = {name: convert(getattr(experiment, name)) for name in names}
    weights = {name: convert(value) for name, value in experiment.weights.items()}
    return replace(experiment, weights=weights, **arrays)


def report(losses: Any, accuracy: Any) -> None:
    """Print the mean loss of each tenth of the run, and the test accuracy at its end."""
    parts = np.array_split(np.asarray(losses), 10)
    last = -1
    for part in parts:
        last += len(part)
        print(f"step {last:5d}  mean loss {part.mean():.4f}")
    print(f"test accuracy {float(accuracy):.4f}")
