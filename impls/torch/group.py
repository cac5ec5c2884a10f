"""The group of workers that PyTorch's ports spread over: processes that talk through gloo."""

from datetime import timedelta

import torch.distributed as dist


def join(rank, addresses, timeout):
    """Become worker `rank` of as many as there are addresses; return once all are there.

    Worker 0 listens at the first address ("127.0.0.1:29500"), where the others find it. `timeout`,
    in seconds, holds for this and for every call in which the workers wait for each other.
    """
    dist.init_process_group(
        "gloo",
        init_method=f"tcp://{addresses[0]}",
        rank=rank,
        world_size=len(addresses),
        timeout=timedelta(seconds=timeout),
    )


def leave():
    """Leave the group."""
    dist.destroy_process_group()
