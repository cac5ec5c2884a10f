"""Sums as text, and what a file of this folder needs to run by itself."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

RECIPE = Path(__file__).with_name("recipe.toml")
sys.path.append(str(RECIPE.parents[2]))  # Lockstep's own folder, for its reader of recipes
CHARACTERS = "0123456789+="
TESTED = 1_000  # of the 10,000 sums
IGNORED = -100  # in place of the next token where no answer is due: PyTorch's choice

if TYPE_CHECKING:
    from shared.experiment import Experiment


def data() -> dict[str, NDArray[np.int64]]:
    """Return all sums of two numbers below 100, in a random order.

    "34+58=290" says that 34 + 58 = 092, the units first, as one adds by hand. Each row of x (rows,
    8) is such a text but for its last token, each row of y the same but for its first: what is
    next, or IGNORED before the answer.
    """
    order = np.random.default_rng(0).permutation(10_000)
    texts = [
        f"{a:02}+{b:02}=" + f"{a + b:03}"[::-1] for a, b in zip(*divmod(order, 100), strict=True)
    ]
    tokens = np.array([[CHARACTERS.index(character) for character in text] for text in texts])
    x, y = tokens[:, :-1], tokens[:, 1:].copy()
    y[:, : texts[0].index("=")] = IGNORED
    return {"x": x[TESTED:], "y": y[TESTED:], "x_test": x[:TESTED], "y_test": y[:TESTED]}


def load(convert: Callable[[Any], Any]) -> "Experiment":
    """Return the recipe in float32, its arrays converted from NumPy's."""
    from parity.processes.options import Options
    from parity.sessions.made import complete
    from shared import recipes
    from shared.experiment import prepare

    recipe = complete(recipes.get(str(RECIPE)), None, Options())  # the reference draws the weights
    experiment = prepare(recipe, "float32")
    print(experiment.headline)
    names = ("x", "y", "x_test", "y_test")
    arrays = {name: convert(getattr(experiment, name)) for name in names}
    weights = {name: convert(value) for name, value in experiment.weights.items()}
    return replace(experiment, weights=weights, **arrays)


def report(losses: Any, solved: Any) -> None:
    """Print the mean loss of each tenth of the run, and the share of test sums solved at its end.

    losses: (steps,). solved: a fraction.
    """
    parts = np.array_split(np.asarray(losses), 10)
    last = -1
    for part in parts:
        last += len(part)
        print(f"step {last:5d}  mean loss {part.mean():.4f}")
    print(f"test sums solved {float(solved):.4f}")
