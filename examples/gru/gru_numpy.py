"""The GRU in NumPy: backpropagation through time, clipping and Adam by hand.

Weights have PyTorch's layout, (outputs, inputs), the gates r, z and n below one another.
"""

import numpy as np

FRAMEWORK = "numpy"
CLIP = 0.2


def build(weights):
    """Return the model, a dict of arrays of its own."""
    return {name: value.copy() for name, value in weights.items()}


def sigmoid(a):
    """Return 1 / (1 + exp(-a)), with no exponential over 1."""
    return (1 + np.tanh(a / 2)) / 2


def cell(model, x, h):
    """Return the next state (B, 32) from an input x (B, 8) and a state h (B, 32), and its gates.

    With [ir, iz, in] = x W_ih' + b_ih and [hr, hz, hn] = h W_hh' + b_hh,
        r = sigmoid(ir + hr)      which of the old state the candidate sees
        z = sigmoid(iz + hz)      which of the old state stays
        n = tanh(in + r hn)       the candidate: the gate r comes after the product, b_hn is in it
        next = (1 - z) n + z h
    """
    i = x @ model["gru.weight_ih_l0"].T + model["gru.bias_ih_l0"]  # (B, 8) -> (B, 96)
    g = h @ model["gru.weight_hh_l0"].T + model["gru.bias_hh_l0"]  # (B, 32) -> (B, 96)
    (ir, iz, i_n), (hr, hz, hn) = np.split(i, 3, axis=1), np.split(g, 3, axis=1)
    r, z = sigmoid(ir + hr), sigmoid(iz + hz)
    n = np.tanh(i_n + r * hn)
    return (1 - z) * n + z * h, (r, z, n, hn)


def cell_gradients(dnext, h, gates):
    """Return d loss / di and d loss / dg, (B, 96) each, and what h gets directly, (B, 32).

    dnext is that of the next state. It came of n, z and h, so
        dn = dnext (1 - z)      dz = dnext (h - n)      dh = dnext z, and what comes through g
    and with sigmoid' = sigmoid (1 - sigmoid) and tanh' = 1 - tanh^2, inside of the activations
        d_in = dn (1 - n^2)      d_iz = dz z (1 - z)      d_ir = (d_in hn) r (1 - r)
    What is added gets the same: d_hr = d_ir, d_hz = d_iz. But hn is multiplied: d_hn = d_in r.
    """
    r, z, n, hn = gates
    d_in = dnext * (1 - z) * (1 - n * n)
    d_iz = dnext * (h - n) * z * (1 - z)
    d_ir = d_in * hn * r * (1 - r)
    di = np.concatenate([d_ir, d_iz, d_in], axis=1)
    dg = np.concatenate([d_ir, d_iz, d_in * r], axis=1)
    return di, dg, dnext * z


def apply(model, x):
    """Return what each layer gives out, and all that going back needs: the states, and the gates.

    The states are T + 1, since the first, of zeros, is among them.
    """
    embed = model["embed.weight"][x]  # (B, T) -> (B, T, 8)
    h = np.zeros_like(embed, shape=(len(x), 32))
    states, gates = [h], []
    for t in range(x.shape[1]):
        h, of_step = cell(model, embed[:, t], h)
        states.append(h)
        gates.append(of_step)
    fc = h @ model["fc.weight"].T + model["fc.bias"]  # (B, 32) -> (B, 8)
    return {"embed": embed, "gru": np.stack(states[1:], axis=1), "fc": fc}, states, gates


def layers(model, x):
    """Return what each layer gives out, of the GRU all states."""
    return apply(model, x)[0]


def forward(model, x):
    """Return the logits (B, 8)."""
    return apply(model, x)[0]["fc"]


def log_softmax(z):
    """Return log(softmax(z)) along the rows of z (B, 8), with no exponential over 1."""
    z = z - z.max(axis=1, keepdims=True)  # (B, 8) - (B, 1) -> (B, 8)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def loss(model, x, y):
    """Return the mean cross-entropy in nats."""
    return -log_softmax(forward(model, x))[np.arange(len(y)), y].mean()


