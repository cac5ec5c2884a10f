"""Ports that are judged again whenever they are saved."""

import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from parity.contract import PortName
from parity.processes.options import Options
from parity.processes.port_run import PortRun
from parity.processes.progress import Progress
from parity.processes.worker import Worker
from parity.processes.workforce import Workforce
from shared.port_parts import parts
from tests.running import ROOT

PATIENCE = 120.0  # seconds for a verdict on a busy machine; not a matter of speed
RIGHT = (ROOT / "impls" / "numpy" / "planar.py").read_text() + '\nFRAMEWORK = "numpy"\n'
WRONG = RIGHT.replace("-= learning_rate *", "-= 1.01 * learning_rate *")
HANGS = RIGHT.replace('"""Return d loss', 'import time; time.sleep(600)\n    """Return d loss', 1)


class Watched:
    """A comparison that watches a port."""

    def __init__(self, port: Path, environment: dict[str, str], *options: str) -> None:
        self.port = port
        command = ("planar", "--frameworks", "numpy", "--watch", f"--with={port}", *options)
        self.process = subprocess.Popen(
            [sys.executable, ROOT / "compare.py", *command],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.put(line.rstrip())

    def until(self, text: str) -> list[str]:
        """Return what is printed up to the line that a text is in."""
        said: list[str] = []
        while not said or text not in said[-1]:
            said.append(self.lines.get(timeout=PATIENCE))
        return said

    def verdict(self) -> str:
        """Return what is said of a look at the port."""
        return "\n".join(self.until("watching"))

    def save(self, text: str) -> None:
        """Save the port as an editor does: another file takes its place."""
        draft = self.port.with_suffix(".tmp")
        draft.write_text(text)
        draft.replace(self.port)

    def end(self) -> int:
        """Press Ctrl-C, and return the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)


@pytest.fixture
def watch(tmp_path: Path, environment: dict[str, str]) -> Iterator[Callable[..., Watched]]:
    """Watch a port with some text."""
    started: list[Watched] = []

    def start(text: str, *options: str) -> Watched:
        port = tmp_path / "my_port.py"
        port.write_text(text)
        started.append(Watched(port, environment, *options))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.wait()
        each.reader.join()
        if each.process.stdout:
            each.process.stdout.close()


def test_every_save_gets_its_verdict(watch: Callable[..., Watched]) -> None:
    watched = watch(RIGHT)
    first = watched.verdict()
    assert "All 4 results agree" in first
    assert "here 20 steps" in first
    watched.save(WRONG)
    wrong = watched.verdict()
    assert "my_port.py changed" in wrong
    assert "2 of 2 results disagree" in wrong  # the port alone is judged again
    assert "the learning rate is 1.212" in wrong
    watched.save(RIGHT)
    assert "All 2 results agree" in watched.verdict()
    watched.save(RIGHT.replace("def loss(", "def loss("[:-1]))
    assert "my_port.py, line" in (said := watched.verdict())
    assert "is not Python" in said
    watched.port.unlink()
    assert "cannot be read" in watched.verdict()
    watched.save(RIGHT.replace("def build(", "raise OSError('no')\n\n\ndef build("))
    assert "import raised OSError: no" in watched.verdict()
    watched.save(WRONG)
    assert "2 of 2 results disagree" in watched.verdict()
    assert watched.end() == 1


def test_a_change_ends_what_hangs(watch: Callable[..., Watched]) -> None:
    watched = watch(RIGHT, "--dtype", "float64")
    watched.verdict()
    watched.save(HANGS)
    watched.until("tasks")
    watched.save(RIGHT)
    assert "The only result agrees" in watched.verdict()
    assert watched.end() == 0


def test_a_process_that_comes_too_late_is_ended(tmp_path: Path) -> None:
    workforce = Workforce(Options(), Progress(), tmp_path)

    def start_late() -> Worker:
        run.stop()  # the port changed while its process was not there yet
        return workforce.start()

    run = PortRun(PortName("numpy"), workforce, [], [], start_late, workforce.start_crew)
    try:
        assert run._load("planar").failure is not None
        assert not any(worker.lives() for worker in workforce.workers)
    finally:
        workforce.stop()


def test_no_state_of_an_older_version_is_left(watch: Callable[..., Watched]) -> None:
    watched = watch(f"import numpy as np\nnp.own = 1.01\n{RIGHT}", "--dtype", "float64")
    watched.verdict()
    watched.save(WRONG.replace("1.01 *", "getattr(np, 'own', 1) *"))
    assert "The only result agrees" in watched.verdict()


def test_what_is_broken_at_first_is_watched(watch: Callable[..., Watched]) -> None:
    watched = watch("def (", "--dtype", "float64")
    assert "line 1 is not Python" in watched.verdict()
    watched.save(RIGHT)
    assert "The only result agrees" in watched.verdict()


def test_helpers_beside_a_port_are_part_of_it(
    watch: Callable[..., Watched], tmp_path: Path
) -> None:
    (tmp_path / "helper.py").write_text("FACTOR = 1.01\n")
    watched = watch(WRONG.replace("1.01", "FACTOR") + "from helper import FACTOR\n")
    assert "2 of 4 results disagree" in watched.verdict()
    (tmp_path / "unrelated.py").write_text("")
    (tmp_path / "helper.py").write_text("FACTOR = 1.0\n")
    assert "All 2 results agree" in watched.verdict()


def test_the_parts_of_a_port(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import b.c\nimport numpy\nfrom . import d\n")
    (tmp_path / "b.py").write_text("from a import x\nfrom e.f import y\n")
    (tmp_path / "link.py").symlink_to(tmp_path / "b.py")
    names = {path.name for path in parts(tmp_path / "a.py")}
    assert names == {*(f"{name}.py" for name in "abcdefxy"), "numpy.py", "__init__.py"}
    assert {path.name for path in parts(tmp_path / "link.py")} >= {"link.py", "b.py", "a.py"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("planar",), "--watch needs --with FILE"),
        (("planar", "--with", __file__, "--json", "-"), "--json cannot be used with it"),
        (("planar", "--with", __file__, "--profile"), "--profile cannot be used with it"),
        (("planar", "--with", "nowhere.py"), "nowhere.py cannot be read"),
    ],
)
def test_what_cannot_be_watched(options: tuple[str, ...], said: str) -> None:
    run = subprocess.run(
        [sys.executable, ROOT / "compare.py", *options, "--watch"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2
    assert said in run.stderr
    assert len(run.stderr.splitlines()) == 1
