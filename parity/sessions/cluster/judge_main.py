"""A process on a node that judges cells, one after another, until nobody asks any more.

Cells come in on standard input, answers go out on what was standard output when it started.
"""

import contextlib
import os
import pickle
import queue
import signal
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Any, BinaryIO

from parity.processes.standards import ReferenceFailedError
from parity.sessions.cluster import versions
from shared import interrupts
from shared.errors import InputError

if TYPE_CHECKING:
    from parity.sessions.cluster.node import Answer

IDLE = 60.0  # seconds without a cell, after which it ends: its client may be gone without a word
KEPT = contextlib.ExitStack()  # what cells open for the next ones
CLOSING = getattr(signal, "SIGTERM", signal.SIGINT)


def packed(function: Any, argument: Any) -> bytes:
    """Return a cell as it travels: what to call with what, and the versions that it needs."""
    folder = function.__module__.partition(".")[0]
    return pickle.dumps((folder, versions.here(folder), pickle.dumps((function, argument))))


def answer(cell: bytes) -> "Answer":
    """Return what came of a cell: what it gave, pickled, or why it gave nothing.

    No class of ours is unpickled before it is known to be the same here as there.
    """
    folder, due, call = pickle.loads(cell)  # noqa: S301 - whoever sends cells has code run here
    problem = versions.difference(versions.here(folder), due)
    if problem:
        return "unusable", problem
    try:
        function, argument = pickle.loads(call)  # noqa: S301 - see above
        return "found", pickle.dumps(function(argument))
    except InputError as error:
        return "unusable", f"says: {error}"
    except ReferenceFailedError as error:
        return "failed", f"{error}"
    except Exception as error:
        return "broken", (f"{type(error).__name__}: {error}", traceback.format_exc())


def main() -> None:
    """Answer until the input ends, nothing comes any more, or this process is to end."""
    interrupts.raise_keyboard_interrupt()
    answers = os.fdopen(os.dup(1), "wb")
    cells: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    requests = os.fdopen(os.dup(0), "rb")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    threading.Thread(target=_read, args=(requests, cells), daemon=True).start()
    said: Any = True  # that it has started
    with contextlib.suppress(KeyboardInterrupt, queue.Empty), KEPT:
        while True:
            pickle.dump(said, answers)
            answers.flush()
            said = answer(cells.get(timeout=IDLE))


def _read(requests: BinaryIO, cells: "queue.SimpleQueue[bytes]") -> None:
    """Take cells in until the input ends; then this process is to end, busy or not."""
    try:
        while True:
            cells.put(pickle.load(requests))  # noqa: S301 - see `answer`
    finally:
        if hasattr(signal, "pthread_kill"):
            signal.pthread_kill(threading.main_thread().ident or 0, CLOSING)
        else:
            os._exit(0)
