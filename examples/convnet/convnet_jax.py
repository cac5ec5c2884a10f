"""The convolutional net in JAX and Optax: pure functions, grad, jit and scan.

Images are (B, height, width, channels) here, and kernels (height, width, inputs, outputs).
"""

import jax
import jax.numpy as jnp
import optax

FRAMEWORK = "jax"


def build(weights):
    """Return the model: its parameters, and BatchNorm's running statistics, which are not."""
    params = {
        "conv1": weights["conv1.weight"].transpose(2, 3, 1, 0),  # (O, I, H, W) -> (H, W, I, O)
        "norm1": {"scale": weights["norm1.weight"], "bias": weights["norm1.bias"]},
        "conv2": weights["conv2.weight"].transpose(2, 3, 1, 0),
        "norm2": {"scale": weights["norm2.weight"], "bias": weights["norm2.bias"]},
        "fc": {
            # PyTorch flattens channels first, so the inputs come in another order.
            "kernel": weights["fc.weight"]
            .reshape(10, 32, 3, 3)
            .transpose(2, 3, 1, 0)
            .reshape(288, 10),
            "bias": weights["fc.bias"],
        },
    }
    stats = {
        name: {"mean": weights[f"{name}.running_mean"], "var": weights[f"{name}.running_var"]}
        for name in ("norm1", "norm2")
    }
    return params, stats


def conv(x, kernel, stride, padding):
    """Return the convolution of x (B, H, W, I) with a kernel (K, K, I, O)."""
    return jax.lax.conv_general_dilated(
        x,
        kernel,
        window_strides=(stride, stride),
        padding=[(padding, padding)] * 2,  # "SAME" would pad a stride of 2 on one side alone
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


def batch_norm(x, params, stats, training):
    """Normalise each channel of x (B, H, W, C); return the result and the running statistics."""
    if training:
        mean, var = x.mean((0, 1, 2)), x.var((0, 1, 2))
        n = x.size // x.shape[-1]
        stats = {
            "mean": 0.9 * stats["mean"] + 0.1 * mean,  # momentum=0.1 in PyTorch
            "var": 0.9 * stats["var"] + 0.1 * var * (n / (n - 1)),  # over n - 1, as PyTorch's
        }
    else:
        mean, var = stats["mean"], stats["var"]
    x = (x - mean) * jax.lax.rsqrt(var + 1e-5)
    return x * params["scale"] + params["bias"], stats


def max_pool(x):
    """Return the largest of each 2 x 2 values, (B, H, W, C) -> (B, H // 2, W // 2, C)."""
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def apply(params, stats, x, training):
    """Return what each layer gives out, the logits last, and BatchNorm's running statistics."""
    x = x.reshape(-1, 28, 28, 1)  # (B, 784) -> (B, 28, 28, 1)
    conv1 = conv(x, params["conv1"], stride=2, padding=2)  # -> (B, 14, 14, 16)
    norm1, stats1 = batch_norm(conv1, params["norm1"], stats["norm1"], training)
    pool1 = max_pool(jax.nn.gelu(norm1, approximate=False))  # -> (B, 7, 7, 16)
    conv2 = conv(pool1, params["conv2"], stride=1, padding=1)  # -> (B, 7, 7, 32)
    norm2, stats2 = batch_norm(conv2, params["norm2"], stats["norm2"], training)
    pool2 = max_pool(jax.nn.gelu(norm2, approximate=False))  # -> (B, 3, 3, 32)
    fc = pool2.reshape(-1, 288) @ params["fc"]["kernel"] + params["fc"]["bias"]  # -> (B, 10)
    values = {
        "conv1": conv1,
        "norm1": norm1,
        "pool1": pool1,
        "conv2": conv2,
        "norm2": norm2,
        "pool2": pool2,
        "fc": fc,
    }
    return values, {"norm1": stats1, "norm2": stats2}


@jax.jit
def layers(model, x):
    """Return what each layer gives out at inference, in PyTorch's layout."""
    values, _ = apply(*model, x, training=False)
    return {
        name: value.transpose(0, 3, 1, 2) if value.ndim == 4 else value
        for name, value in values.items()
    }


@jax.jit
def forward(model, x):
    """Return the logits (B, 10) at inference, where BatchNorm takes its running statistics."""
    values, _ = apply(*model, x, training=False)
    return values["fc"]


def loss_and_stats(params, stats, x, y):
    """Return the mean cross-entropy in training, and BatchNorm's running statistics after it."""
    values, stats = apply(params, stats, x, training=True)
    return optax.softmax_cross_entropy_with_integer_labels(values["fc"], y).mean(), stats


@jax.jit
def loss(model, x, y):
    """Return the mean cross-entropy in training, where BatchNorm takes those of the batch."""
    return loss_and_stats(*model, x, y)[0]


@jax.jit
def gradients(model, x, y):
    """Return d loss / d weights by jax.grad, in PyTorch's names and layout."""
    grads, _ = jax.grad(loss_and_stats, has_aux=True)(*model, x, y)
    return to_torch(grads)


@jax.jit
def train(model, x, y, schedule, learning_rate):
    """Take one step of Adam per batch; return the model and its losses (steps,)."""
    optimizer = optax.adam(learning_rate)

    def step(carry, rows):
        params, stats, state = carry
        value_and_grad = jax.value_and_grad(loss_and_stats, has_aux=True)
        (value, stats), grads = value_and_grad(params, stats, x[rows], y[rows])
        updates, state = optimizer.update(grads, state, params)
        return (optax.apply_updates(params, updates), stats, state), value

    params, stats = model
    carry = params, stats, optimizer.init(params)
    (params, stats, _), losses = jax.lax.scan(step, carry, schedule)
    return (params, stats), losses


def accuracy(model, x, y):
    """Return the fraction of images whose largest logit is that of the right digit."""
    return jnp.mean(forward(model, x).argmax(axis=1) == y, dtype=x.dtype)


def to_torch(params):
    """Return parameters, or their gradients, in PyTorch's names and layout."""
    kernel = params["fc"]["kernel"].reshape(3, 3, 32, 10)
    return {
        "conv1.weight": params["conv1"].transpose(3, 2, 0, 1),  # (H, W, I, O) -> (O, I, H, W)
        "norm1.weight": params["norm1"]["scale"],
        "norm1.bias": params["norm1"]["bias"],
        "conv2.weight": params["conv2"].transpose(3, 2, 0, 1),
        "norm2.weight": params["norm2"]["scale"],
        "norm2.bias": params["norm2"]["bias"],
        "fc.weight": kernel.transpose(3, 2, 0, 1).reshape(10, 288),
        "fc.bias": params["fc"]["bias"],
    }


def export(model):
    """Return the weights and BatchNorm's running statistics, in PyTorch's names and layout."""
    params, stats = model
    running = {
        f"{norm}.running_{kind}": value
        for norm, values in stats.items()
        for kind, value in values.items()
    }
    return to_torch(params) | running


if __name__ == "__main__":
    import data

    mnist = data.load(jnp.array)
    model = build(mnist.weights)
    model, losses = train(model, mnist.x, mnist.y, mnist.schedule, mnist.learning_rate)
    data.report(losses, accuracy(model, mnist.x_test, mnist.y_test))
