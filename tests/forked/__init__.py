"""Workers for the tests that are copies of a process that has imported all frameworks.

With `pytest --forked-workers`, on Linux: what is judged is the same, but imports, which take most
of the tests' time, are done once. Tests about processes themselves are marked `plain_workers`.
"""

import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from parity.contract import ROOT
from parity.processes import threads, worker
from parity.processes.options import Options

HERE = Path(__file__).parent
VARIABLES = TEMPLATE, PATH = "LOCKSTEP_TEMPLATE", "PYTHONPATH"


@contextmanager
def template(folder: Path) -> Iterator[dict[str, str]]:
    """Give the environment in which workers are copies, of a template that starts for the first.

    folder: where its socket is made; its path must be short.
    """
    path = folder / "template"
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen(100)
    own = {TEMPLATE: str(path), PATH: _joined(HERE, os.environ.get(PATH))}
    threading.Thread(target=_start, args=(listening, own), daemon=True).start()
    try:
        yield own
    finally:
        listening.close()


def _joined(*folders: object) -> str:
    return os.pathsep.join(str(folder) for folder in folders if folder)


def _start(listening: socket.socket, own: dict[str, str]) -> None:
    """Start the template when somebody asks for it; it dies with this thread."""
    select.select([listening], [], [])
    environment = {**Options().variables, **worker.QUIET, **os.environ, **own}
    environment |= threads.pinned(1)
    environment[PATH] = _joined(ROOT, own[PATH])
    with listening:
        process = subprocess.Popen(
            [sys.executable, "-P", HERE / "template.py", f"{listening.fileno()}"],
            env=environment,
            pass_fds=[listening.fileno()],
        )
    process.wait()
