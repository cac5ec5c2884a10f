"""The wheel: one package, whose command and whose `assert_parity` work wherever it is installed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import PORTS, ROOT

MODULE = (sys.executable, "-P", "-m")
MINE = """
import sys
from pathlib import Path

import numpy as np
import pytest

import lockstep


def test_a_port_that_agrees():
    results = lockstep.assert_parity("planar", {agrees!r}, steps=8)
    assert {{result["verdict"] for result in results}} == {{"agree"}}


def test_a_port_that_differs():
    with pytest.raises(AssertionError, match="does not agree on planar"):
        lockstep.assert_parity("planar", {differs!r}, steps=8)


def test_a_recipe_that_is_not_there():
    with pytest.raises(lockstep.InputError, match="there is no recipe 'plana'"):
        lockstep.assert_parity("plana", {agrees!r})


def test_functions_that_agree(agree):  # a fixture that comes with Lockstep
    assert agree(np.tanh, lambda x: np.sinh(x) / np.cosh(x), np.ones(3)).ratio <= 8


def test_functions_that_differ():
    with pytest.raises(AssertionError, match="does not agree with tanh"):
        lockstep.assert_agree(np.tanh, np.sin, np.ones(3))


def test_nothing_else_is_on_the_path():
    assert not [path for path in sys.path if Path(path).name == "tree"]
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds what the wheel installs."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", folder, ROOT], check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    site = folder / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*install, "--no-compile", "--target", site, wheel], check=True)
    return site


def run(
    installed: Path, environment: dict[str, str], folder: Path, *command: object
) -> "subprocess.CompletedProcess[str]":
    """Run a command in another folder, where the wheel is installed."""
    return subprocess.run(
        [*map(str, command)],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_wheel_holds_one_package(installed: Path) -> None:
    names = {path.name for path in installed.iterdir() if path.suffix != ".dist-info"}
    assert names == {"bin", "lockstep"}
    tree = installed / "lockstep" / "tree"
    rooms = {path.name for path in tree.iterdir() if path.is_dir()}
    assert rooms >= {"guide", "impls", "parity", "shared", "traps"}
    for room in rooms:  # templates, tables and records, too
        assert files_in(tree / room) == files_in(ROOT / room)


def files_in(folder: Path) -> set[Path]:
    """Return the files of a folder and of those in it, but what Python compiled."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {path.relative_to(folder) for path in found}


def test_the_command_runs_anywhere(
    installed: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    lockstep = installed / "bin" / "lockstep"
    quick = ("planar", "--quick", "--frameworks", "numpy")
    done = run(installed, environment, tmp_path, lockstep, *quick)
    assert done.returncode == 0, done.stderr
    assert "All 2 results agree" in done.stdout
    shown = run(installed, environment, tmp_path, *MODULE, "lockstep", "--help").stdout
    assert "lockstep planar --steps 500" in shown
    assert "compare.py" not in shown
    wrong = run(installed, environment, tmp_path, lockstep, "plana")
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("lockstep: there is no recipe 'plana'")


def test_own_tests_run_anywhere(
    installed: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    agrees, differs = PORTS / "correct_plain_python.py", PORTS / "scalar_losses.py"
    text = MINE.format(agrees=str(agrees), differs=str(differs))
    (tmp_path / "test_mine.py").write_text(text)
    clean = {name: value for name, value in environment.items() if name != "PYTEST_ADDOPTS"}
    pytest_quietly = (*MODULE, "pytest", "-q", "-p", "no:cacheprovider")
    done = run(installed, clean, tmp_path, *pytest_quietly, "test_mine.py")
    assert done.returncode == 0, done.stdout
    assert "lockstep: worst ratio per test" in done.stdout
    assert f"{os.sep}tree{os.sep}" not in done.stdout
