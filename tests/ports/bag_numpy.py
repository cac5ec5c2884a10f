import numpy as np

FRAMEWORK = "numpy"


def build(weights):
    return dict(weights)


def hidden(w, x):
    mask = x["mask"][..., None]
    share = mask / mask.sum(1, keepdims=True)
    return np.tanh((w["E"][x["tokens"]] * share).sum(1)), share


def forward(w, x):
    return hidden(w, x)[0] @ w["W"] + w["b"]


def log_softmax(z):
    z = z - z.max(1, keepdims=True)
    return z - np.log(np.exp(z).sum(1, keepdims=True))


def loss(w, x, y):
    return -log_softmax(forward(w, x))[np.arange(len(y)), y].mean()


def gradients(w, x, y):
    h, share = hidden(w, x)
    dz = np.exp(log_softmax(h @ w["W"] + w["b"]))
    dz[np.arange(len(y)), y] -= 1
    dz /= len(y)
    dbag = dz @ w["W"].T * (1 - h * h)
    dE = np.zeros_like(w["E"])
    np.add.at(dE, x["tokens"], dbag[:, None] * share)
    return {"E": dE, "W": h.T @ dz, "b": dz.sum(0)}


def train(w, x, y, schedule, learning_rate):
    losses = []
    for rows in schedule:
        batch = {name: array[rows] for name, array in x.items()}, y[rows]
        losses.append(loss(w, *batch))
        w = {n: w[n] - learning_rate * g for n, g in gradients(w, *batch).items()}
    return w, np.stack(losses)


def accuracy(w, x, y):
    return float((forward(w, x).argmax(1) == y).mean())


def export(w):
    return w
