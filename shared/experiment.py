"""An experiment: a recipe made concrete, its arrays ready to hand to a port."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from numpy.typing import NDArray

from shared import recipes
from shared.batches import Schedule, length, part
from shared.datasets import Dataset, rounded
from shared.recipes import Recipe

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Experiment:
    """All that a port is given, in one precision.

    x, y, x_test, y_test: the rows to train and to test on; the latter None where there are none.
    weights: the initial ones, in canonical names and layout. Integer arrays stay int64.
    """

    recipe: Recipe
    data: Dataset
    dtype: str
    seed: int
    x: Array
    y: Array
    x_test: Array | None
    y_test: Array | None
    weights: dict[str, Array]
    schedule: Schedule
    learning_rate: float

    @property
    def steps(self) -> int:
        """How many updates the schedule makes."""
        return length(self.schedule)

    @property
    def budget(self) -> int:
        """How many updates the recipe itself makes."""
        return length(self.recipe.batches.schedule(len(self.x), None, self.seed))

    @property
    def headline(self) -> str:
        """One line that says what is run, on which data."""
        stand_in = f"\nSTAND-IN DATA: {self.data.notice}" if self.data.notice else ""
        return f"{self.recipe.name}: {self.recipe}; {self.data.title}; {self.dtype}{stand_in}"

    def cut(self, steps: int) -> Self:
        """Return the experiment with its first `steps` steps alone; of a shorter one, itself."""
        if steps >= self.steps:
            return self
        return replace(self, schedule=part(self.schedule, 0, steps))

    def parts(self, lines: int) -> Iterator[tuple[int, Schedule]]:
        """Yield the schedule in equal parts, one per line of a log, each with its last step."""
        size = max(1, self.steps // lines)
        for start in range(0, self.steps, size):
            stop = min(start + size, self.steps)
            yield stop - 1, part(self.schedule, start, stop)


def prepare(
    name: str,
    dtype: str = "float64",
    steps: int | None = None,
    seed: int | None = None,
    choice: str = "auto",
    data_dir: Path | None = None,
    rows: int | None = None,
) -> Experiment:
    """Make a recipe concrete.

    Args:
        name: of the recipe.
        dtype: "float32" or "float64"; everything is made in float64, then rounded to it.
        steps: how many, or None for the recipe's own budget.
        seed: of the initial weights and the batch order, or None for the recipe's own.
        choice, data_dir: see `shared.datasets.mnist`.
        rows: the most to train on, and the most to test on, or None for all of the recipe's.

    Raises:
        InputError: there is no such recipe, or its data is missing or damaged.
    """
    recipe = recipes.get(name)
    data = recipe.data(choice, data_dir)
    seed = recipe.seed if seed is None else seed
    x, y = (array[: recipe.rows][:rows] for array in (data.x, data.y))
    return Experiment(
        recipe=recipe,
        data=data,
        dtype=dtype,
        seed=seed,
        x=rounded(x, dtype),
        y=rounded(y, dtype),
        x_test=None if data.x_test is None else rounded(data.x_test[:rows], dtype),
        y_test=None if data.y_test is None else rounded(data.y_test[:rows], dtype),
        weights={k: rounded(w, dtype) for k, w in recipe.initial(recipe.shapes, seed).items()},
        schedule=recipe.batches.schedule(len(x), steps, seed),
        learning_rate=recipe.learning_rate,
    )
