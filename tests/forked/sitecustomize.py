"""Read by Python before all else: a worker process leaves its work to a copy of a template.

The copy has imported all frameworks, so it is there in hundredths of a second, where an import
takes seconds. It gets this process's environment, folder and streams, and this one ends as it does.
"""

import contextlib
import json
import os
import signal
import socket
import sys

TEMPLATE = os.environ.get("LOCKSTEP_TEMPLATE", "")  # its socket
KILLED = 9  # by SIGKILL, on any system


def leave_to_a_copy() -> None:
    """Let a copy do what this process is for, and end as it ends; return if there can be none."""
    with socket.socket(socket.AF_UNIX) as template:
        template.connect(TEMPLATE)
        folder = os.getcwd()  # noqa: PTH109 - pathlib is not imported yet, and takes its time
        place = json.dumps({"variables": dict(os.environ), "folder": folder}).encode()
        socket.send_fds(template, [len(place).to_bytes(4, "big")], [0, 1, 2])
        template.sendall(place)
        if template.recv(1) != b"y":
            return
        for stream in (0, 1, 2):
            os.close(stream)  # else nobody would see the copy's end
        status = int(template.recv(16) or -KILLED)
    if status < 0:
        if -status != KILLED:
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


if TEMPLATE and sys.orig_argv[-2:] == ["-m", "parity.worker_main"]:
    with contextlib.suppress(OSError):  # there is no template (any more)
        leave_to_a_copy()
