"""Runs of compare.py: with ports that misbehave, options that make no sense, and signals."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from parity.contract import ROOT
from studies.hostility.tries import Outcome, Try

LIMIT = 60.0  # seconds that a run may take, and the hangs of ports among them
MARK = "LOCKSTEP_HOSTILE"  # in the environment of a run and of all that it starts
# What a port does instead of, or before, its work; each makes its results differ from the right.
MISDEEDS = {
    "raises": "raise ValueError({text!r} * 100_000)",
    "exits": "import os; os._exit({number})",
    "calls sys.exit": "import sys; sys.exit({text!r})",
    "is killed": "import os; os.kill(os.getpid(), {signal})",
    "returns nothing": "return None",
    "returns text": "return {text!r}",
    "returns NaN": "return float('nan')",
    "returns a lot": "return np.broadcast_to(1.0, (100_000, {number} * 1_000))",
    "returns odd names": "return {{{text!r}: np.ones({number} + 1)}}",
    "recurses": "return {function}(*arguments)",
    "deletes its folder": "import shutil, tempfile; shutil.rmtree(tempfile.gettempdir()); return 0",
    "closes its files": "import os; os.closerange(0, 256)",
    "forks": "import os; os.fork(); return 0",
    "leaves a daemon": (
        "import subprocess; subprocess.Popen(['setsid', 'sleep', '600']); return float('inf')"
    ),
    "prints": "print({text!r} * 1_000_000); return None",
    "holds the GIL": "import re; re.match('(a+)+$', 'a' * 60 + 'b')",
    "sleeps": "import time; time.sleep(600)",
}
TEXTS = ("\x1b[2J\x1b]0;t\x07", "\u202eabc\u2066", "\ud800", "<script>", "\x00", "%s{0}", "a\r\n")
PORT = """FRAMEWORK = "numpy"
from impls.numpy.iris import *
def {function}(*arguments):
    {body}
