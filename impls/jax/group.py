"""The group of workers that JAX's ports spread over: processes whose devices form one mesh."""

import jax


def join(rank, addresses, timeout):
    """Become worker `rank` of as many as there are addresses; return once all are there.

    It comes before anything else: the devices of all workers are counted once. Worker 0 listens at
    the first address ("127.0.0.1:29500"), where the others find it within `timeout` seconds.
    """
    jax.config.update("jax_cpu_collectives_implementation", "gloo")  # CPUs have no other
    jax.distributed.initialize(
        addresses[0], len(addresses), rank, initialization_timeout=max(1, int(timeout))
    )


def leave():
    """Leave the group."""
    jax.distributed.shutdown()
