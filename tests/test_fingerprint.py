"""Floors of users' references are kept, and measured anew once anything else is computed."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.running import ROOT, Compare

REFERENCE = """
import os
from pathlib import Path

import numpy as np
from helper import slope

FRAMEWORK = "numpy"
HERE = Path(__file__).parent


def forward(weights, x):
    shift = float((HERE / "shift.txt").read_text()) + float(os.environ.get("SHIFT", 0))
    return np.maximum(x @ weights["W"], slope * (x @ weights["W"])) + shift


def loss(weights, x, y):
    return ((forward(weights, x) - y) ** 2).mean()
"""
RECIPE = 'reference = "net.py"\nweights = "weights.npz"\ndata = "data.npz"\n'
SCRIPT = """
import sys
from pathlib import Path
from parity import contract
from parity.standard import cache, reference
from parity.standard.fingerprint import fingerprint
from parity.standard.inputs import Store
from shared.experiment import prepare

experiment = prepare(sys.argv[1], sys.argv[2])
inputs = Store(Path(sys.argv[3])).inputs(experiment, "cpu", 1)
port = contract.load(inputs.reference, inputs.net)
known = fingerprint(port, inputs, reference.run(port, inputs))
print(cache.path(inputs, experiment.data.sha256, known).name)
"""


def written(folder: Path) -> Path:
    """Write a recipe whose reference depends on whatever it can, and return it."""
    random = np.random.default_rng(0)
    np.savez(folder / "weights.npz", W=random.standard_normal((5, 3)))
    np.savez(folder / "data.npz", x=random.standard_normal((20, 5)), y=random.random((20, 3)))
    (folder / "net.py").write_text(REFERENCE)
    (folder / "helper.py").write_text("slope = 0.3\n")
    (folder / "shift.txt").write_text("0.1")
    (folder / "net.toml").write_text(RECIPE)
    return folder / "net.toml"


def rewritten(file: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / file).read_text()
        assert text.count(old) == 1
        (folder / file).write_text(text.replace(old, new))

    return change


def moved(file: str, name: str) -> Callable[[Path], None]:
    """Return what moves one number of a file's by the least that float32 can hold."""

    def change(folder: Path) -> None:
        with np.load(folder / file) as arrays:
            own = dict(arrays)
        first = np.float32(own[name].flat[0])
        own[name].flat[0] = np.nextafter(first, np.float32(9))
        np.savez(folder / file, **own)

    return change


CHANGES = {
    "a helper": rewritten("helper.py", "0.3", "0.30001"),
    "operations that come to the same": rewritten("net.py", ").mean()", ").mean() * 2 / 2"),
    "a file that it opens": rewritten("shift.txt", "0.1", "0.1000001"),
    "the weights": moved("weights.npz", "W"),
    "the data": moved("data.npz", "x"),
    "the operations in float32 alone": rewritten(
        "net.py",
        "return np.maximum",
        "x = x * 3 / 3 if x.itemsize == 4 else x\n    return np.maximum",
    ),
}


def name_of(folder: Path, **variables: str) -> str:
    """Return the name under which floors are kept, as a new process finds it."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, folder / "net.toml", "float32", folder / "arrays"],
        env={"PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("known")
    written(folder)
    first = name_of(folder)
    (folder / "helper.py").write_text("# What is said to people.\nslope = 0.3\n")
    assert name_of(folder) == first
    assert name_of(folder, SHIFT="1e-6") != first
    return first


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_changes_what_is_computed_is_noticed(
    known: str, tmp_path: Path, what: str
) -> None:
    written(tmp_path)
    CHANGES[what](tmp_path)
    assert name_of(tmp_path) != known


def test_floors_are_kept_until_something_else_is_computed(compare: Compare, tmp_path: Path) -> None:
    recipe, kept = written(tmp_path), tmp_path / "cache" / "floors"

    def run(*options: str) -> dict[str, int]:
        made = compare(recipe, "--dtype", "float64", *options, LOCKSTEP_CACHE=str(kept.parent))
        assert made.status == 0, made.stderr
        return {file.name: file.stat().st_mtime_ns for file in kept.iterdir()}

    first = run()
    assert len(first) == 1
    assert run() == first
    assert run("--fresh").keys() == first.keys()
    assert run() != first
    rewritten("helper.py", "0.3", "0.2")(tmp_path)
    assert len(run()) == 2


def test_kept_floors_are_those_that_are_judged_by(compare: Compare, tmp_path: Path) -> None:
    recipe = written(tmp_path)
    port = tmp_path / "port.py"
    port.write_text(REFERENCE.replace("* (x @", "* 1.0000001 * (x @"))
    runs = [
        compare(recipe, f"--with={port}", "--dtype", "float64", LOCKSTEP_CACHE=f"{tmp_path}/cache")
        for _ in range(2)
    ]
    for run in runs:
        assert run.status == 1, run.stderr
    first, again = (run.result("port.py", "float64")["rungs"] for run in runs)
    assert first == again
