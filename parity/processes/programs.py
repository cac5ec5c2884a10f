"""Compiled programs that a framework keeps on disk from run to run, so that they compile once.

The judge says where by its worker processes' environment; a worker asks the port's runtime for it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from parity.contract import Port

FOLDER = "LOCKSTEP_PROGRAMS"  # where they are kept, if they are
TIMED = "LOCKSTEP_TIMED_PROGRAMS"  # whether those are, too, whose time is taken


def variables(folder: str, timed: bool) -> dict[str, str]:
    """Return the environment of a process whose port keeps its programs in a folder."""
    return {FOLDER: folder, TIMED: "1" if timed else ""}


def keep(port: Port) -> None:
    """Let a port keep what it compiles, if it can and the judge wants it."""
    if port.keep_programs:
        port.keep_programs(os.environ.get(FOLDER))


@contextmanager
def timing(port: Port) -> Iterator[None]:
    """Let a port compile anew what is compiled inside, so that its time is that of a first call."""
    if port.keep_programs and not os.environ.get(TIMED):
        port.keep_programs(None)
    try:
        yield
    finally:
        keep(port)
