"""An experiment: a recipe made concrete, its arrays ready to hand to a port."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from shared import recipes, renames
from shared.batches import Schedule, half, length, part
from shared.datasets import Dataset, rounded
from shared.errors import InputError
from shared.recipes import Recipe
from shared.rows import Array, Rows, count, mapped, named


@dataclass(frozen=True, eq=False)
class Experiment:
    """All that a port is given, in one precision.

    x, y, x_test, y_test: the rows to train and to test on; the latter None where there are none.
    Each is an array or, of users' own data, may be several by name. weights: the initial ones, in
    canonical names and layout. Integer arrays stay int64.
    """

    recipe: Recipe
    data: Dataset
    dtype: str
    seed: int
    x: Rows
    y: Rows
    x_test: Rows
    y_test: Rows
    weights: dict[str, Array]
    schedule: Schedule
    learning_rate: float

    @property
    def arrays(self) -> dict[str, Array]:
        """All arrays of x, y, x_test and y_test, each by a name of its own."""
        found = {name: getattr(self, name) for name in ("x", "y", "x_test", "y_test")}
        given = {name: rows for name, rows in found.items() if rows is not None}
        return {own: array for name in given for own, array in named(name, given[name]).items()}

    @property
    def steps(self) -> int:
        """How many updates the schedule makes."""
        return length(self.schedule)

    @property
    def budget(self) -> int:
        """How many updates the recipe itself makes."""
        return length(self.recipe.batches.schedule(count(self.x), None, self.seed))

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
    recipe: str | Recipe,
    dtype: str = "float64",
    steps: int | None = None,
    seed: int | None = None,
    choice: str = "auto",
    data_dir: Path | None = None,
    rows: int | None = None,
) -> Experiment:
    """Make a recipe concrete.

    Args:
        recipe: the recipe, or its name.
        dtype: "float32" or "float64"; everything is made in float64, then rounded to it.
        steps: how many, or None for the recipe's own budget.
        seed: of the initial weights and the batch order, or None for the recipe's own.
        choice, data_dir: see `shared.datasets.mnist`.
        rows: the most to train on, and the most to test on, or None for all of the recipe's.

    Raises:
        InputError: there is no such recipe, its data is missing or damaged, or has too few rows.
    """
    recipe = recipes.get(recipe) if isinstance(recipe, str) else recipe
    assert callable(recipe.data), "what users' code makes is made by now"
    assert recipe.initial is not None, "and so is what it draws"
    data = recipe.data(choice, data_dir)
    seed = recipe.seed if seed is None else seed

    def ready(given: Rows, most: int | None) -> Rows:
        return mapped(lambda array: rounded(array[:most][:rows], dtype), given)

    x = ready(data.x, recipe.rows)
    _check_batch(recipe, data, count(x))
    weights = {k: rounded(w, dtype) for k, w in recipe.initial(recipe.shapes, seed).items()}
    _check_renames(recipe, weights)
    return Experiment(
        recipe=recipe,
        data=data,
        dtype=dtype,
        seed=seed,
        x=x,
        y=ready(data.y, recipe.rows),
        x_test=None if data.x_test is None else ready(data.x_test, None),
        y_test=None if data.y_test is None else ready(data.y_test, None),
        weights=weights,
        schedule=recipe.batches.schedule(count(x), steps, seed),
        learning_rate=recipe.learning_rate,
    )


def _check_batch(recipe: Recipe, data: Dataset, rows: int) -> None:
    """Check that there are enough rows for a batch, and in half a batch one for every worker.

    Raises:
        InputError: there are not.
    """
    size = getattr(recipe.batches, "size", rows)
    if size > rows:
        raise InputError(
            f"{recipe.name} trains on {rows:,} rows ({data.title}), too few for a batch of {size:,}"
        )
    if recipe.workers and half(size) < recipe.workers:
        raise InputError(
            f"{recipe.name} spreads {half(size):,} rows, half a batch, over {recipe.workers} "
            f"workers: {half(size):,} workers at most have a row each"
        )


def _check_renames(recipe: Recipe, weights: dict[str, Array]) -> None:
    """Check that what ports call the weights fits these.

    Raises:
        InputError: it does not.
    """
    for file, own in recipe.renames.items():
        try:
            renames.check_weights({**recipe.renames.get("", {}), **own}, weights)
        except InputError as error:
            of = f" for {file}" if file else ""
            raise InputError(f"{recipe.files[0]} renames{of} {error}") from error
