"""A comparison with mistakes in it, and with ports that try to break out of its reports."""

from pathlib import Path
from typing import NamedTuple

from parity.contract import PortName
from parity.processes.progress import Progress
from parity.reports.run import FinishedRun
from parity.sessions import session
from parity.sessions.port_files import check_files
from parity.sessions.settings import Settings
from tests.running import Run

IMAGE = "<img src=x onerror=alert(1)>.py"
PERCENT = "%{x} <b>bold & 'q' \"d\" | _pipe_ www.example.org @all.py"
SCRIPT = "</script><script>alert(2)</script> <!-- | `x` [a](javascript:alert(3))\u2028<b>bold</b>"
PORTS = {
    IMAGE: f"""
def gradients(model, x, y):
    raise ValueError({SCRIPT + chr(0) + chr(27) + chr(0xDC80)!r})
""",
    PERCENT: """
def gradients(model, x, y):
    own = right.gradients(model, x, y)
    return {"<b>": own["W"], **own}
""",
    "nan_losses.py": """
def train(model, x, y, schedule, learning_rate):
    model, losses = right.train(model, x, y, schedule, learning_rate)
    if len(losses) > 20:
        losses[20:] = float("nan")
    return model, losses
""",
    "doubled.py": """
def gradients(model, x, y):
    return {name: 2 * value for name, value in right.gradients(model, x, y).items()}
""",
}
RIGHT = """FRAMEWORK = "numpy"
from impls.numpy import iris as right
from impls.numpy.iris import *
"""
FORWARD_ONLY = """
def build(weights):
    return weights
def forward(model, x):
    return x @ model["W"] + model["b"]
"""


class Reported(NamedTuple):
    """A run of compare.py with all reports, and where they lie."""

    run: Run
    html: Path
    markdown: Path
    junit: Path


def write_ports(folder: Path) -> list[Path]:
    """Write the ports, and return their files."""
    sources = {name: RIGHT + source for name, source in PORTS.items()}
    sources |= {"forward_only.py": FORWARD_ONLY, "crashes.py": "raise RuntimeError('<here>')\n"}
    for name, source in sources.items():
        (folder / name).write_text(source, encoding="utf-8")
    return [folder / name for name in sources]


def options(folder: Path) -> list[object]:
    """Return the options that ask for all reports in a folder."""
    return [
        *("--html", folder / "report.html", "--markdown", folder / "report.md"),
        *("--junit", folder / "report.xml"),
    ]


def reports(run: Run, folder: Path) -> Reported:
    """Return what was written there."""
    names = ("report.html", "report.md", "report.xml")
    return Reported(run, *(folder / name for name in names))


def compared(folder: Path) -> FinishedRun:
    """Compare some of the ports in this process."""
    settings = Settings(steps=20)
    trials = settings.trials(["iris"])
    ports = [PortName("numpy"), *check_files(write_ports(folder)[:4])]
    results = list(session.compare(trials, ports, settings.options, Progress()))
    return FinishedRun(results, 1.5, settings.given)
