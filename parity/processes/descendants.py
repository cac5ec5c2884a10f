"""What a worker process has started, and what ties it to its judge, where the system can tell.

On Linux; elsewhere a process group is all there is.
"""

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")
PR_SET_PDEATHSIG = 1  # prctl(2)


def die_with_parent() -> None:
    """Let the system kill this process as soon as the thread that started it ends (prctl(2)).

    Its own thread that waits for the end of its input cannot do so while a port holds the GIL.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def kill_with(variable: str) -> None:
    """Kill all processes in whose environment a `NAME=value` stands, whatever group they are in."""
    killed: set[int] = set()
    while new := set(_with(variable.encode())) - killed:
        for pid in new:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        killed |= new


def _with(variable: bytes) -> Iterator[int]:
    if sys.platform == "linux":
        own = os.getuid()
        for entry in PROC.iterdir():
            # It may end meanwhile; those of other users are not ours, and not to be read.
            with contextlib.suppress(OSError, ValueError):
                if entry.stat().st_uid == own and variable in (
                    entry / "environ"
                ).read_bytes().split(b"\0"):
                    yield int(entry.name)
