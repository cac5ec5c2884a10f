"""The small GPT in Flax NNX and Optax: Modules, MultiHeadAttention, Optimizer, nnx.jit.

B texts have T tokens, each token D numbers, split among H heads. Kernels are (inputs, outputs).
"""

from functools import cache

import jax
import jax.numpy as jnp
import optax
from flax import nnx

FRAMEWORK = "jax"
TOKENS, T, D, HEADS, BLOCKS = 12, 8, 32, 2, 2


def attend(query, key, value, *, mask, **others):
    """Return softmax(query key^T / sqrt(D / H)) value, (B, T, H, D / H).

    nnx.dot_product_attention calls jax.nn.dot_product_attention, whose softmax is in float32,
    always.
    """
    scores = jnp.einsum("bqhd,bkhd->bhqk", query, key) / (D // HEADS) ** 0.5  # (B, H, T, T)
    shares = nnx.softmax(jnp.where(mask, scores, -jnp.inf))
    return jnp.einsum("bhqk,bkhd->bqhd", shares, value)


class Block(nnx.Module):
    def __init__(self, *, rngs):
        self.norm1 = nnx.LayerNorm(D, epsilon=1e-5, rngs=rngs)  # Flax's own epsilon is 1e-6
        self.attention = nnx.MultiHeadAttention(
            HEADS, D, use_bias=False, attention_fn=attend, decode=False, rngs=rngs
        )
        self.norm2 = nnx.LayerNorm(D, epsilon=1e-5, rngs=rngs)
        self.up = nnx.Linear(D, 4 * D, rngs=rngs)
        self.down = nnx.Linear(4 * D, D, rngs=rngs)

    def __call__(self, x):
        causal = nnx.make_causal_mask(jnp.ones(T), dtype=bool)
        x = x + self.attention(self.norm1(x), mask=causal)
        return x + self.down(nnx.gelu(self.up(self.norm2(x)), approximate=False))


class GPT(nnx.Module):
    def __init__(self, *, dtype, rngs):
        # Unlike other layers, Embed stays in the precision that it was made in.
        self.tokens = nnx.Embed(TOKENS, D, dtype=dtype, rngs=rngs)
        self.positions = nnx.Embed(T, D, dtype=dtype, rngs=rngs)
        self.blocks = nnx.List(Block(rngs=rngs) for _ in range(BLOCKS))
        self.norm = nnx.LayerNorm(D, epsilon=1e-5, rngs=rngs)

    def __call__(self, x):
        x = self.tokens(x) + self.positions(jnp.arange(T))  # (B, T) -> (B, T, D)
        for block in self.blocks:
            x = block(x)
        return self.tokens.attend(self.norm(x))  # -> (B, T, TOKENS), logits


def build(weights):
    """Return the model, a Module with the weights; kernels are (inputs, outputs) here."""

    def norm(name):
        return {"scale": weights[f"{name}.weight"], "bias": weights[f"{name}.bias"]}

    def linear(name):
        return {"kernel": weights[f"{name}.weight"].T, "bias": weights[f"{name}.bias"]}

    def attention(name):
        q, k, v = jnp.split(weights[f"{name}.qkv.weight"].T, 3, axis=1)  # (D, D) each
        kernels = {"query": q, "key": k, "value": v}
        state = {kind: {"kernel": z.reshape(D, HEADS, -1)} for kind, z in kernels.items()}
        out = weights[f"{name}.out.weight"].T.reshape(HEADS, -1, D)
        return state | {"out": {"kernel": out}}

    def block(name):
        return {
            "norm1": norm(f"{name}.norm1"),
            "attention": attention(f"{name}.attention"),
            "norm2": norm(f"{name}.norm2"),
            "up": linear(f"{name}.up"),
            "down": linear(f"{name}.down"),
        }

    model = GPT(dtype=weights["tokens.weight"].dtype, rngs=nnx.Rngs(0))
    state = {
        "tokens": {"embedding": weights["tokens.weight"]},
        "positions": {"embedding": weights["positions.weight"]},
        "blocks": {i: block(f"blocks.{i}") for i in range(BLOCKS)},
        "norm": norm("norm"),
    }
    nnx.update(model, state)
    return model


@nnx.jit
def forward(model, x):
    """Return the logits (B, T, TOKENS) of what is next at each position."""
    return model(x)


@nnx.jit
def loss(model, x, y):
    """Return the mean cross-entropy where an answer is due; where none is, y is -100."""
    due = y != -100
    labels = jnp.where(due, y, 0)  # any token will do where none counts
    each = optax.softmax_cross_entropy_with_integer_labels(model(x), labels)
    return each.mean(where=due)


grad_fn = nnx.jit(nnx.grad(loss))


def gradients(model, x, y):
    """Return d loss / d weights by nnx.grad, in PyTorch's names and layout."""
    return to_torch(grad_fn(model, x, y))


@cache  # nnx.jit compiles anew for another optimizer, even one that is equal
def adamw(learning_rate):
    """Return the optimizer; by default it would let norms and biases decay, too."""

    def matrices(params):
        return jax.tree.map(lambda weight: weight.ndim > 1, params)  # kernels have an axis of heads

    return optax.adamw(learning_rate, weight_decay=0.1, mask=matrices)


@nnx.jit
def train_step(model, optimizer, x, y):
    """Update the model and the optimizer in place; return the loss before the update."""
    value, grads = nnx.value_and_grad(loss)(model, x, y)
    optimizer.update(model, grads)
    return value


def train(model, x, y, schedule, learning_rate):
    """Take one step of AdamW per batch; return the model and its losses (steps,)."""
    optimizer = nnx.Optimizer(model, adamw(learning_rate), wrt=nnx.Param)
    losses = [train_step(model, optimizer, x[rows], y[rows]) for rows in schedule]
    return model, jnp.stack(losses)


def solved(model, x, y):
    """Return the fraction of sums of which every digit is the likeliest."""
    right = (forward(model, x).argmax(axis=2) == y) | (y == -100)
    return right.all(axis=1).mean()


def to_torch(state):
    """Return what is in a state, weights or gradients, in PyTorch's names and layout."""
    named = {f"{name}.weight": state[name]["embedding"][...] for name in ("tokens", "positions")}

    def add_norm(name, norm):
        named[f"{name}.weight"], named[f"{name}.bias"] = norm["scale"][...], norm["bias"][...]

    for i in range(BLOCKS):
        name, block = f"blocks.{i}", state["blocks"][i]
        kernels = {kind: layer["kernel"][...] for kind, layer in block["attention"].items()}
        qkv = [kernels[kind].reshape(D, D).T for kind in ("query", "key", "value")]
        named[f"{name}.attention.qkv.weight"] = jnp.concat(qkv)
        named[f"{name}.attention.out.weight"] = kernels["out"].reshape(D, D).T
        for kind in ("up", "down"):
            named[f"{name}.{kind}.weight"] = block[kind]["kernel"][...].T
            named[f"{name}.{kind}.bias"] = block[kind]["bias"][...]
        for kind in ("norm1", "norm2"):
            add_norm(f"{name}.{kind}", block[kind])
    add_norm("norm", state["norm"])
    return named


def export(model):
    """Return the weights, in PyTorch's names and layout."""
    return to_torch(nnx.state(model, nnx.Param))


if __name__ == "__main__":
    import data

    sums = data.load(jnp.array)
    model = build(sums.weights)
    model, losses = train(model, sums.x, sums.y, sums.schedule, sums.learning_rate)
    data.report(losses, solved(model, sums.x_test, sums.y_test))
