"""Ports that crash, hang, exit or are killed, and runs that are interrupted."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from parity.processes.worker import QUIET
from tests.running import PORTS, ROOT, Compare, Run

pytestmark = pytest.mark.plain_workers

HEAD = "import os, sys, time\nfrom impls.numpy.planar import *\nFRAMEWORK = 'numpy'\n"
HOW = {
    "hangs": ("    time.sleep(600)\n", "hung: it gave no answer in 15 s (--timeout)"),
    "crashes": ("    os.kill(os.getpid(), 11)\n", "crashed the process (SIGSEGV)"),
    "is_killed": ("    os.kill(os.getpid(), 9)\n", "as the system does when memory runs out"),
    "exits": ("    sys.exit(7)\n", "raised SystemExit: 7"),
    "exits_at_once": ("    os._exit(7)\n", "ended the process (exit status 7)"),
    "dies_of_signal_40": ("    os.kill(os.getpid(), 40)\n", "crashed the process (signal 40)"),
    "asks": ("    input()\n", "raised EOFError"),
    "is_interrupted": ("    raise KeyboardInterrupt\n", "raised KeyboardInterrupt"),
    "raises": ("    raise KeyError('W9')\n", "raised KeyError: 'W9'"),
    "returns_a_list": (
        "    return [1.0]\n",
        "returned a list of 1, where a dict of arrays is expected",
    ),
    "returns_nothing": (
        "    return {'W1': None}\n",
        "returned None for W1; where the loss does not depend on a weight, zeros of its shape",
    ),
    "returns_words": (
        "    return {'W1': 'none'}\n",
        "returned a str, an array of <U4, where numbers are",
    ),
}


@pytest.fixture(scope="module")
def run(compare: Compare, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One run in which each port fails in its way, on its gradients in float32 alone."""
    folder = tmp_path_factory.mktemp("ports")
    guard = "def gradients(model, x, y):\n  if x.dtype == 'float32':\n"
    rest = "  from impls.numpy import planar\n  return planar.gradients(model, x, y)\n"
    for name, (body, _) in HOW.items():
        (folder / f"{name}.py").write_text(HEAD + guard + body + rest)
    (folder / "fails_to_import.py").write_text("import no_such_module\n")
    (folder / "hangs_on_import.py").write_text("import time\ntime.sleep(600)\n")
    (folder / "empty.py").write_text("")
    (folder / "half_a_runtime.py").write_text("def to_native(array): return array\n")
    forks = "import multiprocessing as m\nm.set_start_method('fork')\nm.Pool(1).map(abs, [1])\n"
    (folder / "forks.py").write_text(forks + HEAD)
    for function in ("configure", "build", "train", "export"):
        body = f"def {function}(*a):\n    raise OSError('no')\n"
        own = "def to_native(a): return a\ndef to_numpy(a): return a\n"
        body += own if function == "configure" else ""
        head = HEAD.replace("FRAMEWORK = 'numpy'\n", "") if function == "configure" else HEAD
        (folder / f"{function}_raises.py").write_text(head + body)
    (folder / "prints.py").write_text("print('hello')\nimport os\nos.system('echo hello')\n" + HEAD)
    files = [f"--with={path}" for path in sorted(folder.iterdir())]
    return compare(*("planar", "--steps", 20, "--frameworks", "numpy", "--timeout", 15), *files)


@pytest.mark.parametrize("name", HOW)
def test_a_failure_is_the_ports_own_error(run: Run, name: str) -> None:
    result = run.result(f"{name}.py", "float32")
    assert result["verdict"] == "error"
    assert result["error"].startswith("gradients")
    assert HOW[name][1] in result["error"]
    assert [rung["rung"] for rung in result["rungs"]] == ["data", "forward", "loss"]


@pytest.mark.parametrize("function", ["configure", "build", "train", "export"])
def test_the_function_that_failed_is_named(run: Run, function: str) -> None:
    error = run.result(f"{function}_raises.py", "float64")["error"]
    assert error.startswith(function)
    assert "raised OSError: no" in error
    assert re.search(rf"\({function}_raises\.py:\d+\)$", error)


@pytest.mark.parametrize("name", HOW)
def test_the_worker_goes_on_with_the_rest(run: Run, name: str) -> None:
    assert run.result(f"{name}.py", "float64")["verdict"] == "agree"


def test_the_others_finish(run: Run) -> None:
    assert run.status == 3
    for port in ("numpy", "prints.py", "forks.py"):
        for dtype in ("float32", "float64"):
            assert run.result(port, dtype)["verdict"] == "agree"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("fails_to_import", "import raised ModuleNotFoundError: No module named 'no_such_module'"),
        ("hangs_on_import", "import hung"),
        ("empty", "provides none of the functions of a port"),
        ("half_a_runtime", "it has to_native but not configure, to_numpy"),
    ],
)
def test_a_port_that_cannot_be_loaded(run: Run, name: str, words: str) -> None:
    for dtype in ("float32", "float64"):
        result = run.result(f"{name}.py", dtype)
        assert result["verdict"] == "error"
        assert words in result["error"]
        assert result["rungs"] == []