"""
FUNCTIONS = ("build", "forward", "loss", "gradients", "train", "export", "accuracy")
WORDS = (
    *("iris", "planar", "iriss", "", "-", "--", "--quick", "--fresh", "--steps", "0", "-1", "1e9"),
    *("--dtype", "float16", "float32", "--frameworks", "numpy", "nunpy", ",", "--data", "digits"),
    *("--with", "/dev/null", "/", "nothing.py", ".", "--json", "/dev/full", "/proc/x", "--html"),
    *("--seed", "-5", "99999999999", "--threads", "--timeout", "nan", "inf", "--mode", "both"),
    *("--data-dir", "nowhere/" * 100, "\x1b[31m", "--repro", "--pictures", "--junit", "--markdown"),
)
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGKILL")


@dataclass(frozen=True)
class Ended:
    """A run that has ended, or was ended because it did not."""

    status: int | None
    stderr: str
    left: list[str]
    report: dict[str, object]


def ports(random: Random) -> Iterator[Try]:
    """Compare a port that misbehaves beside a right one, which must get its verdict."""
    while True:
        name, function = random.choice(list(MISDEEDS)), random.choice(FUNCTIONS)
        body = MISDEEDS[name].format(
            text=random.choice(TEXTS),
            number=random.randrange(1, 100),
            signal=random.choice((6, 9, 11, 15, 19)),
            function=function,
        )
        with tempfile.TemporaryDirectory() as folder:
            port = Path(folder, "hostile.py")
            port.write_text(PORT.format(function=function, body=body))
            arguments = ["iris", "--steps", "5", "--dtype", "float64", "--frameworks", "numpy"]
            ended = _run([*arguments, "--timeout", "5", "--with", str(port)], Path(folder))
            yield Try(f"{function} {name}", _of_ports(ended), ended.stderr)


def _of_ports(ended: Ended) -> Outcome:
    if (general := _general(ended)) != "handled":
        return general
    results = ended.report.get("results")
    if not isinstance(results, list):
        return "crash"
    verdicts = {result["port"]: result["verdict"] for result in results}
    if verdicts.get("numpy") != "agree":
        return "crash"
    return "accepted" if verdicts.get("hostile.py") == "agree" else "handled"


def options(random: Random) -> Iterator[Try]:
    """Give compare.py words that make no sense: one sentence and status 2, or it does its work."""
    while True:
        words = ["iris", "--steps", "3", "--frameworks", "numpy"][: random.randrange(6)]
        words += random.choices(WORDS, k=random.randrange(1, 5))
        with tempfile.TemporaryDirectory() as folder:
            ended = _run([word for word in words if "\0" not in word], Path(folder))
        outcome = _general(ended)
        if outcome == "handled" and ended.status == 2 and len(ended.stderr.splitlines()) > 8:
            outcome = "crash"
        yield Try(" ".join(words), outcome, ended.stderr)


def signals(random: Random) -> Iterator[Try]:
    """End a comparison at any moment; what a killed one leaves, the next one removes."""
    while True:
        name = random.choice(SIGNALS)
        after = random.uniform(0.0, 6.0)
        with tempfile.TemporaryDirectory() as folder:
            arguments = ["iris", "planar", "--fresh", "--frameworks", "numpy"]
            ended = _run(arguments, Path(folder), getattr(signal, name), after)
        yield Try(f"{name} after {after:.1f} s", _general(ended, name), ended.stderr)


def _general(ended: Ended, sent: str = "") -> Outcome:
    """Judge what any run comes to; `sent` is the signal that it got."""
    if ended.status is None:
        return "hang"
    if ended.left:
        return "left behind"
    allowed = {0, 1, 2, 3, *((130, -getattr(signal, sent)) if sent else ())}
    raised = "Traceback" in ended.stderr and not (sent and _is_of_python(ended.stderr))
    untold = raised or "an internal error" in ended.stderr
    return "crash" if ended.status not in allowed or untold else "handled"


def _is_of_python(stderr: str) -> bool:
    """Whether Python itself says where it was interrupted, not yet having come to compare.py."""
    interrupted = stderr.rstrip().endswith("KeyboardInterrupt")
    return "compare.py" not in stderr and (interrupted or f"{ROOT}" not in stderr)


def _run(
    arguments: list[str], folder: Path, sent: signal.Signals | None = None, after: float = 0.0
) -> Ended:
    """Run compare.py in a folder of its own, and see how it ends.

    Args:
        arguments: of compare.py, but for --json.
        folder: its current folder, in which are its cache and its temporary files.
        sent: a signal to end it by, if any.
        after: how many seconds.
    """
    temporary, report = folder / "temporary", folder / "report.json"
    temporary.mkdir()
    environment = {
        **os.environ,
        MARK: str(folder),
        "TMPDIR": str(temporary),
        "LOCKSTEP_CACHE": str(folder / "cache"),
        "LOCKSTEP_DATA": str(folder),
    }
    command = [sys.executable, str(ROOT / "compare.py"), *arguments, "--json", str(report)]
    run = subprocess.Popen(  # noqa: S603 - compare.py, with what is tried
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    if sent is not None:
        time.sleep(after)
        run.send_signal(sent)
    status: int | None
    try:
        _, stderr = run.communicate(timeout=LIMIT)
        status = run.returncode
    except subprocess.TimeoutExpired:
        run.kill()
        _, stderr = run.communicate()
        status = None
    left = _processes(str(folder))
    if sent != getattr(signal, "SIGKILL", None):
        left += [path.name for path in temporary.iterdir()]
    text = report.read_text() if report.is_file() else "{}"
    return Ended(status, stderr, left, json.loads(text))


def _processes(mark: str) -> list[str]:
    """Return the processes that a run has left, a moment after it has ended."""
    mine = f"{MARK}={mark}".encode()
    deadline = time.monotonic() + 5
    while found := [
        entry.name
        for entry in Path("/proc").glob("[0-9]*")
        if int(entry.name) != os.getpid() and mine in _environment(entry)
    ]:
        if time.monotonic() > deadline:
            return found
        time.sleep(0.1)
    return []


def _environment(process: Path) -> list[bytes]:
    try:
        return (process / "environ").read_bytes().split(b"\0")
    except OSError:  # it has ended, or is somebody else's
        return []
