"""Workers that train together: the rows of a batch that are each one's, and who is who."""

import sys
from typing import Any

ALONE = 0, ("127.0.0.1:29500",)


def share(rows: Any, rank: int, workers: int) -> Any:
    """Return the row numbers that are one worker's, of each batch.

    Args:
        rows: an array of any framework, of one batch (B,) or of many (steps, B).
        rank: of the worker, from 0.
        workers: how many there are. Their shares differ by one row at most: of 100 rows over 3
            workers 34, 33, 33.

    Returns:
        (b,), or (steps, b).
    """
    least, more = divmod(rows.shape[-1], workers)
    start = rank * least + min(rank, more)
    return rows[..., start : start + least + (rank < more)]


def seat() -> tuple[int, tuple[str, ...]]:
    """Return the rank and all workers' addresses, as `python -m PORT 1 HOST:PORT,HOST:PORT` says.

    Without any, there is one worker.
    """
    if len(sys.argv) < 3:
        return ALONE
    return int(sys.argv[1]), tuple(sys.argv[2].split(","))
