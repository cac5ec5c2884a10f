"""One of the processes that `mpiexec` starts: it connects to the judge, and serves as any other.

Run as `mpiexec -n N python -m parity.processes.mpi_rank MODULE`.
"""

import os
import runpy
import select
import socket
import sys
import threading

from parity.processes.addresses import HOST
from parity.processes.mpi import VARIABLE

RANKS = ("PMI_RANK", "OMPI_COMM_WORLD_RANK")  # as MPICH and Open MPI say it


def main() -> None:
    """Take the judge's connection for standard input and output, and run the module."""
    port, token = os.environ.pop(VARIABLE).split(":")
    rank = next(os.environ[name] for name in RANKS if name in os.environ)
    with socket.create_connection((HOST, int(port))) as judge:
        judge.sendall(f"{token} {rank}\n".encode())
        for stream in (0, 1):
            os.dup2(judge.fileno(), stream)
        threading.Thread(target=_end_with, args=(os.dup(judge.fileno()),), daemon=True).start()
    runpy.run_module(sys.argv[1], run_name="__main__", alter_sys=True)


def _end_with(connection: int) -> None:
    """End the process once the judge is gone, even in a call of MPI that waits for others."""
    gone = select.poll()
    gone.register(connection, getattr(select, "POLLRDHUP", select.POLLHUP))
    gone.poll()
    os._exit(1)


if __name__ == "__main__":
    main()
