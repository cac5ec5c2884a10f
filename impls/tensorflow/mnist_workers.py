"""Softmax regression on MNIST over several workers, in TensorFlow: MultiWorkerMirroredStrategy.

Read it beside impls/tensorflow/mnist.py, whose net it trains: what stands here is what spreads.
"""

import numpy as np
import tensorflow as tf

from impls.tensorflow import group, mnist
from impls.tensorflow.mnist import accuracy, export, forward, loss
from impls.tensorflow.runtime import configure, to_native
from shared.experiment import prepare
from shared.workers import seat, share


def build(weights):
    """Return the model, a dict of mirrored Variables; worker 0's W (784, 10), b (10,) go to all."""
    with group.strategy().scope():
        return mnist.build(weights)


def own_copies(model):
    """Return this worker's copies of the mirrored Variables, which compiled functions get.

    By a mirrored Variable as such, tf.function knows no model from another: it would go on with the
    Variables of the first that it was traced with.
    """
    strategy = group.strategy()
    return {name: strategy.experimental_local_results(v)[0] for name, v in model.items()}


def own_share(rows):
    """Return the row numbers that are this worker's, of each batch, and which part they are."""
    mine = share(rows, *group.place())
    return mine, mine.shape[-1] / rows.shape[-1]


def loss_and_gradients(model, x, y, part):
    """Return this worker's share of the loss over a batch, and the whole gradients.

    x (b, 784) and y (b,) are the rows of this worker's, `part` of the batch. Shares differ by a
    row, so the mean of their means would not be the batch's. Each gradient is the sum over the
    workers.
    """
    with tf.GradientTape() as tape:
        value = part * loss(model, x, y)
    grads = tape.gradient(value, model)
    context = tf.distribute.get_replica_context()
    return value, context.all_reduce(tf.distribute.ReduceOp.SUM, grads)


@tf.function
def whole_gradients(model, x, y, part):
    """Return d loss / d weights, from this worker's share of a batch and all others'."""
    return group.strategy().run(loss_and_gradients, (model, x, y, part))[1]


def gradients(model, x, y):
    """Return d loss / d weights over all workers' rows: W (784, 10), b (10,)."""
    rows, part = own_share(np.arange(len(y)))
    part = tf.constant(part, x.dtype)
    return whole_gradients(own_copies(model), tf.gather(x, rows), tf.gather(y, rows), part)


def train_step(model, x, y, part, learning_rate):
    """Update the Variables in place; return this worker's share of the loss before the update."""
    value, grads = loss_and_gradients(model, x, y, part)
    for name, variable in model.items():
        variable.assign_sub(learning_rate * grads[name])
    return value


@tf.function
def descend(model, x, y, schedule, part, learning_rate):
    """Take one step per batch in one graph; each worker gathers its own rows inside it."""
    steps = tf.shape(schedule)[0]
    losses = tf.TensorArray(x.dtype, size=steps)
    for step in tf.range(steps):
        rows = schedule[step]
        batch = tf.gather(x, rows), tf.gather(y, rows)
        value = group.strategy().run(train_step, (model, *batch, part, learning_rate))
        losses = losses.write(step, value)
    return group.strategy().reduce("SUM", losses.stack(), axis=None)


def train(model, x, y, schedule, learning_rate):
    """Take one step per batch; return the model and its losses (steps,).

    `schedule` holds the row numbers of each batch, (steps, B), of all workers.
    """
    rows, part = own_share(schedule)
    part, learning_rate = (tf.constant(value, x.dtype) for value in (part, learning_rate))
    return model, descend(own_copies(model), x, y, tf.constant(rows), part, learning_rate)


def main():
    """Train on the recipe `mnist`, as one of several workers, and print the log."""
    configure("float32", "cpu", threads=1)
    rank, addresses = seat()
    group.join(rank, addresses, timeout=60)
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
            mean = tf.reduce_mean(losses)
            print(f"step {last:5d}  mean loss {mean:.6f}  test accuracy {test:.4f}")
    group.leave()


if __name__ == "__main__":
    main()
