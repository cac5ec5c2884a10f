"""The convolutional net in NumPy: gradients and Adam by hand.

Sizes are PyTorch's: images (B, C, H, W), kernels (O, I, K, K).
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import erf

FRAMEWORK = "numpy"


def build(weights):
    """Return the model, a dict of arrays of its own, BatchNorm's running statistics among them."""
    return {name: value.copy() for name, value in weights.items()}


def windows(x, size, stride, padding):
    """Return all windows that a kernel sees, (B, I, H, W) -> (B, I, H', W', K, K), as a view."""
    x = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    return sliding_window_view(x, (size, size), axis=(2, 3))[:, :, ::stride, ::stride]


def conv(x, kernel, stride, padding):
    """Return the convolution of x (B, I, H, W) with a kernel (O, I, K, K): (B, O, H', W').

    With x padded, and s the stride,
        y[b, o, i, j] = sum over c, u, v of x[b, c, s i + u, s j + v] kernel[o, c, u, v]
    """
    seen = windows(x, kernel.shape[-1], stride, padding)  # (B, I, H', W', K, K)
    y = np.tensordot(seen, kernel, ([1, 4, 5], [1, 2, 3]))  # -> (B, H', W', O)
    # NumPy sums pairwise only what lies side by side: BatchNorm's means would lose two digits else.
    return np.ascontiguousarray(y.transpose(0, 3, 1, 2))


def conv_gradients(dy, x, kernel, stride, padding):
    """Return d loss / dx and d loss / d kernel, from that of the convolution, dy (B, O, H', W').

    Whatever x[b, c, s i + u, s j + v] was multiplied by, it gets back:
        dkernel[o, c, u, v]        = sum over b, i, j of dy[b, o, i, j] x[b, c, s i + u, s j + v]
        dx[b, c, s i + u, s j + v] = sum over o, and all i, u and j, v that make these indices,
                                     of dy[b, o, i, j] kernel[o, c, u, v]
    """
    seen = windows(x, kernel.shape[-1], stride, padding)  # (B, I, H', W', K, K)
    dkernel = np.tensordot(dy, seen, ([0, 2, 3], [0, 2, 3]))  # -> (O, I, K, K)
    (B, C, H, W), (rows, columns) = x.shape, dy.shape[2:]
    dx = np.zeros_like(x, shape=(B, C, H + 2 * padding, W + 2 * padding))
    for u, v in np.ndindex(kernel.shape[2:]):
        part = np.tensordot(kernel[:, :, u, v], dy, (0, 1))  # (O, I), (B, O, H', W') -> (I, B, ...)
        at_i, at_j = slice(u, u + stride * rows, stride), slice(v, v + stride * columns, stride)
        dx[:, :, at_i, at_j] += part.swapaxes(0, 1)
    return dx[:, :, padding : padding + H, padding : padding + W], dkernel


def by_channel(vector):
    """Return one number per channel, (C,) -> (C, 1, 1), so that it broadcasts to (B, C, H, W)."""
    return vector[:, None, None]


def normalise(x, mean, var):
    """Return x (B, C, H, W) less the mean of each channel, over its standard deviation."""
    return (x - by_channel(mean)) / by_channel(np.sqrt(var + 1e-5))


def batch_norm_gradients(dy, x, gamma):
    """Return d loss / dx, dgamma and dbeta, from that of gamma h + beta, dy (B, C, H, W).

    With n = B H W values in a channel, h = (x - mean) / std, and mean and std functions of x, too,
        dgamma = sum of dy h      dbeta = sum of dy
        dx = gamma / std (dy - dbeta / n - h dgamma / n)
    """
    mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3))
    h = normalise(x, mean, var)
    dgamma, dbeta = (dy * h).sum((0, 2, 3)), dy.sum((0, 2, 3))
    n = x.size // len(gamma)
    dx = dy - by_channel(dbeta / n) - h * by_channel(dgamma / n)
    return dx * by_channel(gamma / np.sqrt(var + 1e-5)), dgamma, dbeta


