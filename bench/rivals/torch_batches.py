"""PyTorch: the batches of a run."""

from collections.abc import Iterator
from operator import getitem
from typing import Any

import torch

from bench import contender


def batches(schedule: Any, x: Any, y: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each step's batch, gathered by index_select: it copies whole rows, which is faster."""
    return contender.batches(_native(schedule), x, y, lambda data, rows: data.index_select(0, rows))


def indexed(schedule: Any, x: Any, y: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each step's batch, gathered as x[rows], as in the ports."""
    return contender.batches(_native(schedule), x, y, getitem)


def _native(schedule: Any) -> Any:
    return schedule if isinstance(schedule, int) else torch.as_tensor(schedule)
