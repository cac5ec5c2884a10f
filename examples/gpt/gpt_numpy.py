"""The small GPT in NumPy: gradients and AdamW by hand.

Sizes are PyTorch's: x (B, T, D), matrices (outputs, inputs). All sums below are over a whole batch.
"""

import numpy as np
from scipy.special import erf

FRAMEWORK = "numpy"
HEADS, BLOCKS = 2, 2


def build(weights):
    """Return the model, a dict of arrays of its own."""
    return {name: value.copy() for name, value in weights.items()}


class Layers:
    """The layers of a model; going back through them collects the gradients of its weights.

    Each layer returns what it makes of x, and how to go back: a function that adds the gradients of
    its weights, given d loss / d output, and returns d loss / dx.
    """

    def __init__(self, model):
        self.model = model
        self.gradients = {name: np.zeros_like(weight) for name, weight in model.items()}

    def linear(self, name, x):
        """Return x W^T + b. With dy, dW = sum of dy x^T, db = sum of dy, and dx = dy W."""
        weight, bias = self.model[f"{name}.weight"], self.model.get(f"{name}.bias")
        y = x @ weight.T if bias is None else x @ weight.T + bias

        def back(dy):
            self.gradients[f"{name}.weight"] += np.tensordot(dy, x, ([0, 1], [0, 1]))
            if bias is not None:
                self.gradients[f"{name}.bias"] += dy.sum((0, 1))
            return dy @ weight

        return y, back

    def layer_norm(self, name, x):
        """Return gamma h + beta, where h = (x - mean) / std, each vector's own.

        mean and std are functions of x, too. With dh = gamma dy,
            dgamma = sum of dy h      dbeta = sum of dy
            dx = (dh - mean of dh - h mean of (dh h)) / std
        """
        gamma, beta = self.model[f"{name}.weight"], self.model[f"{name}.bias"]
        std = np.sqrt(x.var(-1, keepdims=True) + 1e-5)  # (B, T, 1)
        h = (x - x.mean(-1, keepdims=True)) / std

        def back(dy):
            self.gradients[f"{name}.weight"] += (dy * h).sum((0, 1))
            self.gradients[f"{name}.bias"] += dy.sum((0, 1))
            dh = dy * gamma
            means = dh.mean(-1, keepdims=True) + h * (dh * h).mean(-1, keepdims=True)
            return (dh - means) / std

        return h * gamma + beta, back

    def attention(self, name, x):
        """Mix into each token those before it: softmax(q k^T / sqrt(D / H)) v, head by head.

        With scores S, shares P = softmax(S) and y = P v,
            dv = P^T dy      dP = dy v^T
            dS = P (dP - sum over keys of P dP)      dq = dS k / sqrt      dk = dS^T q / sqrt
        Where a key comes later than the query, P is 0, and so is dS.
        """
        B, T, D = x.shape
        qkv, back_qkv = self.linear(f"{name}.qkv", x)  # (B, T, 3 D)
        q, k, v = qkv.reshape(B, T, 3, HEADS, -1).transpose(2, 0, 3, 1, 4)  # (B, H, T, D / H) each
        root = (D // HEADS) ** 0.5
        scores = np.where(np.tri(T, dtype=bool), q @ k.swapaxes(2, 3) / root, -np.inf)
        shares = softmax(scores)  # (B, H, T, T): of each query, along the keys
        mixed = (shares @ v).swapaxes(1, 2).reshape(B, T, D)
        y, back_out = self.linear(f"{name}.out", mixed)

        def back(dy):
            dmixed = back_out(dy).reshape(B, T, HEADS, -1).swapaxes(1, 2)  # (B, H, T, D / H)
            dshares = dmixed @ v.swapaxes(2, 3)
            dscores = shares * (dshares - (shares * dshares).sum(-1, keepdims=True))
            dq, dk = dscores @ k / root, dscores.swapaxes(2, 3) @ q / root
            dqkv = np.stack([dq, dk, shares.swapaxes(2, 3) @ dmixed])  # (3, B, H, T, D / H)
            return back_qkv(dqkv.transpose(1, 3, 0, 2, 4).reshape(B, T, 3 * D))

        return y, back

    def block(self, name, x):
        """Return what a block makes of x; what is added to x gets the same dy as x does."""
        h1, back_norm1 = self.layer_norm(f"{name}.norm1", x)
        mixed, back_attention = self.attention(f"{name}.attention", h1)
        x = x + mixed
        h2, back_norm2 = self.layer_norm(f"{name}.norm2", x)
        z, back_up = self.linear(f"{name}.up", h2)
        y, back_down = self.linear(f"{name}.down", gelu(z))

        def back(dy):
            dx = dy + back_norm2(back_up(back_down(dy) * gelu_derivative(z)))
            return dx + back_norm1(back_attention(dx))

        return x + y, back

    def logits(self, tokens):
        """Return the logits (B, T, TOKENS) of what follows tokens (B, T), and how to go back.

        The embedding E is used twice, so its gradient is a sum: of the head, logits = h E^T, and of
        the rows that were looked up.
        """
        embedding = self.model["tokens.weight"]
        x = embedding[tokens] + self.model["positions.weight"]  # (B, T, D)
        backs = []
        for i in range(BLOCKS):
            x, back_block = self.block(f"blocks.{i}", x)
            backs.append(back_block)
        h, back_norm = self.layer_norm("norm", x)

        def back(dlogits):
            dembedding = self.gradients["tokens.weight"]
            dembedding += np.tensordot(dlogits, h, ([0, 1], [0, 1]))
            dx = back_norm(dlogits @ embedding)
            for back_block in reversed(backs):
                dx = back_block(dx)
            np.add.at(dembedding, tokens, dx)  # += would count a token only once
            self.gradients["positions.weight"] += dx.sum(0)

        return h @ embedding.T, back


def gelu(z):
    """Return z P(z), where P(z) is the share of the normal distribution below z."""
    return z * (1 + erf(z * 0.5**0.5)) / 2


def gelu_derivative(z):
    """Return P(z) + z p(z), where p is the density of the normal distribution, P'."""
    return (1 + erf(z * 0.5**0.5)) / 2 + z * np.exp(-z * z / 2) / (2 * np.pi) ** 0.5


def log_softmax(z):
    """Return log(softmax(z)) along the last axis, with no exponential over 1."""
    z = z - z.max(-1, keepdims=True)
    return z - np.log(np.exp(z).sum(-1, keepdims=True))


def softmax(z):
    """Return e^z over its sum along the last axis; a z of -inf gets 0."""
    z = np.exp(z - z.max(-1, keepdims=True))
    return z / z.sum(-1, keepdims=True)


def forward(model, x):
    """Return the logits (B, T, TOKENS) of what is next at each position."""
    return Layers(model).logits(x)[0]


def loss(model, x, y):
    """Return the mean cross-entropy where an answer is due; where none is, y is -100."""
    due = y != -100
    log_p = log_softmax(forward(model, x)[due])  # (answers, TOKENS)
    return -log_p[np.arange(len(log_p)), y[due]].mean()


def backward(model, x, y):
    """Return the loss and its gradients.

    With p = softmax(z), the loss is the mean of -log p[y] over the n answers that are due. So there
    dz = (p - onehot(y)) / n, and elsewhere 0. Each layer is then gone through backwards.
    """
    layers = Layers(model)
    z, back = layers.logits(x)
    due = y != -100
    log_p = log_softmax(z[due])  # (n, TOKENS)
    answers = np.arange(len(log_p)), y[due]
    dp = np.exp(log_p)
    dp[answers] -= 1
    dz = np.zeros_like(z)
    dz[due] = dp / len(dp)
    back(dz)
    return -log_p[answers].mean(), layers.gradients


def gradients(model, x, y):
    """Return d loss / d weights, derived by hand."""
    return backward(model, x, y)[1]


def train(model, x, y, schedule, learning_rate):
    """Take one step of AdamW per batch; return the model and its losses (steps,).

    Adam divides a running mean m of the gradients by the root of one of their squares, v. Both
    begin at 0, and after t steps hold shares of 1 - 0.9^t and 1 - 0.999^t, which are divided by.
    The decay does not pass through them: that is the W. Norms and biases do not decay.
    """
    dtype = model["tokens.weight"].dtype
    losses = np.empty(len(schedule), dtype)
    m = {name: np.zeros_like(weight) for name, weight in model.items()}
    v = {name: np.zeros_like(weight) for name, weight in model.items()}
    for t, rows in enumerate(schedule, 1):
        losses[t - 1], grads = backward(model, x[rows], y[rows])
        for name, weight in model.items():
            if weight.ndim == 2:
                weight *= 1 - learning_rate * 0.1
            m[name] = 0.9 * m[name] + 0.1 * grads[name]
            v[name] = 0.999 * v[name] + 0.001 * grads[name] ** 2
            mean, square = m[name] / (1 - 0.9**t), v[name] / (1 - 0.999**t)
            weight -= learning_rate * mean / (np.sqrt(square) + 1e-8)
    return model, losses


def solved(model, x, y):
    """Return the fraction of sums of which every digit is the likeliest."""
    right = (forward(model, x).argmax(2) == y) | (y == -100)
    return right.all(1).mean()


def export(model):
    """Return a copy of the weights."""
    return {name: value.copy() for name, value in model.items()}


if __name__ == "__main__":
    import data

    sums = data.load(np.array)
    model = build(sums.weights)
    model, losses = train(model, sums.x, sums.y, sums.schedule, sums.learning_rate)
    data.report(losses, solved(model, sums.x_test, sums.y_test))
