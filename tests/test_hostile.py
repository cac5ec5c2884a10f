"""One port that misbehaves costs no other its verdict, and leaves nothing behind."""

import os
import time
from pathlib import Path

import pytest

from parity.processes.options import Options
from parity.processes.progress import Progress
from parity.processes.scratch import LOCK, PREFIX, Scratch
from parity.processes.workforce import MOST_RESTING, Workforce
from shared.legible import legible
from tests.running import Compare, Run
from tests.test_processes import workers_of

pytestmark = pytest.mark.plain_workers

HEAD = """import os, tempfile, time
from pathlib import Path
from impls.numpy import iris as own
from impls.numpy.iris import *
FRAMEWORK = "numpy"
"""
ANSI = r"\x1b[2J\x1b]0;title\x07\r\x9b31m\u202eabc\u2066\ufeff\udc80"
PORTS = {
    "names_a_surrogate": f"""
def gradients(model, x, y):
    return {{**own.gradients(model, x, y), "W{ANSI}": x}}
""",
    "names_at_length": """
def gradients(model, x, y):
    return {**own.gradients(model, x, y), "W" * 1_000_000: x}
""",
    "raises_at_length": """
def gradients(model, x, y):
    raise ValueError("no " * 7_000_000)
""",
    "prints_at_length": """
def gradients(model, x, y):
    for _ in range(200): print("no " * 100_000)
    os._exit(1)
""",
    "returns_too_much": """
def forward(model, x):
    return np.broadcast_to(1.0, (20_000, 20_000)) if len(x) > 100 else own.forward(model, x)
""",
    "deletes_its_folder": """
import shutil
shutil.rmtree(tempfile.gettempdir())
""",
    "leaves_a_daemon": """
import subprocess
subprocess.Popen(["setsid", "sleep", "600"])
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0: time.sleep(600)
    os._exit(0)
""",
    "leaves_a_writer": """
if os.fork() == 0:
    os.setsid()
    for number in range(1_000_000):
        try: Path(tempfile.gettempdir(), str(number)).touch()
        except OSError: pass
    os._exit(0)
""",
    "answers_nothing": """
from parity.rungs import climb
climb.Run.climb_at = lambda *_: None
""",
    "forgets_to_predict": """
from parity.rungs import climb
climb.Run.predict = lambda *_: None
""",
    "is_a_name_of_its_own": """
class Name(str):
    def __reduce__(self): return os.system, ("touch run-in-the-judge",)
FRAMEWORK = Name("numpy")
""",
    "\u0441\u0435\u0442\u044c": "",  # a Cyrillic name
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the ports are, and for temporary files."""
    folder = tmp_path_factory.mktemp("hostile")
    for name, body in PORTS.items():
        (folder / f"{name}.py").write_text(HEAD + body)
    (folder / "temporary").mkdir()
    return folder


@pytest.fixture(scope="module")
def run(compare: Compare, folder: Path) -> Run:
    """One run of them all."""
    files = [f"--with={folder / name}.py" for name in PORTS]
    how = ("--steps", 20, "--dtype", "float64", "--frameworks", "numpy", "--timeout", 60)
    return compare("iris", *how, *files, TMPDIR=str(folder / "temporary"), HOSTILE=str(folder))


def test_the_others_get_their_verdicts(run: Run) -> None:
    assert run.status == 3, run.stderr
    right = ("leaves_a_daemon.py", "leaves_a_writer.py", "is_a_name_of_its_own.py")
    for port in ("numpy", "\u0441\u0435\u0442\u044c.py", "deletes_its_folder.py", *right):
        assert run.result(port, "float64")["verdict"] == "agree", run.result(port, "float64")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("names_a_surrogate", r"W\x1b[2J\x1b]0;title\x07"),
        ("names_at_length", "WWWW ... is extra"),
        ("raises_at_length", "raised ValueError: no no no"),
        ("prints_at_length", "ended the process (exit status 1)"),
        ("returns_too_much", "400,000,000 values of shape (20000, 20000)"),
        ("answers_nothing", "forward, step 0 was never answered"),
        ("forgets_to_predict", "accuracy, step 20 was never answered"),
    ],
)
def test_a_misbehaviour_is_that_ports_own_error(run: Run, name: str, said: str) -> None:
    result = run.result(f"{name}.py", "float64")
    assert result["verdict"] == "error"
    assert said in result["error"]


def test_what_is_said_stays_short_and_legible(run: Run) -> None:
    assert len(run.stdout) < 50_000
    assert len(str(run.report)) < 200_000
    assert all(c.isprintable() or c == "\n" for c in run.stdout + run.stderr)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_no_process_and_no_file_is_left(run: Run, folder: Path) -> None:
    assert run.report
    assert workers_of(f"HOSTILE={folder}") == []
    assert list((folder / "temporary").iterdir()) == []
    assert not (folder / "run-in-the-judge").exists()
    assert not Path("run-in-the-judge").exists()


OVERWRITES = """
found = list(Path(tempfile.gettempdir()).parent.rglob("*-x-*.npy"))
assert found
for path in found:
    path.chmod(0o666)
    array = np.load(path, mmap_mode="r+")
    array[...] = 1.5 * array + 0.25
    array.flush()
"""


def test_ports_that_overwrite_shared_arrays_make_nobody_disagree(
    compare: Compare, tmp_path: Path
) -> None:
    (tmp_path / "overwrites.py").write_text(HEAD + OVERWRITES)
    (tmp_path / "right.py").write_text(f"{HEAD}time.sleep(3)\n")  # so that it is the later one
    cache = tmp_path / "cache"
    run = compare(
        *("iris", "--steps", 20, "--dtype", "float64", "--frameworks", ","),
        *(f"--with={tmp_path / name}.py" for name in ("overwrites", "right")),
        LOCKSTEP_CACHE=str(cache),
    )
    assert run.status == 3
    assert "the arrays that all ports share were changed" in run.stdout + run.stderr
    assert list(cache.glob("floors/*")) == []  # nothing is kept of what may be wrong
    results = run.report.get("results", [])
    assert "disagree" not in [result["verdict"] for result in results]


DEAF = """
import fcntl
kept = []
for number in range(3, 30):
    try: link = os.readlink(f"/proc/self/fd/{number}")
    except OSError: continue
    reads = fcntl.fcntl(number, fcntl.F_GETFL) & 3 == os.O_RDONLY
    if "pipe" in link and reads and not os.get_inheritable(number):
        kept.append(os.dup(number))
        other, end = os.pipe()
        os.dup2(other, number)
        kept.append(end)
"""


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_a_process_that_reads_no_request_is_given_up(compare: Compare, tmp_path: Path) -> None:
    (tmp_path / "deaf.py").write_text(HEAD.replace("iris", "mnist") + DEAF)
    how = ("--data", "digits", "--dtype", "float64", "--steps", 60, "--frameworks", "numpy")
    start = time.monotonic()
    run = compare("mnist", *how, "--timeout", 5, "--with", tmp_path / "deaf.py")
    assert run.result("numpy", "float64")["verdict"] == "agree"
    assert "hung: it gave no answer in 5 s" in run.result("deaf.py", "float64")["error"]
    assert time.monotonic() - start < 120


def test_few_processes_rest_however_many_ports_there_are(tmp_path: Path) -> None:
    workforce = Workforce(Options(), Progress(), tmp_path)
    try:
        workers = [workforce.start() for _ in range(MOST_RESTING + 2)]
        for worker in workers:
            workforce.rest(worker)
        assert [worker.lives() for worker in workers] == [False] * 2 + [True] * MOST_RESTING
        assert not workforce.wake(workers[0])
        assert workforce.wake(workers[-1])
        workforce.rest(workforce.start())
        assert workers[-1].lives()  # it is at work
    finally:
        workforce.stop()
    assert not any(worker.lives() for worker in workforce.workers)


def test_the_folder_of_a_comparison_that_was_killed_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    stale = tmp_path / f"{PREFIX}stale"
    (stale / "worker-0").mkdir(parents=True)
    (stale / LOCK).touch()
    (tmp_path / f"{PREFIX}of-something-else").mkdir()
    alive = Scratch()
    assert not stale.exists()
    other = Scratch()
    assert alive.path.exists()
    for scratch in (alive, other):
        scratch.remove()
    assert [path.name for path in tmp_path.iterdir()] == [f"{PREFIX}of-something-else"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("W1, \u0441\u0435\u0442\u044c, \u7db2", "W1, \u0441\u0435\u0442\u044c, \u7db2"),
        ("a\x1b[31mb\x9bc", r"a\x1b[31mb\x9bc"),
        ("\udc80 \u202e \u2028", r"\udc80 \u202e \u2028"),
        ("two\nlines\tand more", "two\nlines\tand more"),
    ],
)
def test_text_is_shown_as_it_is_or_escaped(text: str, shown: str) -> None:
    assert legible(text) == shown
    assert legible(shown) == shown
    assert legible("x" * 10, 4) == "xxxx ..."
    assert os.fsdecode(legible(text).encode()) == legible(text)
