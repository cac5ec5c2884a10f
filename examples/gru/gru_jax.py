"""The GRU in JAX and Optax: pure functions, lax.scan over time, grad, jit.

Kernels are (inputs, outputs) here, the gates r, z and n beside one another.
"""

import jax
import jax.numpy as jnp
import optax

FRAMEWORK = "jax"
CLIP = 0.2


def build(weights):
    """Return the model, its parameters."""
    return {
        "embed": weights["embed.weight"],
        "gru": {
            "kernel_i": weights["gru.weight_ih_l0"].T,  # (96, 8) -> (8, 96)
            "bias_i": weights["gru.bias_ih_l0"],
            "kernel_h": weights["gru.weight_hh_l0"].T,  # (96, 32) -> (32, 96)
            "bias_h": weights["gru.bias_hh_l0"],
        },
        "fc": {"kernel": weights["fc.weight"].T, "bias": weights["fc.bias"]},
    }


def cell(params, x, h):
    """Return the next state (B, 32) from an input x (B, 8) and a state h (B, 32)."""
    i = x @ params["kernel_i"] + params["bias_i"]  # (B, 96)
    g = h @ params["kernel_h"] + params["bias_h"]  # (B, 96)
    (ir, iz, i_n), (hr, hz, hn) = jnp.split(i, 3, axis=1), jnp.split(g, 3, axis=1)
    r, z = jax.nn.sigmoid(ir + hr), jax.nn.sigmoid(iz + hz)
    n = jnp.tanh(i_n + r * hn)  # r after the product, whose bias is in it
    return (1 - z) * n + z * h


def gru(params, x):
    """Return all states (B, T, 32) from inputs x (B, T, 8)."""

    def step(h, x_t):
        h = cell(params, x_t, h)
        return h, h

    first = jnp.zeros((len(x), params["kernel_h"].shape[0]), x.dtype)
    _, states = jax.lax.scan(step, first, x.swapaxes(0, 1))  # over the first axis, so that of time
    return states.swapaxes(0, 1)  # (T, B, 32) -> (B, T, 32)


def apply(params, x):
    """Return what each layer gives out, of the GRU all states, the logits last."""
    embed = params["embed"][x]  # (B, T) -> (B, T, 8)
    states = gru(params["gru"], embed)  # -> (B, T, 32)
    fc = states[:, -1] @ params["fc"]["kernel"] + params["fc"]["bias"]  # (B, 32) -> (B, 8)
    return {"embed": embed, "gru": states, "fc": fc}


layers = jax.jit(apply)


@jax.jit
def forward(params, x):
    """Return the logits (B, 8)."""
    return apply(params, x)["fc"]


@jax.jit
def loss(params, x, y):
    """Return the mean cross-entropy in nats."""
    return optax.softmax_cross_entropy_with_integer_labels(forward(params, x), y).mean()


@jax.jit
def gradients(params, x, y):
    """Return d loss / d weights by jax.grad, not clipped, in PyTorch's names and layout."""
    return export(jax.grad(loss)(params, x, y))


def clip(longest):
    """Return what scales gradients as PyTorch's clip_grad_norm_ does.

    It adds 1e-6 to their length; optax.clip_by_global_norm does not.
    """

    def scaled(grads, params):
        scale = jnp.minimum(longest / (optax.tree.norm(grads) + 1e-6), 1)
        return jax.tree.map(lambda grad: grad * scale, grads)

    return optax.stateless(scaled)


@jax.jit
def train(params, x, y, schedule, learning_rate):
    """Take one step of Adam per batch; return the model and its losses (steps,)."""
    optimizer = optax.chain(clip(CLIP), optax.adam(learning_rate))

    def step(carry, rows):
        params, state = carry
        value, grads = jax.value_and_grad(loss)(params, x[rows], y[rows])
        updates, state = optimizer.update(grads, state, params)
        return (optax.apply_updates(params, updates), state), value

    (params, _), losses = jax.lax.scan(step, (params, optimizer.init(params)), schedule)
    return params, losses


def accuracy(params, x, y):
    """Return the fraction of sequences whose largest logit is that of their first symbol."""
    return jnp.mean(forward(params, x).argmax(axis=1) == y, dtype=params["embed"].dtype)


def export(params):
    """Return the weights, or their gradients, in PyTorch's names and layout."""
    return {
        "embed.weight": params["embed"],
        "gru.weight_ih_l0": params["gru"]["kernel_i"].T,
        "gru.weight_hh_l0": params["gru"]["kernel_h"].T,
        "gru.bias_ih_l0": params["gru"]["bias_i"],
        "gru.bias_hh_l0": params["gru"]["bias_h"],
        "fc.weight": params["fc"]["kernel"].T,
        "fc.bias": params["fc"]["bias"],
    }


if __name__ == "__main__":
    import data

    recall = data.load(jnp.array)
    model = build(recall.weights)
    model, losses = train(model, recall.x, recall.y, recall.schedule, recall.learning_rate)
    data.report(losses, accuracy(model, recall.x_test, recall.y_test))