def gelu(z):
    """Return z P(z), where P(z) is the share of the normal distribution below z."""
    return z * (1 + erf(z * 0.5**0.5)) / 2


def gelu_derivative(z):
    """Return P(z) + z p(z), where p is the density of the normal distribution, P'."""
    return (1 + erf(z * 0.5**0.5)) / 2 + z * np.exp(-z * z / 2) / (2 * np.pi) ** 0.5


def by_pools(x):
    """Return the four values of each 2 x 2 pool, (B, C, H, W) -> (B, C, H // 2, W // 2, 4)."""
    B, C, H, W = x.shape
    x = x[:, :, : H // 2 * 2, : W // 2 * 2].reshape(B, C, H // 2, 2, W // 2, 2)
    return x.swapaxes(3, 4).reshape(B, C, H // 2, W // 2, 4)


def max_pool(x):
    """Return the largest of each 2 x 2 values, (B, C, H, W) -> (B, C, H // 2, W // 2)."""
    return by_pools(x).max(-1)


def max_pool_gradient(dy, x):
    """Return d loss / dx, from that of the maxima, dy: the first largest value gets all of it."""
    dx = np.zeros_like(x)
    pools = by_pools(x)
    dpools = np.zeros_like(pools)
    np.put_along_axis(dpools, pools.argmax(-1)[..., None], dy[..., None], axis=-1)
    B, C, H, W = dy.shape
    dpools = dpools.reshape(B, C, H, W, 2, 2).swapaxes(3, 4)
    dx[:, :, : 2 * H, : 2 * W] = dpools.reshape(B, C, 2 * H, 2 * W)
    return dx


def apply(model, x, training):
    """Return what each layer gives out, the logits last; in training, of the batch's statistics."""

    def batch_norm(name, h):
        mean, var = model[f"{name}.running_mean"], model[f"{name}.running_var"]
        if training:
            mean, var = h.mean((0, 2, 3)), h.var((0, 2, 3))
        gamma, beta = model[f"{name}.weight"], model[f"{name}.bias"]
        return normalise(h, mean, var) * by_channel(gamma) + by_channel(beta)

    x = x.reshape(-1, 1, 28, 28)  # (B, 784) -> (B, 1, 28, 28)
    values = {"conv1": conv(x, model["conv1.weight"], stride=2, padding=2)}  # -> (B, 16, 14, 14)
    values["norm1"] = batch_norm("norm1", values["conv1"])
    values["pool1"] = max_pool(gelu(values["norm1"]))  # -> (B, 16, 7, 7)
    values["conv2"] = conv(values["pool1"], model["conv2.weight"], stride=1, padding=1)
    values["norm2"] = batch_norm("norm2", values["conv2"])  # -> (B, 32, 7, 7)
    values["pool2"] = max_pool(gelu(values["norm2"]))  # -> (B, 32, 3, 3)
    flat = values["pool2"].reshape(-1, 288)
    values["fc"] = flat @ model["fc.weight"].T + model["fc.bias"]  # -> (B, 10)
    return values


def layers(model, x):
    """Return what each layer gives out at inference."""
    return apply(model, x, training=False)


def forward(model, x):
    """Return the logits (B, 10) at inference, where BatchNorm takes its running statistics."""
    return apply(model, x, training=False)["fc"]


def log_softmax(z):
    """Return log(softmax(z)) along the rows of z (B, 10), with no exponential over 1."""
    z = z - z.max(axis=1, keepdims=True)  # (B, 10) - (B, 1) -> (B, 10)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def loss(model, x, y):
    """Return the mean cross-entropy in training, where BatchNorm takes those of the batch."""
    log_p = log_softmax(apply(model, x, training=True)["fc"])
    return -log_p[np.arange(len(y)), y].mean()


def backward(model, x, y):
    """Return the loss, its gradients, and what each layer gave out on the way, in training.

    With p = softmax(z), the loss is the mean of -log p[y], so dz = (p - onehot(y)) / B. From there
    each layer is gone through backwards, the last one first.
    """
    values = apply(model, x, training=True)
    rows = np.arange(len(y))
    log_p = log_softmax(values["fc"])  # (B, 10)
    dz = np.exp(log_p)  # (B, 10), softmax(z)
    dz[rows, y] -= 1
    dz /= len(y)
    grads = {"fc.weight": dz.T @ values["pool2"].reshape(-1, 288), "fc.bias": dz.sum(axis=0)}
    dpool2 = (dz @ model["fc.weight"]).reshape(values["pool2"].shape)  # (B, 32, 3, 3)

    def to_conv(dpool, norm, conv):
        """Go back through pooling, GELU and BatchNorm; return d loss / d convolution."""
        dgelu = max_pool_gradient(dpool, gelu(values[norm]))
        dnorm = dgelu * gelu_derivative(values[norm])
        gamma = model[f"{norm}.weight"]
        dconv, dgamma, dbeta = batch_norm_gradients(dnorm, values[conv], gamma)
        grads.update({f"{norm}.weight": dgamma, f"{norm}.bias": dbeta})
        return dconv

    dconv2 = to_conv(dpool2, "norm2", "conv2")  # (B, 32, 7, 7)
    dpool1, grads["conv2.weight"] = conv_gradients(
        dconv2, values["pool1"], model["conv2.weight"], stride=1, padding=1
    )
    dconv1 = to_conv(dpool1, "norm1", "conv1")  # (B, 16, 14, 14)
    images = x.reshape(-1, 1, 28, 28)
    _, grads["conv1.weight"] = conv_gradients(
        dconv1, images, model["conv1.weight"], stride=2, padding=2
    )
    return -log_p[rows, y].mean(), grads, values


def gradients(model, x, y):
    """Return d loss / d weights, derived by hand."""
    return backward(model, x, y)[1]


def update_statistics(model, values):
    """Move BatchNorm's running statistics by a tenth of the way to those of the batch."""
    for norm, conv in (("norm1", "conv1"), ("norm2", "conv2")):
        h = values[conv]  # (B, C, H, W)
        mean, var = h.mean((0, 2, 3)), h.var((0, 2, 3), ddof=1)  # the variance is over n - 1 here
        for name, new in ((f"{norm}.running_mean", mean), (f"{norm}.running_var", var)):
            model[name] = 0.9 * model[name] + 0.1 * new


def train(model, x, y, schedule, learning_rate):
    """Take one step of Adam per batch; return the model and its losses (steps,).

    Adam divides a running mean m of the gradients by the root of one of their squares, v. Both
    begin at 0, and after t steps hold shares of 1 - 0.9^t and 1 - 0.999^t, which are divided by.
    """
    losses = np.empty_like(x, shape=len(schedule))  # of the precision and the kind of x
    trained = [name for name in model if "running" not in name]
    m = {name: np.zeros_like(model[name]) for name in trained}
    v = {name: np.zeros_like(model[name]) for name in trained}
    for t, rows in enumerate(schedule, 1):
        losses[t - 1], grads, values = backward(model, x[rows], y[rows])
        update_statistics(model, values)
        for name in trained:
            m[name] = 0.9 * m[name] + 0.1 * grads[name]
            v[name] = 0.999 * v[name] + 0.001 * grads[name] ** 2
            mean, square = m[name] / (1 - 0.9**t), v[name] / (1 - 0.999**t)
            model[name] -= learning_rate * mean / (np.sqrt(square) + 1e-8)
    return model, losses


def accuracy(model, x, y):
    """Return the fraction of images whose largest logit is that of the right digit."""
    return (forward(model, x).argmax(axis=1) == y).mean()


def export(model):
    """Return a copy of the weights, and of BatchNorm's running statistics."""
    return {name: value.copy() for name, value in model.items()}


if __name__ == "__main__":
    import data

    mnist = data.load(np.array)
    model = build(mnist.weights)
    model, losses = train(model, mnist.x, mnist.y, mnist.schedule, mnist.learning_rate)
    data.report(losses, accuracy(model, mnist.x_test, mnist.y_test))
