"""One request to a process that is started for it alone."""

from parity.processes.messages import Failed, Made, MakingRequest, Message
from parity.processes.options import Options
from parity.processes.scratch import Scratch
from parity.processes.worker import Worker, WorkerDiedError
from parity.standard.inputs import Tensors


class ErrandFailedError(Exception):
    """The request failed, or its process crashed or hung. Its text is the end of a sentence."""


def ask(request: MakingRequest, options: Options) -> Tensors:
    """Return what users' code made when it was asked; its process has ended by then.

    Raises:
        ErrandFailedError: it made nothing.
    """
    heard: list[Message] = []
    scratch = Scratch()
    try:
        worker = Worker(options.threads, scratch.path / "worker", options.variables)
        try:
            worker.ask(request, heard.append, options.timeout)
        finally:
            worker.kill()
    except WorkerDiedError as error:
        raise ErrandFailedError(f"{error}") from error
    finally:
        scratch.remove()
    for message in heard:
        if isinstance(message, Made):
            return message.arrays
        if isinstance(message, Failed):
            failed = ErrandFailedError(message.sentence)
            failed.add_note(message.traceback)
            raise failed
    raise ErrandFailedError("it gave nothing")
