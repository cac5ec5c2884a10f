"""Softmax regression on MNIST over several workers, in PyTorch: DistributedDataParallel.

Read it beside impls/torch/mnist.py, whose net it trains: what stands here is what spreads.
"""

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from impls.torch import group, mnist
from impls.torch.mnist import accuracy, forward, loss
from impls.torch.runtime import configure, to_native
from shared.experiment import prepare
from shared.workers import seat, share


def build(weights):
    """Return the model, wrapped: worker 0's weights W (784, 10), b (10,) go to all workers."""
    return DistributedDataParallel(mnist.build(weights))


def loss_of_share(model, x, y, rows):
    """Return this worker's share of the mean loss over a batch's `rows` (B,); all add up to it.

    Shares differ by a row, so the mean of their means would not be the batch's.
    """
    mine = share(rows, dist.get_rank(), dist.get_world_size())
    return loss(model, x[mine], y[mine]) * (len(mine) / len(rows))


def backward(value):
    """Leave the gradient of the summed shares in `.grad`, on all workers.

    The wrapper averages over the workers, which undoes the factor here.
    """
    (value * dist.get_world_size()).backward()


def gradients(model, x, y):
    """Return d loss / d weights over all workers' rows: W (784, 10), b (10,).

    By `backward`, since the wrapper adds up nothing for `torch.autograd.grad`.
    """
    model.zero_grad()
    backward(loss_of_share(model, x, y, torch.arange(len(y), device=x.device)))
    dweight, dbias = (parameter.grad for parameter in model.parameters())
    return {"W": dweight.T, "b": dbias}


def train_step(model, optimizer, x, y, rows):
    """Update the model in place; return this worker's share of the loss before the update."""
    optimizer.zero_grad()
    value = loss_of_share(model, x, y, rows)
    backward(value)
    optimizer.step()
    return value.detach()


def train(model, x, y, schedule, learning_rate):
    """Take one step per batch; return the model and its losses (steps,).

    `schedule` holds the row numbers of each batch, (steps, B), of all workers.
    """
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
    batches = torch.tensor(schedule, device=x.device)
    losses = torch.stack([train_step(model, optimizer, x, y, rows) for rows in batches])
    dist.all_reduce(losses)  # their sum
    return model, losses


def export(model):
    """Return a copy of the weights: W (784, 10), b (10,)."""
    return mnist.export(model.module)


def main():
    """Train on the recipe `mnist`, as one of several workers, and print the log."""
    rank, addresses = seat()
    group.join(rank, addresses, timeout=60)
    configure("float32", "cpu", threads=1)
    experiment = prepare("mnist", "float32")
    x, y = to_native(experiment.x), to_native(experiment.y)
    x_test, y_test = to_native(experiment.x_test), to_native(experiment.y_test)
    model = build({name: to_native(value) for name, value in experiment.weights.items()})
    if rank == 0:
        print(experiment.headline)
    for last, batches in experiment.parts(10):
        model, losses = train(model, x, y, batches, experiment.learning_rate)
        test = accuracy(model, x_test, y_test)
        if rank == 0:
            print(f"step {last:5d}  mean loss {losses.mean():.6f}  test accuracy {test:.4f}")
    group.leave()


if __name__ == "__main__":
    main()
