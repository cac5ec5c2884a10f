"""Symbols to remember, and what a file of this folder needs to run by itself."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

RECIPE = Path(__file__).with_name("recipe.toml")
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
    """Return the recipe in float32, its arrays converted from NumPy's."""
    sys.path.append(str(RECIPE.parents[2]))  # Lockstep's own folder, for its order of batches
    from shared import own_data, recipes
    from shared.experiment import prepare

    made = own_data.dataset(Path(__file__), data(), classes=True)
    recipe = replace(
        recipes.get(str(RECIPE)),
        data=lambda choice, data_dir: made,
        initial=lambda shapes, seed: drawn(seed),
    )
    experiment = prepare(recipe, "float32")
    print(experiment.headline)
    names = ("x", "y", "x_test", "y_test")
    arrays = {name: convert(getattr(experiment, name)) for name in names}
    weights = {name: convert(value) for name, value in experiment.weights.items()}
    return replace(experiment, weights=weights, **arrays)


def drawn(seed: int) -> dict[str, NDArray[np.float32]]:
    """Return the initial weights, which the reference draws."""
    import gru_torch
    import torch

    torch.manual_seed(seed)
    return {name: value.numpy() for name, value in gru_torch.export(gru_torch.build(None)).items()}


def report(losses: Any, accuracy: Any) -> None:
    """Print the mean loss of each tenth of the run, and the test accuracy at its end."""
    parts = np.array_split(np.asarray(losses), 10)
    last = -1
    for part in parts:
        last += len(part)
        print(f"step {last:5d}  mean loss {part.mean():.4f}")
    print(f"test accuracy {float(accuracy):.4f}")
