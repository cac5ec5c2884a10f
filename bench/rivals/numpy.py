"""NumPy: the port, and other ways to write its steps."""

from typing import Any

import numpy as np

from bench.contender import PORT, Contender, Make, Train, batches


def textbook(module: Any) -> Train:
    """Return steps with loss and gradients each from a forward pass of its own."""

    def train(model: Any, x: Any, y: Any, schedule: Any, learning_rate: float) -> tuple[Any, Any]:
        losses = []
        for batch in batches(schedule, x, y):
            losses.append(module.loss(model, *batch))
            gradients = module.gradients(model, *batch)
            model = {name: w - learning_rate * gradients[name] for name, w in model.items()}
        return model, np.array(losses)

    return train


def fresh(module: Any) -> Train:
    """Return steps that make new weights in place of writing into the old ones."""

    def train(model: Any, x: Any, y: Any, schedule: Any, learning_rate: float) -> tuple[Any, Any]:
        losses = []
        for batch in batches(schedule, x, y):
            loss, gradients = module.loss_and_gradients(model, *batch)
            model = {name: w - learning_rate * gradients[name] for name, w in model.items()}
            losses.append(loss)
        return model, np.array(losses)

    return train


def one_matrix(module: Any) -> Train:
    """Return softmax regression with the bias as a row of W, and a column of ones in x."""

    def train(model: Any, x: Any, y: Any, schedule: Any, learning_rate: float) -> tuple[Any, Any]:
        x = np.column_stack([x, np.ones(len(x), x.dtype)])
        W = np.vstack([model["W"], model["b"]])
        losses = np.empty_like(x, shape=len(schedule))
        numbers = np.arange(schedule.shape[1])
        for step, rows in enumerate(schedule):
            batch, digits = x[rows], y[rows]
            z = batch @ W
            z -= z.max(axis=1, keepdims=True)
            p = np.exp(z)
            total = p.sum(axis=1, keepdims=True)
            losses[step] = (np.log(total[:, 0]) - z[numbers, digits]).mean()
            p /= total
            p[numbers, digits] -= 1
            p *= learning_rate / len(digits)
            W -= batch.T @ p
        return {"W": W[:-1], "b": W[-1]}, losses

    return train


def buffers(module: Any) -> Train:
    """Return softmax regression that allocates nothing: every result goes into a buffer."""

    def train(model: Any, x: Any, y: Any, schedule: Any, learning_rate: float) -> tuple[Any, Any]:
        W, b, size = model["W"], model["b"], schedule.shape[1]
        batch = np.empty((size, W.shape[0]), x.dtype)
        z, p = np.empty((size, W.shape[1]), x.dtype), np.empty((size, W.shape[1]), x.dtype)
        top, total = np.empty((size, 1), x.dtype), np.empty((size, 1), x.dtype)
        dW, numbers = np.empty_like(W), np.arange(size)
        losses = np.empty_like(x, shape=len(schedule))
        for step, rows in enumerate(schedule):
            digits = y[rows]
            np.take(x, rows, axis=0, out=batch, mode="clip")
            np.matmul(batch, W, out=z)
            z += b
            np.max(z, axis=1, keepdims=True, out=top)
            z -= top
            np.exp(z, out=p)
            np.sum(p, axis=1, keepdims=True, out=total)
            losses[step] = (np.log(total[:, 0]) - z[numbers, digits]).mean()
            p /= total
            p[numbers, digits] -= 1
            p *= learning_rate / size
            np.matmul(batch.T, p, out=dW)
            W -= dW
            b -= p.sum(axis=0)
        return model, losses

    return train


def products(module: Any) -> Train:
    """Return the floor: the two matrix products of a step, and the gather of its rows."""

    def train(model: Any, x: Any, y: Any, schedule: Any, learning_rate: float) -> tuple[Any, Any]:
        W = model["W"]
        for rows in schedule:
            batch = x[rows]
            z = batch @ W
            batch.T @ z
        return model, np.zeros(len(schedule))

    return train


def products_alone(module: Any) -> Train:
    """Return the floor of arithmetic: the two matrix products of a step, always on one batch."""

    def train(model: Any, x: Any, y: Any, schedule: Any, learning_rate: float) -> tuple[Any, Any]:
        W, batch = model["W"], x[schedule[0]]
        for _ in schedule:
            z = batch @ W
            batch.T @ z
        return model, np.zeros(len(schedule))

    return train


def traffic(module: Any) -> Train:
    """Return the floor of memory: as many bytes copied as a step must read and write.

    It reads a batch from the data, reads W, and writes it.
    """

    def train(model: Any, x: Any, y: Any, schedule: Any, learning_rate: float) -> tuple[Any, Any]:
        W, size = model["W"], schedule.shape[1]
        batch, dW = np.empty((size, x.shape[1]), x.dtype), np.empty_like(W)
        for start in schedule[:, 0] % (len(x) - size + 1):
            np.copyto(batch, x[start : start + size])
            np.copyto(dW, W)
        return model, np.zeros(len(schedule))

    return train


def gather(module: Any) -> Train:
    """Return the gather of a step's rows, and nothing else."""

    def train(model: Any, x: Any, y: Any, schedule: Any, learning_rate: float) -> tuple[Any, Any]:
        for rows in schedule:
            x[rows]
        return model, np.zeros(len(schedule))

    return train


def compiled(module: Any) -> Train:
    """Return the floor of tiny nets: the same steps as loops that numba compiles."""
    from bench.rivals import loops

    return loops.train_of(module)


CONTENDERS: dict[Contender, Make] = {
    Contender("numpy", "port", "port"): PORT,
    Contender("numpy", "textbook: loss and gradients apart", "idiom"): textbook,
    Contender("numpy", "new weights each step", "idiom"): fresh,
    Contender("numpy", "out= buffers throughout", "idiom", ("mnist",)): buffers,
    Contender("numpy", "bias as a row of W", "idiom", ("mnist",)): one_matrix,
    Contender("numpy", "two products and the gather", "floor", ("mnist",)): products,
    Contender("numpy", "the two products alone", "floor", ("mnist",)): products_alone,
    Contender("numpy", "the gather of the rows", "floor", ("mnist",)): gather,
    Contender("numpy", "memory traffic: a step's bytes", "floor", ("mnist",)): traffic,
    Contender("numpy", "numba: compiled loops", "floor", ("iris", "planar")): compiled,
}
