"""Softmax regression on MNIST over several workers, in JAX: one mesh, and arrays spread over it.

Read it beside impls/jax/mnist.py, whose net it trains: what stands here is what spreads.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from impls.jax import group
from impls.jax.mnist import accuracy, export, forward, loss
from impls.jax.runtime import configure, to_native
from shared.experiment import prepare
from shared.workers import seat, share


def build(weights):
    """Return the parameters, a dict of arrays; worker 0's W (784, 10), b (10,) go to all."""
    return jax.tree.map(jnp.asarray, multihost_utils.broadcast_one_to_all(weights))


def spread(arrays, *axes):
    """Return this worker's arrays as arrays of all: a copy on each, or parts along `axes`."""
    mesh = Mesh(jax.devices(), "workers")
    return jax.make_array_from_process_local_data(NamedSharding(mesh, P(*axes)), arrays)


def spread_rows(rows):
    """Return row numbers (steps, B'), spread over the workers, and which of them count.

    The parts of an array are of one size, so a smaller share ends with row 0, not to be counted.
    """
    workers = jax.process_count()
    mine = share(rows, jax.process_index(), workers)
    missing = -(-rows.shape[1] // workers) - mine.shape[1]
    counts = np.pad(np.ones_like(mine, bool), ((0, 0), (0, missing)))
    mine = np.pad(mine, ((0, 0), (0, missing)))
    return spread(mine, None, "workers"), spread(counts, None, "workers")


def loss_of_counted(params, x, y, counts):
    """Return the mean loss over those rows of x (B', 784) and y (B',) that count, of all workers.

    `jnp.mean` sees whole arrays, whoever holds their parts: the compiler adds the communication.
    """
    each = jax.vmap(loss, (None, 0, 0))(params, x[:, None], y[:, None])  # (B',), one per row
    return jnp.mean(each, where=counts)


def train_step(params, x, y, counts, learning_rate):
    """Return the updated parameters and the loss before the update."""
    value, grads = jax.value_and_grad(loss_of_counted)(params, x, y, counts)
    return jax.tree.map(lambda w, dw: w - learning_rate * dw, params, grads), value


@jax.jit
def gradient(params, x, y, rows, counts):
    """Return d loss / d weights, of arrays that are spread over the workers."""
    return jax.grad(loss_of_counted)(params, x[rows], y[rows], counts)


@jax.jit
def descend(params, x, y, schedule, counts, learning_rate):
    """Take one step per batch in one loop; each worker gathers its own rows inside it."""

    def step(params, batch):
        rows, counts = batch
        return train_step(params, x[rows], y[rows], counts, learning_rate)

    return jax.lax.scan(step, params, (schedule, counts))


def own(arrays):
    """Return this worker's copies of arrays of which all have one."""
    return jax.tree.map(lambda array: array.addressable_data(0), arrays)


def gradients(params, x, y):
    """Return d loss / d weights over all workers' rows: W (784, 10), b (10,)."""
    rows, counts = spread_rows(np.arange(len(y))[None])
    return own(gradient(*spread((params, x, y)), rows[0], counts[0]))


def train(params, x, y, schedule, learning_rate):
    """Take one step per batch; return the parameters and the losses (steps,).

    `schedule` holds the row numbers of each batch, (steps, B), of all workers. x and y lie with
    every worker whole; the batches are spread.
    """
    return own(descend(*spread((params, x, y)), *spread_rows(schedule), learning_rate))


def main():
    """Train on the recipe `mnist`, as one of several workers, and print the log."""
    rank, addresses = seat()
    group.join(rank, addresses, timeout=60)
    configure("float32", "cpu", threads=1)
    experiment = prepare("mnist", "float32")
    x, y = to_native(experiment.x), to_native(experiment.y)
    x_test, y_test = to_native(experiment.x_test), to_native(experiment.y_test)
    params = build({name: to_native(value) for name, value in experiment.weights.items()})
    if rank == 0:
        print(experiment.headline)
    for last, batches in experiment.parts(10):
        params, losses = train(params, x, y, batches, experiment.learning_rate)
        test = accuracy(params, x_test, y_test)
        if rank == 0:
            print(f"step {last:5d}  mean loss {losses.mean():.6f}  test accuracy {test:.4f}")
    group.leave()


if __name__ == "__main__":
    main()
