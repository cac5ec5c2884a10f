"""Sums as text, and what a file of this folder needs to run by itself."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).parent
sys.path.insert(1, str(FOLDER.parents[1]))  # Lockstep's own folder
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
    """Print what the recipe is, and return it in float32, arrays converted from NumPy's."""
    from examples import alone

    return alone.load(FOLDER / "recipe.toml", convert)


def report(losses: Any, solved: Any) -> None:
    """Print the log of a run: its losses (steps,), and the share of test sums it solves."""
    from examples import alone

    alone.report(losses, "test sums solved", solved)
