"""What the file of an example needs to run by itself: a recipe's arrays, and a log."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from parity.processes.options import Options
from parity.sessions.made import complete
from shared import recipes
from shared.experiment import Experiment, prepare


def load(recipe: Path, convert: Callable[[Any], Any]) -> Experiment:
    """Print what a recipe is, and return it in float32, its arrays converted from NumPy's.

    Raises:
        InputError: the recipe, or what it names, cannot be used.
        ReferenceFailedError: the reference draws no weights that can be used.
    """
    experiment = prepare(complete(recipes.get(str(recipe)), None, Options()), "float32")
    print(experiment.headline)
    names = ("x", "y", "x_test", "y_test")
    arrays = {name: convert(getattr(experiment, name)) for name in names}
    weights = {name: convert(value) for name, value in experiment.weights.items()}
    return replace(experiment, weights=weights, **arrays)


def report(losses: Any, what: str, measured: Any) -> None:
    """Print the mean loss of each tenth of a run, and what was measured at its end.

    losses: (steps,).
    """
    parts = np.array_split(np.asarray(losses), 10)
    last = -1
    for part in parts:
        last += len(part)
        print(f"step {last:5d}  mean loss {part.mean():.4f}")
    print(f"{what} {float(measured):.4f}")
