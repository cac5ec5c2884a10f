"""PyTorch: the batches of a run, gathered as in the ports."""

from collections.abc import Iterator
from typing import Any

import torch

from bench import contender


def batches(schedule: Any, x: Any, y: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the batch of each step, from a number of full-batch steps or from row numbers."""
    native = schedule if isinstance(schedule, int) else torch.as_tensor(schedule)
    return contender.batches(native, x, y, lambda data, rows: data.index_select(0, rows))
