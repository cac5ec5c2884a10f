"""`assert_parity`: for a test of one's own, from any folder, with the report as its text."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from parity import assert_parity
from shared.errors import InputError
from tests.running import PORTS, ROOT, Compare
from tests.test_processes import workers_of

pytestmark = pytest.mark.plain_workers

TESTS = f"""
import pathlib
import pytest
from parity import assert_parity

PORTS = pathlib.Path({str(PORTS)!r})

def test_correct():
    results = assert_parity("planar", PORTS / "correct_plain_python.py", steps=8)
    assert [(r.dtype, r.verdict) for r in results] == [("float32", "agree"), ("float64", "agree")]

def test_beside_this_file():
    [result] = assert_parity("iris", "mine.py", steps=8, dtype="float32")
    assert result.port == "mine.py"

def test_wrong():
    assert_parity("iris", str(PORTS / "sum_for_mean.py"), steps=8)

def test_not_a_number():
    with pytest.raises(AssertionError, match="no finite number, the first at"):
        assert_parity("planar", PORTS / "nan_late.py", steps=40, dtype="float64")

def test_crash(tmp_path):
    (tmp_path / "dies.py").write_text("import os\\ndef loss(*_): os._exit(7)\\n")
    with pytest.raises(AssertionError, match="ended the process .exit status 7."):
        assert_parity("iris", tmp_path / "dies.py", steps=8, dtype="float64")
"""
MINE = """
FRAMEWORK = "numpy"
from impls.numpy.iris import *
"""


@pytest.fixture(scope="module")
def run(
    environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> subprocess.CompletedProcess[str]:
    """A run of pytest in a folder of its own, as a user's."""
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "test_mine.py").write_text(TESTS)
    (folder / "mine.py").write_text(MINE)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-W", "error", "-p", "no:cacheprovider", "test_mine.py"],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(ROOT), "COLUMNS": "80", "LOCKSTEP_TEST": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    if Path("/proc/self/environ").exists():
        assert workers_of(f"LOCKSTEP_TEST={folder}") == []
    return done


def test_one_test_fails_and_the_others_pass(run: subprocess.CompletedProcess[str]) -> None:
    assert "4 passed" in run.stdout, run.stdout
    assert "1 failed" in run.stdout
    assert "AssertionError: sum_for_mean.py does not agree on iris" in run.stdout
    assert "parity/sessions/assertion.py" not in run.stdout  # the traceback ends at the call


def test_the_text_is_what_compare_prints(
    run: subprocess.CompletedProcess[str], compare: Compare
) -> None:
    port = PORTS / "sum_for_mean.py"
    printed = compare("iris", "--steps", 8, "--frameworks", ",", "--with", port).stdout
    *report, last = (line.rstrip() for line in printed.splitlines())
    shown = [line.removeprefix("E").strip() for line in run.stdout.splitlines()]
    missing = [line for line in report if line.strip() not in shown]
    assert missing == []
    assert any(line.startswith(last.partition(" in ")[0]) for line in shown)
    assert "\x1b" not in run.stdout
    assert "sum_for_mean.py float32 differs first on loss, step 0, loss" in shown


@pytest.mark.parametrize(
    ("recipe", "port", "options", "words"),
    [
        ("plannar", "sum_for_mean.py", {}, "did you mean planar?"),
        ("iris", "no_such_port.py", {}, "no_such_port.py cannot be read"),
        ("iris", "sum_for_mean.py", {"mode": "graph"}, "there is no --mode 'graph'"),
        ("iris", "sum_for_mean.py", {"steps": 0}, "--steps is 0"),
        ("mnist", "softmax_twice.py", {"data_dir": "/no/such"}, "/no/such .* is not a folder"),
    ],
)
def test_unusable_input(recipe: str, port: str, options: dict[str, str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        assert_parity(recipe, PORTS / port, **options)  # type: ignore[arg-type] # some are wrong


def test_its_import_is_light() -> None:
    heavy = {"torch", "tensorflow", "jax", "rich", "click", "matplotlib", "sklearn", "scipy"}
    script = "import sys, parity; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "parity" in loaded
    assert not loaded & heavy


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
@pytest.mark.parametrize("kill", [os.kill, os.killpg])
def test_an_interrupted_test_leaves_nothing(
    environment: dict[str, str], tmp_path: Path, kill: Callable[[int, int], None]
) -> None:
    (tmp_path / "hangs.py").write_text(f"{MINE}import time\ndef loss(*_): time.sleep(600)\n")
    script = 'import lockstep; lockstep.assert_parity("iris", "hangs.py", steps=8)'
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    variables = {"PYTHONPATH": str(ROOT), "TMPDIR": str(temporary), "LOCKSTEP_TEST": str(tmp_path)}
    test = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**environment, **variables},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    marker = f"LOCKSTEP_TEST={tmp_path}"
    deadline = time.monotonic() + 60
    while not list(temporary.glob("lockstep-*/worker-*")) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len(workers_of(marker)) >= 3  # the test, Lockstep, and at least one worker
    kill(test.pid, signal.SIGINT)
    _, stderr = test.communicate(timeout=30)
    assert stderr.rstrip().endswith("KeyboardInterrupt")
    assert stderr.count("Traceback") == 1, stderr
    assert list(temporary.iterdir()) == []
    assert workers_of(marker) == []
