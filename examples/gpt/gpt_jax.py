"""The small GPT in JAX and Optax: pure functions, grad, jit and scan.

B texts have T tokens, each token D numbers, split among H heads. Kernels are (inputs, outputs).
"""

import jax
import jax.numpy as jnp
import optax

FRAMEWORK = "jax"
HEADS, BLOCKS = 2, 2


def build(weights):
    """Return the model, a tree of arrays; matrices are (inputs, outputs) here."""

    def norm_params(name):
        return {"scale": weights[f"{name}.weight"], "bias": weights[f"{name}.bias"]}

    def linear_params(name):
        return {"kernel": weights[f"{name}.weight"].T, "bias": weights[f"{name}.bias"]}

    def block_params(name):
        return {
            "norm1": norm_params(f"{name}.norm1"),
            "qkv": weights[f"{name}.attention.qkv.weight"].T,  # (D, 3 D)
            "out": weights[f"{name}.attention.out.weight"].T,  # (D, D)
            "norm2": norm_params(f"{name}.norm2"),
            "up": linear_params(f"{name}.up"),
            "down": linear_params(f"{name}.down"),
        }

    return {
        "tokens": weights["tokens.weight"],
        "positions": weights["positions.weight"],
        "blocks": [block_params(f"blocks.{i}") for i in range(BLOCKS)],
        "norm": norm_params("norm"),
    }


def layer_norm(params, x):
    """Normalise each vector of x (B, T, D)."""
    mean, var = x.mean(2, keepdims=True), x.var(2, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(var + 1e-5) * params["scale"] + params["bias"]


def linear(params, x):
    """Return x @ kernel + bias."""
    return x @ params["kernel"] + params["bias"]


def attention(params, x):
    """Mix into each token of x (B, T, D) those before it."""
    B, T, D = x.shape
    q, k, v = jnp.moveaxis((x @ params["qkv"]).reshape(B, T, 3, HEADS, -1), 2, 0)  # (B, T, H, D/H)
    scores = jnp.einsum("bqhd,bkhd->bhqk", q, k) / (D // HEADS) ** 0.5  # (B, H, T, T)
    causal = jnp.tril(jnp.ones((T, T), bool))  # no query sees a key that comes later
    shares = jax.nn.softmax(jnp.where(causal, scores, -jnp.inf))
    mixed = jnp.einsum("bhqk,bkhd->bqhd", shares, v)
    return mixed.reshape(B, T, D) @ params["out"]


def block(params, x):
    """Return what a block makes of x (B, T, D)."""
    x = x + attention(params, layer_norm(params["norm1"], x))
    hidden = jax.nn.gelu(linear(params["up"], layer_norm(params["norm2"], x)), approximate=False)
    return x + linear(params["down"], hidden)


@jax.jit
def forward(model, x):
    """Return the logits (B, T, TOKENS) of what is next at each position."""
    x = model["tokens"][x] + model["positions"]  # (B, T) -> (B, T, D)
    for params in model["blocks"]:
        x = block(params, x)
    return layer_norm(model["norm"], x) @ model["tokens"].T


@jax.jit
def loss(model, x, y):
    """Return the mean cross-entropy where an answer is due; where none is, y is -100."""
    due = y != -100
    labels = jnp.where(due, y, 0)  # any token will do where none counts
    each = optax.softmax_cross_entropy_with_integer_labels(forward(model, x), labels)
    return each.mean(where=due)


@jax.jit
def gradients(model, x, y):
    """Return d loss / d weights by jax.grad, in PyTorch's names and layout."""
    return export(jax.grad(loss)(model, x, y))


@jax.jit
def train(model, x, y, schedule, learning_rate):
    """Take one step of AdamW per batch; return the model and its losses (steps,)."""
    matrices = jax.tree.map(lambda weight: weight.ndim == 2, model)  # norms and biases do not decay
    optimizer = optax.adamw(learning_rate, weight_decay=0.1, mask=matrices)

    def step(carry, rows):
        model, state = carry
        value, grads = jax.value_and_grad(loss)(model, x[rows], y[rows])
        updates, state = optimizer.update(grads, state, model)
        return (optax.apply_updates(model, updates), state), value

    (model, _), losses = jax.lax.scan(step, (model, optimizer.init(model)), schedule)
    return model, losses


def solved(model, x, y):
    """Return the fraction of sums of which every digit is the likeliest."""
    right = (forward(model, x).argmax(axis=2) == y) | (y == -100)
    return right.all(axis=1).mean()


def export(model):
    """Return weights, or their gradients, in PyTorch's names and layout."""
    named = {"tokens.weight": model["tokens"], "positions.weight": model["positions"]}

    def add(name, params):
        named[f"{name}.weight"] = params["kernel"].T if "kernel" in params else params["scale"]
        named[f"{name}.bias"] = params["bias"]

    for i, params in enumerate(model["blocks"]):
        for name in ("qkv", "out"):
            named[f"blocks.{i}.attention.{name}.weight"] = params[name].T
        for name in ("norm1", "norm2", "up", "down"):
            add(f"blocks.{i}.{name}", params[name])
    add("norm", model["norm"])
    return named


if __name__ == "__main__":
    import data

    sums = data.load(jnp.array)
    model = build(sums.weights)
    model, losses = train(model, sums.x, sums.y, sums.schedule, sums.learning_rate)
    data.report(losses, solved(model, sums.x_test, sums.y_test))
