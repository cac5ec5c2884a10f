"""Imports run one way, as pyproject.toml says; and the check that says so can fail."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import ROOT


def check_imports(root: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on a tree."""
    return subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )


def test_imports_run_one_way() -> None:
    done = check_imports(ROOT)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("shared/metrics.py", "import parity.standard.comparison"),
        ("shared/metrics.py", "import torch"),
        ("parity/judging/judge.py", "import impls.numpy.iris"),
        ("parity/judging/judge.py", "import jax"),
        ("guide/ports.py", "import impls.torch.iris"),
        ("guide/ports.py", "import jax"),
        ("parity/judging/judge.py", "import guide.ports"),
        ("impls/torch/iris.py", "import parity.standard.comparison"),
        ("impls/torch/iris.py", "import impls.numpy.iris"),
        ("impls/jax/iris.py", "import tensorflow"),
    ],
)
def test_a_wrong_import_is_found(tmp_path: Path, file: str, line: str) -> None:
    for part in ("bench", "guide", "impls", "lockstep", "parity", "shared", "studies", "traps"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    path = tmp_path / file
    path.write_text(f"{path.read_text()}\n{line}\n")
    done = check_imports(tmp_path)
    assert done.returncode == 1, done.stdout
    assert re.search(r"[1-9]\d* broken", done.stdout)
