"""The first divergence: its very step, whether it is carried over, and who is the odd one out."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import PORTS, ROOT, Compare, Run

STEPS = 600


@pytest.fixture(scope="module")
def run(compare: Compare) -> Run:
    planted = ("late_bug", "clipped_gradients", "momentum")
    return compare(
        *("planar", "--steps", STEPS, "--frameworks", "numpy"),
        *(f"--with={PORTS / name}.py" for name in planted),
    )


def test_a_late_bug_is_found_at_its_very_step(run: Run) -> None:
    divergence = run.result("late_bug.py", "float64")["divergence"]
    # Update 40 is the first wrong one: both the weights after it and the next loss show it.
    assert (divergence["rung"], divergence["step"]) == ("trajectory", 41)
    assert divergence["teacher_forced"] is False
    assert 41 <= run.result("late_bug.py", "float32")["divergence"]["step"] <= 60


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_bug_between_two_checkpoints_is_found_at_its_very_step(run: Run, dtype: str) -> None:
    divergence = run.result("clipped_gradients.py", dtype)["divergence"]
    assert divergence["rung"] == "gradients"
    assert 100 < divergence["step"] < 200
    assert divergence["teacher_forced"] is True
    # The first gradient over the clip, and no other: it is clipped from there on.
    assert divergence["got"] == pytest.approx(0.05)
    assert divergence["expected"] > 0.05
    assert divergence["mismatches"] == 1


def test_what_is_carried_from_step_to_step_is_said_to_be(run: Run) -> None:
    for dtype in ("float32", "float64"):
        divergence = run.result("momentum.py", dtype)["divergence"]
        assert (divergence["rung"], divergence["step"]) == ("trajectory", 2)
        assert divergence["teacher_forced"] is False
    assert "one step from the reference's own weights there is right" in run.stdout


def test_a_wrong_reference_is_suspect(tmp_path: Path, environment: dict[str, str]) -> None:
    for name in ("impls", "parity", "shared", "compare.py"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    port = tmp_path / "impls" / "numpy" / "planar.py"
    right, wrong = "dz = (p - y) / len(y)", "dz = 1.01 * (p - y) / len(y)"
    assert port.read_text().count(right) == 1
    port.write_text(port.read_text().replace(right, wrong))
    command = [sys.executable, "compare.py", "planar", "--steps", "5", "--dtype", "float64"]
    done = subprocess.run(
        [*command, "--frameworks", "numpy,torch,jax"],
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": os.fspath(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "jax and torch differ from the reference in float64 in the same way" in done.stdout
