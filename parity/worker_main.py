"""A worker process: serves one port, one request after another, until its input ends.

Run as `python -m parity.worker_main`. Requests come in on standard input, messages go out on what
was standard output when it started; whatever a port prints goes to standard error.
"""

import faulthandler
import os
import queue
import signal
import sys
import threading
import time
import traceback
from typing import BinaryIO

from parity import contract
from parity.contract import PortName
from parity.diagnosis.case import Case
from parity.diagnosis.diagnose import diagnose
from parity.processes import memory, quiet_import, wire
from parity.processes.messages import (
    Calling,
    Climb,
    Done,
    Explain,
    Failed,
    Load,
    Loaded,
    Measure,
    Message,
    PortRequest,
    Refer,
    ReferenceRequest,
    Replay,
    Request,
    Result,
    Retrace,
    Send,
    Visit,
)
from parity.rungs import climb
from parity.standard import floors, reference

EXCEPTION_LENGTH = 500  # characters of an exception that are shown


def _serve_port(request: PortRequest, name: PortName, send: Send) -> None:
    """Let the port of that name do what is asked of ports."""
    if isinstance(request, Load):
        start = time.perf_counter()
        if name.file is None:
            quiet_import.import_framework(str(name))
        framework, modes = contract.load_framework(name)
        send(Loaded(framework, modes, time.perf_counter() - start))
        return
    port = contract.load(name, request.inputs.net)
    match request:
        case Climb():
            climb.climb(port, request, send)
        case Visit():
            climb.visit(port, request, send)
        case Replay():
            climb.replay(port, request, send)


def _serve_reference(request: ReferenceRequest, send: Send) -> None:
    """Let NumPy's port do what is asked of the reference."""
    port = contract.load(PortName("numpy"), request.inputs.net)
    match request:
        case Refer():
            send(Result(reference.run(port, request.inputs)))
        case Retrace():
            send(Result(floors.retrace(port, **vars(request))))
        case Explain():
            send(Result(diagnose(Case.of(port, request))))
        case Measure():
            found = floors.measure(
                port, request.inputs, request.reference, lambda what: send(Calling(what))
            )
            send(Result(found))


def _requests(source: BinaryIO) -> "queue.SimpleQueue[Request]":
    """Read requests in a thread; when the input ends, so does the process, busy or not."""
    requests: queue.SimpleQueue[Request] = queue.SimpleQueue()

    def read() -> None:
        try:
            while True:
                requests.put(wire.read(source, Request))
        finally:  # also where the judge was killed in the middle of a request
            os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    return requests


def main() -> None:
    """Serve requests until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    faulthandler.enable()
    answers = os.fdopen(os.dup(1), "wb")
    requests = _requests(os.fdopen(os.dup(0), "rb"))
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # input() in a port fails at once
    sys.stdout = sys.stderr
    calling = ""

    def send(message: Message) -> None:
        nonlocal calling
        calling = message.what if isinstance(message, Calling) else calling
        wire.write(answers, message)

    name = PortName("numpy")
    while True:
        request = requests.get()
        calling = "import"
        if isinstance(request, Load):
            name = request.port
        try:
            if isinstance(request, PortRequest):
                _serve_port(request, name, send)
            else:
                _serve_reference(request, send)
            send(Done(memory.peak()))
        except contract.PortError as error:
            send(Failed(f"{calling}: {error}", traceback.format_exc()))
        except BaseException as error:  # sys.exit and the like are the port's, too
            send(Failed(f"{calling} raised {_described(error)}", traceback.format_exc()))


def _described(error: BaseException) -> str:
    """Return an exception's type and what it says, in one line that is not too long."""
    try:
        words = "".join(c if c.isprintable() else " " for c in str(error)).split()
        text = " ".join(words)
    except Exception:
        text = "(its text cannot be had)"
    name = type(error).__name__
    return (
        f"{name}: {text[:EXCEPTION_LENGTH]}{' ...' * (len(text) > EXCEPTION_LENGTH)}"
        if text
        else name
    )


if __name__ == "__main__":
    main()
