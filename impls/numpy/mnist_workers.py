"""Softmax regression on MNIST over several workers, in NumPy: MPI, by mpi4py.

Read it beside impls/numpy/mnist.py, whose net it trains: what stands here is what spreads.
"""

import numpy as np
from mpi4py import MPI

from impls.numpy import group, mnist
from impls.numpy.mnist import accuracy, export, forward, loss
from impls.numpy.runtime import configure, to_native
from shared.experiment import prepare
from shared.workers import share

workers = MPI.COMM_WORLD


def build(weights):
    """Return the model, a dict of arrays; worker 0's W (784, 10), b (10,) go to all workers."""
    model = mnist.build(weights)
    for value in model.values():
        workers.Bcast(value)
    return model


def loss_and_gradients(model, x, y, rows):
    """Return this worker's share of the loss over a batch's `rows` (B,), and the whole gradients.

    Shares differ by a row, so the mean of their means would not be the batch's. Each gradient is
    the sum over the workers.
    """
    mine = share(rows, workers.rank, workers.size)
    part = len(mine) / len(rows)
    value, grads = mnist.loss_and_gradients(model, x[mine], y[mine])
    for grad in grads.values():
        grad *= part
        workers.Allreduce(MPI.IN_PLACE, grad, op=MPI.SUM)
    return part * value, grads


def gradients(model, x, y):
    """Return d loss / d weights over all workers' rows: W (784, 10), b (10,)."""
    return loss_and_gradients(model, x, y, np.arange(len(y)))[1]


def train(model, x, y, schedule, learning_rate):
    """Take one step per batch; return the model and its losses (steps,).

    `schedule` holds the row numbers of each batch, (steps, B), of all workers.
    """
    losses = np.empty_like(x, shape=len(schedule))
    for step, rows in enumerate(schedule):
        losses[step], grads = loss_and_gradients(model, x, y, rows)
        for name in model:
            model[name] -= learning_rate * grads[name]
    workers.Allreduce(MPI.IN_PLACE, losses, op=MPI.SUM)
    return model, losses


def main():
    """Train on the recipe `mnist`, as one of several workers, and print the log."""
    configure("float32", "cpu", threads=1)
    experiment = prepare("mnist", "float32")
    x, y = to_native(experiment.x), to_native(experiment.y)
    x_test, y_test = to_native(experiment.x_test), to_native(experiment.y_test)
    model = build({name: to_native(value) for name, value in experiment.weights.items()})
    if workers.rank == 0:
        print(experiment.headline)
    for last, batches in experiment.parts(10):
        model, losses = train(model, x, y, batches, experiment.learning_rate)
        test = accuracy(model, x_test, y_test)
        if workers.rank == 0:
            print(f"step {last:5d}  mean loss {losses.mean():.6f}  test accuracy {test:.4f}")
    group.leave()


if __name__ == "__main__":
    main()
