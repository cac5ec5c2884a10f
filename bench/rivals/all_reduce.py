"""The floor of a step over several workers: all that they must say to each other, and no more.

That is a sum over the workers of as many float32 numbers as the net has weights, by the same engine
that the framework's port spreads with.
"""

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

NUMBERS = 784 * 10 + 10  # of weights, and so of their gradients
Repeat = Callable[[int], object]  # sums so many times, one after the other


def by_mpi() -> Repeat:
    """Return what sums by mpi4py."""
    mpi: Any = importlib.import_module("mpi4py.MPI")
    value = np.ones(NUMBERS, np.float32)

    def repeat(times: int) -> None:
        for _ in range(times):
            mpi.COMM_WORLD.Allreduce(mpi.IN_PLACE, value)
            value[:] = 1

    return repeat


def by_torch() -> Repeat:
    """Return what sums by torch.distributed."""
    torch: Any = importlib.import_module("torch")
    dist: Any = importlib.import_module("torch.distributed")
    value = torch.ones(NUMBERS)

    def repeat(times: int) -> None:
        for _ in range(times):
            dist.all_reduce(value)
            value.fill_(1)

    return repeat


def by_jax() -> Repeat:
    """Return what sums by psum over a mesh, in a compiled loop."""
    jax: Any = importlib.import_module("jax")
    sharding: Any = importlib.import_module("jax.sharding")
    mesh, spread = sharding.Mesh(jax.devices(), "workers"), sharding.PartitionSpec("workers")
    value = jax.make_array_from_process_local_data(
        sharding.NamedSharding(mesh, spread), np.ones(NUMBERS, np.float32)
    )

    def summed(_: Any, part: Any) -> Any:
        return jax.lax.psum(part, "workers") / mesh.size

    def repeated(value: Any, times: Any) -> Any:
        return jax.shard_map(
            lambda part: jax.lax.fori_loop(0, times, summed, part),
            mesh=mesh,
            in_specs=spread,
            out_specs=spread,
            check_vma=False,  # a sum is alike on all, what it began with is not
        )(value)

    many = jax.jit(repeated)
    return lambda times: jax.block_until_ready(many(value, times))


def by_tensorflow() -> Repeat:
    """Return what sums by MultiWorkerMirroredStrategy, in a compiled loop."""
    tf: Any = importlib.import_module("tensorflow")
    strategy: Any = importlib.import_module("impls.tensorflow.group").strategy()

    def summed(value: Any) -> Any:
        context = tf.distribute.get_replica_context()
        own = tf.identity(value)  # on a device, which a loop's value has not
        return context.all_reduce(tf.distribute.ReduceOp.SUM, own)

    def repeated(times: Any) -> Any:
        value = tf.ones(NUMBERS)
        for _ in tf.range(times):
            value = strategy.run(summed, (value,)) / strategy.num_replicas_in_sync
        return value

    many = tf.function(repeated)
    return lambda times: many(tf.constant(times)).numpy()


OF = {"numpy": by_mpi, "torch": by_torch, "jax": by_jax, "tensorflow": by_tensorflow}
