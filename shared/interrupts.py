"""What Ctrl-C, a request to terminate and a terminal that is closed do to a process.

It imports little, for until it is imported they do what Python lets them do.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys

TYPE_CHECKING = False  # `typing` itself takes its time
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import NoReturn

# SIGHUP is not on Windows.
SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
INTERRUPTED = 130  # the exit status


def end_at_once() -> None:
    """Let them end the process with one sentence, as long as there is nothing to clean up."""
    _handle(_end)


def raise_keyboard_interrupt() -> None:
    """Let the first of them do what Ctrl-C does, and none disturb what is cleaned up then."""
    _handle(_raise)


def _handle(handler: Callable[[int, FrameType | None], NoReturn]) -> None:
    for each in SIGNALS:
        if signal.getsignal(each) is not signal.SIG_IGN:  # as under nohup
            signal.signal(each, handler)


def _end(signum: int, frame: FrameType | None) -> NoReturn:
    os.write(2, f"{os.path.basename(sys.argv[0])}: interrupted\n".encode())  # noqa: PTH119 - as above
    os._exit(INTERRUPTED)


def _raise(signum: int, frame: FrameType | None) -> NoReturn:
    # Not SIG_IGN: of one that has come already, but was not handled yet, Python prints that then.
    for each in SIGNALS:
        signal.signal(each, _disregard)
    atexit.register(_ignore)  # Python takes its handlers away before it has ended
    raise KeyboardInterrupt


def _disregard(signum: int, frame: FrameType | None) -> None:
    """Let nothing disturb what is cleaned up."""


def _ignore() -> None:
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