def test_what_ports_print_does_not_mix_with_json(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [
            *(sys.executable, ROOT / "compare.py", "iris", "--steps", "5"),
            *("--frameworks", "numpy", "--with", PORTS / "sum_for_mean.py", "--json", "-"),
        ],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout.startswith("{")
    assert done.stdout.endswith("}\n")
    assert "sum_for_mean.py float32 differs first on loss" in done.stderr


def workers_of(marker: str) -> list[int]:
    """Return the processes whose environment holds a marker."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if marker.encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_an_interrupted_run_leaves_no_process(
    environment: dict[str, str], tmp_path: Path, how: signal.Signals
) -> None:
    holds_the_gil = "import re\ndef loss(*_): re.match('(a+)+$', 'a' * 60 + 'b')\n"
    (tmp_path / "hangs.py").write_text(HEAD + holds_the_gil)
    marker = f"LOCKSTEP_TEST={tmp_path}"
    report = tmp_path / "report.json"
    run = subprocess.Popen(
        [
            *(sys.executable, ROOT / "compare.py", "planar", "--steps", "9"),
            *("--frameworks", "numpy", "--with", tmp_path / "hangs.py", "--json", report),
        ],
        env={**environment, "LOCKSTEP_TEST": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while len(workers_of(marker)) < 3 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len(workers_of(marker)) >= 3  # compare.py and two workers
    time.sleep(1)
    os.kill(run.pid, how)
    _, stderr = run.communicate(timeout=30)
    deadline = time.monotonic() + 30
    while workers_of(marker) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert workers_of(marker) == []
    assert not report.exists()
    if how != signal.SIGKILL:
        assert run.returncode == 130
        assert stderr.splitlines()[-1] == "compare.py: interrupted"
        assert "Traceback" not in stderr


def test_a_reference_that_fails_gives_no_verdict(compare: Compare, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "if 'parity.worker_main' in sys.orig_argv:\n"
        "    import impls.numpy.iris as port\n"
        "    port.forward = None\n"
    )
    empty = {"LOCKSTEP_CACHE": str(tmp_path / "cache")}
    run = compare("iris", "--frameworks", "jax", PYTHONPATH=f"{tmp_path}:{ROOT}", **empty)
    assert run.status == 3
    assert run.stderr.splitlines()[-1].startswith("compare.py: the reference failed on iris")
    assert run.report == {}


@pytest.mark.parametrize(
    ("request_", "status", "said"), [(b"", 0, ""), (b"\0\0\0\2{}", 1, "WireError: not a message")]
)
def test_a_worker_says_what_it_cannot_read(request_: bytes, status: int, said: str) -> None:
    worker = [sys.executable, "-P", "-m", "parity.worker_main"]
    done = subprocess.run(
        worker,
        input=request_,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert (done.returncode, done.stdout) == (status, b"")
    assert said in done.stderr.decode()


def test_debug_shows_the_traceback(compare: Compare, tmp_path: Path) -> None:
    (tmp_path / "raises.py").write_text(HEAD + "def loss(model, x, y):\n    return model['W9']\n")
    (tmp_path / "dies.py").write_text(
        HEAD + "def loss(model, x, y):\n    os.kill(os.getpid(), 11)\n"
    )
    files = (f"--with={tmp_path / name}" for name in ("raises.py", "dies.py"))
    run = compare("planar", "--steps", 3, "--frameworks", "numpy", "--debug", *files)
    assert "return model['W9']" in run.stdout
    assert "Fatal Python error: Segmentation fault" in run.stdout


def test_two_files_of_one_name_are_told_apart(compare: Compare, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "port.py").write_text(HEAD)
    files = [tmp_path / folder / "port.py" for folder in ("a", "b")]
    run = compare("planar", "--steps", 3, *(f"--with={file}" for file in files), "--frameworks=jax")
    assert run.status == 0, run.stdout
    assert {r["port"] for r in run.report["results"]} == {"jax", *map(str, files)}


QUIETLY = """
import os, sys
from parity.processes import quiet_import
quiet_import.import_framework("tensorflow_v1")
assert "tensorflow" in sys.modules and "sklearn" not in sys.modules
with quiet_import._without_banners():
    os.write(2, b"I0000 hello\\nwhat matters\\n")
import sklearn
"""


def test_tensorflow_is_imported_without_its_banners(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", QUIETLY],
        cwd=ROOT,
        env={**environment, **QUIET},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == "what matters\n"


SLOW = """
import time
from pathlib import Path
from impls.numpy.iris import loss as right

FRAMEWORK = "numpy"


def build(weights):
    return weights


def loss(model, x, y):
    if x.shape[1] == 2:  # of planar, which comes after iris
        Path({mark!r}).touch()
        time.sleep(600)
    return right(model, x, y)
"""


def test_what_is_finished_is_printed_when_a_run_is_interrupted(
    environment: dict[str, str], tmp_path: Path
) -> None:
    mark, report, told = tmp_path / "mark", tmp_path / "report.json", tmp_path / "stderr"
    (tmp_path / "slow.py").write_text(SLOW.format(mark=f"{mark}"))
    command = [sys.executable, str(ROOT / "compare.py"), "iris", "planar", "--steps=9", "--fresh"]
    command += ["--frameworks=numpy", "--dtype=float64", f"--json={report}"]
    command += [f"--with={tmp_path / 'slow.py'}"]
    with told.open("w") as stderr:
        run = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=stderr, text=True
        )
    deadline = time.monotonic() + 60
    floors = "iris float64, 9 steps: noise floors"
    while time.monotonic() < deadline and not (mark.exists() and floors in told.read_text()):
        time.sleep(0.1)
    time.sleep(5)  # in which iris is judged
    run.send_signal(signal.SIGINT)
    stdout, _ = run.communicate(timeout=60)
    assert run.returncode == 130
    assert told.read_text().splitlines()[-1] == "compare.py: interrupted"
    assert "slow.py float64 agree" in stdout
    assert stdout.splitlines()[-1] == "interrupted after 2 results; no report was written"
    assert "planar" not in stdout
    assert not report.exists()
