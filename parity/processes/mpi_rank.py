"""One of the processes that `mpiexec` starts: it connects to the judge, and serves as any other.

Run as `mpiexec -n N python -m parity.processes.mpi_rank MODULE`.
"""

import os
import runpy
import socket
import sys

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
    runpy.run_module(sys.argv[1], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
