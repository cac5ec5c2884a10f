"""The group of workers that NumPy's ports spread over: processes that `mpiexec` starts, by MPI."""

from mpi4py import MPI


def join(rank, addresses, timeout):
    """Check that this is worker `rank` of as many as there are addresses.

    `mpiexec -n 2 python ...` has made the group: it knows who is who and where, so MPI takes
    neither addresses nor a `timeout`.

    Raises:
        RuntimeError: the process is none of theirs.
    """
    found = MPI.COMM_WORLD.rank, MPI.COMM_WORLD.size
    if found != (rank, len(addresses)):
        raise RuntimeError(
            f"this is process {found[0]} of {found[1]} under MPI, not {rank} of {len(addresses)}: "
            f"start it with mpiexec -n {len(addresses)}"
        )


def leave():
    """Leave the group."""
    MPI.Finalize()
