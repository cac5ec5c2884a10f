"""A process that imports all frameworks, and then makes copies of itself that serve as workers.

Run with the number of a socket that listens for `sitecustomize.leave_to_a_copy`. No thread may run
before a copy is made: a copy has one thread alone, and whatever another held stays locked in it.
"""

import contextlib
import gc
import importlib
import importlib.util
import json
import os
import selectors
import signal
import socket
import sys
import tempfile
import traceback
import warnings
from pathlib import Path
from typing import NoReturn

from parity import worker_main
from parity.processes import descendants, quiet_import, serving
from parity.processes.messages import Request

LATE = ("torch._dynamo", "flax.nnx", "optax")  # what ports import later, or PyTorch for them
GIVEN = dict(os.environ)  # before frameworks add to it
# What a copy may be given otherwise than the template: nothing has read these on import.
OWN = (
    *("TMPDIR", "LOCKSTEP_", "XDG_CACHE_HOME", "COLUMNS", "PYTEST_", "PWD", "OLDPWD", "SHLVL", "_"),
    "XLA_FLAGS",  # read when a backend starts
    # What libraries set where a test itself has imported or used them: JAX, scikit-learn, PyTorch.
    *("TF_CPP_MIN_LOG_LEVEL", "KMP_", "TORCHINDUCTOR_", "_TORCHINDUCTOR_"),
)


def main(listening: socket.socket) -> NoReturn:
    """Make a copy for each process that asks for one; end it when that process ends."""
    descendants.die_with_parent()
    warnings.filterwarnings("ignore", r"os\.fork\(\) was called")  # JAX: no thread runs yet
    import_all()
    with selectors.DefaultSelector() as waiting:
        waiting.register(listening, selectors.EVENT_READ)
        while True:
            for key, _ in waiting.select():
                if key.fileobj is listening:
                    asking, _ = listening.accept()
                    with contextlib.suppress(OSError, ValueError):  # it was killed meanwhile
                        copy(asking, waiting)
                elif key.fileobj in waiting.get_map():  # else the other of a pair came first
                    end(waiting, *key.data)


def import_all() -> None:
    """Import the frameworks that are installed, and what they import late."""
    for name in ("torch", "jax", "tensorflow", *LATE):
        if importlib.util.find_spec(name.partition(".")[0]):
            quiet_import.import_framework(name)
            importlib.import_module(name)
    if (running := len(list(Path("/proc/self/task").iterdir()))) > 1:
        raise RuntimeError(f"{running} threads run, so no copy would be sound")
    gc.collect()
    gc.freeze()  # copies share what is not written to


def copy(asking: socket.socket, waiting: selectors.BaseSelector) -> None:
    """Make a copy that has the environment, the folder and the streams of the process that asks."""
    size, streams, _, _ = socket.recv_fds(asking, 4, 3)
    try:
        place = json.loads(asking.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL))
        due, asked = shared(GIVEN), shared(place["variables"])
        if asked != due:
            others = sorted({name for name, _ in due.items() ^ asked.items()})
            sys.stderr.write(f"no copy of the template is made: other {', '.join(others)}\n")
            asking.sendall(b"n")
            asking.close()
        elif pid := os.fork():
            asking.sendall(b"y")
            both = os.pidfd_open(pid), asking
            for each in both:
                waiting.register(each, selectors.EVENT_READ, (pid, *both))
        else:
            serve(streams, **place)
    finally:
        for stream in streams:
            os.close(stream)


def shared(variables: dict[str, str]) -> dict[str, str]:
    """Return those variables that a copy and the template must agree on.

    Those that frameworks set on import need not be there: a test may have imported one itself.
    """
    own = (*OWN, *(name for name in os.environ if name not in GIVEN))
    return {name: value for name, value in variables.items() if not name.startswith(own)}


def serve(streams: list[int], variables: dict[str, str], folder: str) -> NoReturn:
    """Be a worker process."""
    try:
        os.setsid()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        os.closerange(3, 1024)
        added = {name: value for name, value in os.environ.items() if name not in GIVEN}
        os.environ.clear()
        os.environ.update({**added, **variables})
        os.chdir(folder)
        tempfile.tempdir = None
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.argv = [str(worker_main.__file__)]
        serving.serve(Request, worker_main.Dispatcher())
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


def end(waiting: selectors.BaseSelector, pid: int, ended: int, asking: socket.socket) -> None:
    """Tell a process how its copy ended, or end a copy whose process has ended.

    ended: is readable once the copy has ended. asking: leads to the process.
    """
    os.kill(pid, signal.SIGKILL)  # in vain, where it has ended
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(OSError):
        asking.sendall(str(os.waitstatus_to_exitcode(status)).encode())
    for each in (ended, asking):
        waiting.unregister(each)
    os.close(ended)
    asking.close()


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
