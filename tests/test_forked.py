"""Workers that are copies of a template do and end as those that are started anew."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from parity.contract import PortName
from parity.processes.messages import Load, Loaded
from parity.processes.options import Options
from parity.processes.worker import Worker, WorkerDiedError

PORT = """
import os, signal, sys, time
from pathlib import Path

FRAMEWORK = "numpy"
HERE = Path(__file__).parent
(HERE / "seen").write_text(f"{os.getpid()} {'torch' in sys.modules} {os.environ['TMPDIR']}")
"""


@pytest.fixture
def load(template: dict[str, str], tmp_path: Path) -> Callable[..., list[Any]]:
    """Let a worker load a port that begins like `PORT`, and return its messages."""
    if not template:
        pytest.skip("workers are no copies without --forked-workers")

    def run(then: str, timeout: float = 300) -> list[Any]:
        (tmp_path / "port.py").write_text(PORT + then)
        heard: list[Any] = []
        worker = Worker(1, tmp_path / "worker", Options().variables)
        try:
            worker.ask(Load(PortName("port.py", tmp_path / "port.py")), heard.append, timeout)
        finally:
            worker.kill()
        return heard

    return run


def test_a_copy_has_what_its_process_has(load: Callable[..., list[Any]], tmp_path: Path) -> None:
    heard = load("def forward(model, x):\n    return x\n")
    assert any(isinstance(message, Loaded) for message in heard), heard
    number, imported, folder = (tmp_path / "seen").read_text().split()
    assert imported == "True"
    assert folder == str(tmp_path / "worker")
    assert ends(int(number))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false"),
        ("KMP_INIT_AT_FORK", "FALSE"),
        ("TF_CPP_MIN_LOG_LEVEL", "1"),
        ("TORCHINDUCTOR_CACHE_DIR", "/tmp"),
    ],
)
def test_what_libraries_set_in_the_tests_own_process_is_no_other_environment(
    load: Callable[..., list[Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
) -> None:
    monkeypatch.setenv(name, value)
    load("")
    assert "True" in (tmp_path / "seen").read_text()


def test_another_environment_gets_no_copy(
    load: Callable[..., list[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    load("")
    assert "False" in (tmp_path / "seen").read_text()


@pytest.mark.parametrize(
    ("then", "says"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", r"crashed the process \(SIGSEGV\)"),
        ("os._exit(3)", r"ended the process \(exit status 3\)"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "was killed"),
    ],
)
def test_a_process_ends_as_its_copy_does(
    load: Callable[..., list[Any]], then: str, says: str
) -> None:
    with pytest.raises(WorkerDiedError, match=says):
        load(then)


def test_a_copy_ends_with_its_process(load: Callable[..., list[Any]], tmp_path: Path) -> None:
    with pytest.raises(WorkerDiedError, match="hung"):
        load("time.sleep(600)", timeout=5)
    assert ends(int((tmp_path / "seen").read_text().split()[0]))


def ends(number: int) -> bool:
    """Whether a process has ended, or does within ten seconds."""
    for _ in range(100):
        if not Path(f"/proc/{number}").exists():
            return True
        time.sleep(0.1)
    return False
