"""Whether there is room for a comparison, in memory and on disk: told before the work."""

import os
import shutil
from pathlib import Path

from shared.batches import ForwardOnly
from shared.errors import InputError
from shared.experiment import Experiment
from shared.recipes import Recipe

MIB = 1 << 20
# At the least, in bytes per step: of the row numbers of its batch, the judge's copies and that of
# one process; of the loss, what a reference, its noise floors and one port keep.
OF_A_ROW, OF_A_LOSS = 4 * 8, 16 * 8
LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def check_steps(recipe: Recipe, steps: int) -> None:
    """Check that a run of so many steps fits into memory.

    Raises:
        InputError: it does not.
    """
    if isinstance(recipe.batches, ForwardOnly):
        return
    need = steps * (OF_A_LOSS + OF_A_ROW * getattr(recipe.batches, "size", 0))
    limit = memory()
    if limit and need > limit:
        raise InputError(
            f"--steps is {steps:,}, for which {recipe.name} would need {need // MIB:,} MiB of "
            f"memory, where there are {limit // MIB:,}: at most "
            f"{steps * limit // need:,} steps would fit"
        )


def memory() -> int:
    """Return the most bytes that this process may hold; 0 where the system does not say."""
    found = []
    if hasattr(os, "sysconf"):
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for file in map(Path, LIMITS):
        try:
            found.append(int(file.read_text()))
        except (OSError, ValueError):  # there is none, or it is "max"
            continue
    return min((each for each in found if each > 0), default=0)


def check_folder(folder: Path, experiments: list[Experiment]) -> None:
    """Check that the arrays of some experiments fit into the temporary folder.

    Raises:
        InputError: they do not.
    """
    if shutil.disk_usage(folder).free < needed(experiments):
        raise full(folder, experiments)


def full(folder: Path, experiments: list[Experiment], why: str = "too little space") -> InputError:
    """Return the error that there is no room for the arrays of some experiments."""
    free = shutil.disk_usage(folder).free
    return InputError(
        f"the temporary folder {folder.parent} cannot hold the data ({why}): "
        f"{-(-needed(experiments) // MIB):,} MiB are needed, {free // MIB:,} are free: make room, "
        "or name another folder in $TMPDIR"
    )


def needed(experiments: list[Experiment]) -> int:
    """Return how many bytes the arrays of some experiments take; those they share count once."""
    sizes = {}
    for experiment in experiments:
        for name, array in experiment.arrays.items():
            sizes[experiment.data.name, name, array.dtype, array.shape] = array.nbytes
    return sum(sizes.values())
