"""`--device`: it reaches the runtimes that have it, and is refused where the machine has not."""

import ctypes
import importlib
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from parity.contract import PortName
from parity.processes import devices
from parity.processes.options import Options
from parity.processes.progress import Progress
from parity.results import Trial
from parity.sessions import session
from parity.sessions.settings import Settings
from shared.errors import InputError
from shared.experiment import prepare
from tests.running import ROOT, Compare

OWN_RUNTIME = """
import numpy as np
from pathlib import Path

DEVICES = ()  # nothing that is asked for

def configure(dtype, device, threads):
    Path(__file__).with_name("device").write_text(device)

to_native = np.array
to_numpy = np.asarray
"""


def test_a_device_reaches_the_runtimes_that_have_it(
    tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCKSTEP_CACHE", environment["LOCKSTEP_CACHE"])
    own = Path(shutil.copy(ROOT / "impls" / "numpy" / "iris.py", tmp_path / "own.py"))
    own.write_text(own.read_text() + OWN_RUNTIME)
    trial = Trial(prepare("iris", "float64", 2), "compiled")
    ports = [PortName("numpy"), PortName("own.py", own)]
    numpy, other = session.compare([trial], ports, Options(device="cuda"), Progress())
    assert (numpy.verdict, other.verdict) == ("agree", "agree")
    assert (numpy.device, other.device) == ("cpu", "cuda")
    assert (tmp_path / "device").read_text() == "cuda"


@pytest.mark.parametrize(
    ("driver", "said"),
    [
        (None, f"has no driver for it ({devices.DRIVER})"),
        ({"cuInit": lambda flags: 100}, "its driver finds no GPU"),
        ({"cuInit": lambda flags: 0, "cuDeviceGetCount": lambda at: 0}, "its driver finds no GPU"),
    ],
)
def test_a_machine_without_it_is_told_in_a_sentence(
    driver: dict[str, object] | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(name: str) -> SimpleNamespace:
        if driver is None:
            raise OSError
        return SimpleNamespace(**driver)

    monkeypatch.setattr(ctypes, "CDLL", load)
    with pytest.raises(InputError) as error:
        devices.check("cuda")
    assert said in f"{error.value}"
    devices.check("cpu")


def test_a_machine_with_a_gpu_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    def count(at: Any) -> int:
        at._obj.value = 1
        return 0

    driver = SimpleNamespace(cuInit=lambda flags: 0, cuDeviceGetCount=count)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: driver)
    devices.check("cuda")


def test_the_device_that_is_asked_for_is_that_of_the_processes() -> None:
    assert Settings(device="cuda").options.device == "cuda"


def test_pytorch_leaves_the_gpu_where_the_cpu_is_asked_for_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch = pytest.importorskip("torch")
    runtime = importlib.import_module("impls.torch.runtime")
    asked: list[str | None] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "set_default_device", asked.append)
    for device in ("cuda", "cpu"):
        runtime.configure("float32", device, 1)
    assert asked == ["cuda", None]


def test_a_comparison_on_this_machine_needs_the_device(
    command: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "DRIVER", "no-such-driver.so")
    run = command("iris", "--frameworks=numpy", "--device=cuda")
    assert (run.status, run.stdout) == (2, "")
    assert "--device is cuda, but this machine has no driver" in run.stderr


def test_a_comparison_on_a_cluster_needs_it_there_alone(
    command: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "DRIVER", "no-such-driver.so")
    run = command("iris", "--frameworks=numpy", "--device=cuda", "--cluster=nowhere")
    assert run.status == 2
    assert "no Dask scheduler can be reached at 'nowhere'" in run.stderr
