"""A worker process: serves one port, one request after another, until its input ends.

Run as `python -m parity.worker_main`.
"""

import time

from parity import contract
from parity.contract import PortName, Seat
from parity.diagnosis.case import Case
from parity.diagnosis.diagnose import diagnose
from parity.processes import programs, quiet_import, serving
from parity.processes.messages import (
    Calling,
    Climb,
    Draw,
    Explain,
    FindLayers,
    Load,
    Loaded,
    Look,
    Made,
    MakeData,
    MakingRequest,
    Measure,
    PortRequest,
    Recognise,
    Refer,
    ReferenceRequest,
    ReferLayers,
    Replay,
    Request,
    Result,
    Retrace,
    Send,
    Visit,
    Wander,
)
from parity.rungs import climb, looking
from parity.standard import floors, inside, reference, soundness, users_code, wandering
from parity.standard.fingerprint import fingerprint
from parity.standard.native import Native


class Dispatcher:
    """Passes each request on to those who serve it. The port is that of the last `Load`."""

    def __init__(self) -> None:
        self.name = PortName("numpy")
        self.seat: Seat | None = None

    def __call__(self, request: Request, send: Send) -> None:
        """Serve a request."""
        if isinstance(request, Load):
            self.name = request.port
            self._join(request, send)
        if isinstance(request, PortRequest):
            _serve_port(request, self.name, send)
        elif isinstance(request, MakingRequest):
            _make(request, send)
        else:
            _serve_reference(request, send)

    def _join(self, request: Load, send: Send) -> None:
        """Take the process's place in a group of workers, once."""
        if request.seat and self.seat is None:
            send(Calling("import"))
            if request.port.file is None:
                quiet_import.import_framework(str(request.port))
            send(Calling("join"))
            contract.join(request.port, request.seat)
            self.seat = request.seat


def _serve_port(request: PortRequest, name: PortName, send: Send) -> None:
    """Let the port of that name do what is asked of ports."""
    if isinstance(request, Load):
        start = time.perf_counter()
        if name.file is None:
            quiet_import.import_framework(str(name))
        found = contract.load_framework(name)
        send(Loaded(*found, time.perf_counter() - start))
        return
    port = contract.load(name, request.inputs.port)
    match request:
        case Climb():
            climb.climb(port, request, send)
        case Visit():
            climb.visit(port, request, send)
        case Replay():
            climb.replay(port, request, send)
        case Look():
            looking.look(port, request, send)


def _make(request: MakingRequest, send: Send) -> None:
    """Let users' code make what a recipe leaves to it."""
    match request:
        case Draw():
            port = contract.load(request.port, request.port.name)
            send(Calling("build(None)"))
            send(Made(users_code.draw(port, request.seed, request.threads)))
        case MakeData():
            send(Calling("data()"))
            send(Made(users_code.data(request.file)))


def _serve_reference(request: ReferenceRequest, send: Send) -> None:
    """Let the reference do what is asked of it."""
    send(Calling("it"))
    port = contract.load(request.inputs.reference, request.inputs.net)
    programs.keep(port)
    match request:
        case Refer():
            soundness.check_functions(port, request.inputs)
            ran = reference.run(port, request.inputs)
            if request.inputs.begins_anew:
                soundness.check(Native(port, request.inputs, "float64"), ran)
            send(Result(ran))
        case Retrace():
            send(Result(floors.retrace(port, **vars(request))))
        case Wander():
            send(Result(wandering.wander(port, **vars(request))))
        case Explain():
            send(Result(diagnose(Case.of(port, request))))
        case ReferLayers():
            send(Result(inside.refer(port, **vars(request))))
        case FindLayers():
            send(Result(inside.found(port, **vars(request))))
        case Recognise():
            send(Result(fingerprint(port, request.inputs, request.reference)))
        case Measure():
            found = floors.measure(
                port, request.inputs, request.reference, lambda what: send(Calling(what))
            )
            soundness.check_floors(found.expected)
            send(Result(found))


if __name__ == "__main__":
    serving.serve(Request, Dispatcher())
