"""What noise floors cost: a checkpoint's against a plain step, and a whole comparison.

Part of `python -m bench`; by itself, run as `python -m bench.noise`.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from bench.goals import Goal
from bench.library import LIBRARIES, Library
from bench.measure import Announce
from bench.messages import Checkpoint
from bench.report import goal_table
from parity.contract import ROOT, is_installed

EXAMPLE = ROOT / "examples" / "convnet"
RECIPE = EXAMPLE / "recipe.toml"
REFERENCES = {
    name: EXAMPLE / f"convnet_{name}.py" for name in ("torch", "jax", "tensorflow", "numpy")
}
PORTS = [EXAMPLE / f"convnet_{name}.py" for name in ("torch", "jax", "keras", "tensorflow")]
STEPS = 60.0  # plain ones, which a checkpoint's floors may take
IMPORTS = 3.0  # of TensorFlow, which a first comparison may take


def goals(libraries: list[str], rounds: int, tell: Announce) -> Iterator[Goal]:
    """Yield what is measured on the example of a convolutional net, against its limits.

    Args:
        libraries: those that are installed.
        rounds: how often each thing is measured, in alternation with what it is compared with.
        tell: is told what is measured next.

    Raises:
        RuntimeError: a library failed, or its process died, or a comparison did not agree.
    """
    for name, reference in REFERENCES.items():
        if name in libraries:
            tell(f"noise floors: {name}")
            ratio = checkpoint(name, RECIPE, reference, rounds)
            yield Goal(f"floors of a checkpoint to a step of {name}'s", ratio, STEPS)
    if "tensorflow" in libraries:
        tell("noise floors: comparisons")
        first, again = comparisons(RECIPE, PORTS, rounds)
        yield Goal("a first comparison to TensorFlow's import", first, IMPORTS)
        yield Goal("the next one", again, IMPORTS)


def checkpoint(library: str, recipe: Path, reference: Path, rounds: int) -> float:
    """Return how many plain steps the floors of a checkpoint take: the median of some rounds."""
    with Library(library) as process:
        timed = [process.checkpoint(Checkpoint(recipe, reference)) for _ in range(rounds + 1)]
    return statistics.median(each.floors / each.step for each in timed[1:])


def comparisons(recipe: Path, ports: list[Path], rounds: int) -> tuple[float, float]:
    """Return how often TensorFlow could be imported in the time of a quick comparison.

    Returns:
        That of the first one, of which nothing is in the cache, and that of the next: medians.
    """
    names = [f"--with={port}" for port in ports]
    compare = [sys.executable, f"{ROOT / 'compare.py'}", f"{recipe}", "--quick", *names]
    firsts, nexts = [], []
    for _ in range(rounds):
        imported = _seconds([sys.executable, "-c", "import tensorflow"], {})
        with TemporaryDirectory(prefix="lockstep-bench-") as cache:
            firsts.append(_seconds(compare, {"LOCKSTEP_CACHE": cache}) / imported)
            nexts.append(_seconds(compare, {"LOCKSTEP_CACHE": cache}) / imported)
    return statistics.median(firsts), statistics.median(nexts)


def _seconds(command: list[str], variables: dict[str, str]) -> float:
    """Return how long a command takes.

    Raises:
        RuntimeError: it failed.
    """
    start = time.perf_counter()
    done = subprocess.run(  # noqa: S603 - our own commands
        command, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return time.perf_counter() - start


if __name__ == "__main__":
    installed = [name for name in LIBRARIES if is_installed(name)]
    told = Console(stderr=True, highlight=False)
    Console(highlight=False).print(goal_table(list(goals(installed, 3, told.print))))