def backward(model, x, y):
    """Return the loss and its gradients: backpropagation through time.

    With p = softmax(logits), the loss is the mean of -log p[y], so dlogits = (p - onehot(y)) / B.
    Only the last state is used, so its gradient is the first. Each step, the last one first, hands
    d loss / dh on to the step before. The weights are the same at all steps: gradients add up.
    """
    values, states, gates = apply(model, x)
    rows = np.arange(len(y))
    log_p = log_softmax(values["fc"])
    dlogits = np.exp(log_p)  # (B, 8), softmax
    dlogits[rows, y] -= 1
    dlogits /= len(y)
    grads = {name: np.zeros_like(value) for name, value in model.items()}
    grads["fc.weight"], grads["fc.bias"] = dlogits.T @ states[-1], dlogits.sum(axis=0)
    dh = dlogits @ model["fc.weight"]  # (B, 32)
    for t in reversed(range(x.shape[1])):
        di, dg, dh = cell_gradients(dh, states[t], gates[t])
        dh = dh + dg @ model["gru.weight_hh_l0"]  # (B, 96) @ (96, 32) -> (B, 32)
        grads["gru.weight_ih_l0"] += di.T @ values["embed"][:, t]  # (96, B) @ (B, 8) -> (96, 8)
        grads["gru.weight_hh_l0"] += dg.T @ states[t]  # (96, B) @ (B, 32) -> (96, 32)
        grads["gru.bias_ih_l0"] += di.sum(axis=0)
        grads["gru.bias_hh_l0"] += dg.sum(axis=0)
        # A symbol's row gets the sum of all its places; grads[...][x] += would count it once.
        np.add.at(grads["embed.weight"], x[:, t], di @ model["gru.weight_ih_l0"])
    return -log_p[rows, y].mean(), grads


def gradients(model, x, y):
    """Return d loss / d weights, derived by hand, not clipped."""
    return backward(model, x, y)[1]


def clipped(grads):
    """Return gradients scaled so that all of them, as one vector, are no longer than CLIP.

    PyTorch adds 1e-6 to their length, so that they end a little shorter.
    """
    length = np.sqrt(sum((grad * grad).sum() for grad in grads.values()))
    scale = min(CLIP / (length + 1e-6), 1)
    return {name: grad * scale for name, grad in grads.items()}


def train(model, x, y, schedule, learning_rate):
    """Take one step of Adam per batch; return the model and its losses (steps,).

    Adam divides a running mean m of the gradients by the root of one of their squares, v. Both
    begin at 0, and after t steps hold shares of 1 - 0.9^t and 1 - 0.999^t, which are divided by.
    """
    losses = np.empty_like(model["fc.bias"], shape=len(schedule))
    m = {name: np.zeros_like(value) for name, value in model.items()}
    v = {name: np.zeros_like(value) for name, value in model.items()}
    for t, rows in enumerate(schedule, 1):
        losses[t - 1], grads = backward(model, x[rows], y[rows])
        for name, grad in clipped(grads).items():
            m[name] = 0.9 * m[name] + 0.1 * grad
            v[name] = 0.999 * v[name] + 0.001 * grad**2
            mean, square = m[name] / (1 - 0.9**t), v[name] / (1 - 0.999**t)
            model[name] -= learning_rate * mean / (np.sqrt(square) + 1e-8)
    return model, losses


def accuracy(model, x, y):
    """Return the fraction of sequences whose largest logit is that of their first symbol."""
    return (forward(model, x).argmax(axis=1) == y).mean()


def export(model):
    """Return a copy of the weights."""
    return {name: value.copy() for name, value in model.items()}


if __name__ == "__main__":
    import data

    recall = data.load(np.array)
    model = build(recall.weights)
    model, losses = train(model, recall.x, recall.y, recall.schedule, recall.learning_rate)
    data.report(losses, accuracy(model, recall.x_test, recall.y_test))
