"""A worker process seen from the inside: requests come in, messages go out, until the input ends.

Requests come in on standard input, messages go out on what was standard output when it started;
whatever else is printed goes to standard error, which is the process's log.
"""

import faulthandler
import os
import queue
import signal
import sys
import sysconfig
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from parity.contract import ROOT, PortError
from parity.processes import descendants, memory, wire
from parity.processes.messages import Calling, Done, Failed
from shared.legible import legible

EXCEPTION_LENGTH = 500  # characters of an exception that are shown
MOST_LINES = 100  # of a traceback


def serve(expected: Any, answer: Callable[[Any, Callable[[Any], None]], None]) -> None:
    """Serve requests until standard input ends; an exception fails one request, and no other.

    Args:
        expected: the type of a request, or a union of several.
        answer: serves a request, calling its second argument with each message.
    """
    descendants.die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    faulthandler.enable()
    answers = os.fdopen(os.dup(1), "wb")
    requests = _requests(os.fdopen(os.dup(0), "rb"), expected)
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # input() in a port fails at once
    sys.stdout = sys.stderr
    calling = ""

    def send(message: Any) -> None:
        nonlocal calling
        calling = message.what if isinstance(message, Calling) else calling
        wire.write(answers, message)

    while True:
        request = requests.get()
        calling = "import"
        try:
            answer(request, send)
            send(Done(memory.peak()))
        except PortError as error:
            said = legible(f"{error}", 2 * EXCEPTION_LENGTH)
            send(Failed(f"{calling}: {said}", _traceback()))
        except BaseException as error:  # sys.exit and the like are the port's, too
            said = f"{calling} raised {_described(error)}{_place(error)}"
            send(Failed(said, _traceback()))


def _requests(source: BinaryIO, expected: Any) -> "queue.SimpleQueue[Any]":
    """Read requests in a thread; when the input ends, so does the process, busy or not."""
    requests: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def read() -> None:
        try:
            while True:
                requests.put(wire.read(source, expected))
        except EOFError:  # also where the judge was killed in the middle of a request
            os._exit(0)
        finally:
            traceback.print_exc()
            os._exit(1)

    threading.Thread(target=read, daemon=True).start()
    return requests


def _described(error: BaseException) -> str:
    """Return an exception's type and what it says, in one line that is not too long."""
    try:
        text = " ".join(str(error)[: 4 * EXCEPTION_LENGTH].split())
    except Exception:
        text = "(its text cannot be had)"
    name = type(error).__name__
    return legible(f"{name}: {text}" if text else name, EXCEPTION_LENGTH)


def _traceback() -> str:
    """Return the traceback of the exception that is handled, without what is endless in it."""
    parts = traceback.format_exc().splitlines()
    return "\n".join(part[:EXCEPTION_LENGTH] for part in parts[-MOST_LINES:])


def _place(error: BaseException) -> str:
    """Return the last line of a port's own that an exception came through, in parentheses."""
    own = [
        f"{Path(frame.filename).name}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
        if _of_a_port(Path(frame.filename))
    ]
    return f" ({own[-1]})" if own else ""


def _of_a_port(file: Path) -> bool:
    """Whether a file is neither the judge's nor a library's."""
    others = (ROOT / "parity", Path(sysconfig.get_path("stdlib")))
    library = {"site-packages", "dist-packages"} & {*file.parts}
    return file.is_file() and not library and not any(other in file.parents for other in others)
