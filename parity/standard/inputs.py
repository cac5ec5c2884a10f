"""One recipe in one precision as worker processes get it: long arrays as files that all share."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from parity.contract import REFERENCE, PortName
from shared.batches import Schedule, half, length, part, rows_of
from shared.experiment import Experiment
from shared.recipes import Recipe, port_file
from shared.rows import Array, Rows, count, gathered, picked

Tensors = dict[str, Array]
PART = -1  # in place of a step: the first batch, cut to half its rows and one
SPLITS = {"train": ("x", "y"), "test": ("x_test", "y_test")}
ROWS_AT_ONCE = 1000  # of a user's net: what its layers make of all rows may not fit into memory


@dataclass(frozen=True)
class Inputs:
    """One recipe in one precision: all that a port is given.

    weights: the initial ones, by name. schedule: how many full-batch steps, or row numbers (steps,
    B). files: of x, y, x_test and y_test, the latter two missing where there are no test rows; of
    several inputs each by its own name, as "x.tokens".
    budget: the most steps of one `train` call; longer runs go in such chunks. functions: those of
    the port that the recipe is about. threshold: of a single output, over which the class is 1.
    reference: the port that the others are held to. renames: what the port that gets these calls
    the reference's weights, where it is another name or layout. workers: over how many the port
    spreads each batch, None for a port in one process. rank: which of them gets these.
    """

    recipe: str
    net: str
    dtype: str
    device: str
    threads: int
    files: dict[str, Path]
    weights: Tensors
    schedule: Schedule
    learning_rate: float
    budget: int
    functions: tuple[str, ...]
    threshold: float
    reference: PortName = REFERENCE
    renames: dict[str, str] = field(default_factory=dict)
    workers: int | None = None
    rank: int = 0

    def __str__(self) -> str:
        cut = f", {self.steps:,} steps" if self.steps != self.budget else ""
        return f"{self.recipe} {self.dtype}{cut}"

    @property
    def steps(self) -> int:
        """How many updates the whole run makes."""
        return length(self.schedule)

    @property
    def begins_anew(self) -> bool:
        """Whether a shorter run must begin at the start, since `train` may keep a state of its own.

        Our own recipes are plain gradient descent, which goes on from any weights.
        """
        return self.reference.file is not None

    @property
    def optional_layers(self) -> bool:
        """Whether a port may give some of the reference's layers, or none: on a user's recipe."""
        return self.reference.file is not None

    @property
    def port(self) -> str:
        """The name of the port's file, without suffix, in its framework's folder."""
        return port_file(self.net, self.workers)

    def handed(self, weights: Tensors) -> Tensors:
        """Return the weights that a worker gets: only worker 0 gets the right ones.

        As in practice, where worker 0 alone reads a checkpoint, the others must get theirs from it:
        theirs are off by up to their rank, each value otherwise, lest a softmax take no notice.
        """
        if self.rank == 0:
            return weights
        return {
            name: value + (self.rank * _waves(value.shape)).astype(value.dtype)
            for name, value in weights.items()
        }

    @property
    def asked(self) -> tuple[str, ...]:
        """The functions that a port is asked for, as far as it provides them."""
        more = ("layers",) if self.optional_layers and "layers" not in self.functions else ()
        return (*self.functions, *more)

    def array(self, name: str, mode: Literal["r", "c"] = "r") -> Array:
        """Return an array, mapped from its file, of the shape that `shared.datasets.Dataset` says.

        Args:
            name: "x", "y", "x_test" or "y_test"; of several, its own.
            mode: "r" to read it, "c" to write to a copy.
        """
        mapped: Array = np.load(self.files[name], mmap_mode=mode)
        return mapped.view(np.ndarray)

    def data(self, name: str) -> Rows:
        """Return "x", "y", "x_test" or "y_test": an array, or several by name; None without any."""
        arrays = {key: self.array(key) for key in self.files if key.partition(".")[0] == name}
        return gathered(name, arrays)

    @property
    def count(self) -> int:
        """How many rows there are to train on."""
        return len(self.array(next(iter(self.files))))

    def parts(self, name: str) -> list[slice]:
        """Return which rows of "x" or "x_test" `forward` is given at a time: of our own nets, all.

        The same goes for `accuracy`.
        """
        rows = count(self.data(name))
        size = ROWS_AT_ONCE if self.reference.file else rows
        return [slice(start, min(start + size, rows)) for start in range(0, rows, size)]

    def rows(self, step: int) -> slice | NDArray[np.int64]:
        """Return the index of the rows, a slice or (B,), that one step sees or PART holds."""
        if step != PART:
            return rows_of(self.schedule, step)
        if isinstance(self.schedule, int):
            return slice(0, half(self.count))
        return self.schedule[0, : half(self.schedule.shape[1])]

    def batch(self, x: Any, y: Any, step: int) -> tuple[Any, Any]:
        """Return the rows of x (rows, inputs) and y (rows, ...) that one step sees, (B, ...).

        Of several arrays by name, those of each.
        """
        rows = self.rows(step)
        return picked(x, rows), picked(y, rows)

    def one_step(self, step: int) -> tuple[Schedule, bool]:
        """Return the schedule of one step, and whether it is of all rows, not of its own alone."""
        if step != PART:
            return part(self.schedule, step, step + 1), True
        rows = self.rows(PART)
        return (1, False) if isinstance(rows, slice) else (rows[np.newaxis], True)

    def chunks(self, schedule: Schedule) -> list[Schedule]:
        """Return a schedule as the `train` calls that run it: one, unless it is a very long one.

        What `train` of a user's keeps for its optimizer would be lost between two.
        """
        steps = length(schedule)
        size = self.budget if steps > 2 * self.budget and not self.begins_anew else steps
        return [part(schedule, start, min(start + size, steps)) for start in range(0, steps, size)]


def _waves(shape: tuple[int, ...]) -> Array:
    """Return numbers from -1 to 1, of which no two are the same."""
    waves: Array = np.cos(np.arange(math.prod(shape))).reshape(shape)
    return waves


def reference_of(recipe: Recipe) -> PortName:
    """Return the port that others are held to on a recipe."""
    file = recipe.reference
    return PortName(file.name, file) if file else REFERENCE


@dataclass
class Store:
    """The folder in which all workers find the arrays; each is written once."""

    folder: Path
    written: dict[str, list[Path]] = field(default_factory=dict)
    stamps: dict[Path, tuple[int, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)

    def inputs(self, experiment: Experiment, device: str, threads: int) -> Inputs:
        """Write an experiment's arrays, and return what leads to them."""
        return Inputs(
            recipe=experiment.recipe.name,
            net=experiment.recipe.net,
            dtype=experiment.dtype,
            device=device,
            threads=threads,
            files={
                name: self._write(f"{experiment.data.name}-{len(array)}-{name}", array)
                for name, array in experiment.arrays.items()
            },
            weights=experiment.weights,
            schedule=experiment.schedule,
            learning_rate=experiment.learning_rate,
            budget=experiment.budget,
            functions=experiment.recipe.functions,
            threshold=experiment.recipe.threshold,
            reference=reference_of(experiment.recipe),
            workers=experiment.recipe.workers,
        )

    def remove(self) -> None:
        """Remove all files."""
        for path in self.stamps:
            path.unlink(missing_ok=True)
        self.stamps.clear()
        self.written.clear()

    def _write(self, name: str, array: Array) -> Path:
        """Return the file of an array; two of one name that differ in any bit have two."""
        name = f"{name}-{array.dtype}"
        alike = self.written.setdefault(name, [])
        for path in alike:
            if _are_the_same(array, np.load(path, mmap_mode="r")):
                return path
        path = self.folder / f"{name}-{len(alike)}.npy"
        np.save(path, array)
        path.chmod(0o444)
        self.stamps[path] = _stamp(path)
        alike.append(path)
        return path

    def untouched(self, inputs: Inputs, experiment: Experiment) -> bool:
        """Whether nobody has written to an experiment's files: neither now nor in between."""
        arrays = experiment.arrays
        return all(
            _stamp(path) == self.stamps[path]
            # Some file systems do not tell of what is written to a mapped file.
            and _are_the_same(arrays[name], inputs.array(name))
            for name, path in inputs.files.items()
        )


def _are_the_same(first: Array, second: Array) -> bool:
    """Whether two arrays are the same, bit for bit; they may be empty."""
    one, other = (np.ascontiguousarray(each).reshape(-1).view(np.uint8) for each in (first, second))
    return first.shape == second.shape and np.array_equal(one, other)


def _stamp(path: Path) -> tuple[int, ...]:
    """Return what changes when a file is written to or replaced, and cannot be set back."""
    try:
        found = path.stat()
    except OSError:  # it was removed
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
