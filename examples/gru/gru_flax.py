"""The GRU in Flax NNX and Optax: nnx.RNN around a cell, nnx.Optimizer and nnx.jit.

Kernels are (inputs, outputs) here, the gates r, z and n beside one another.
"""

from functools import cache

import jax
import jax.numpy as jnp
import optax
from flax import nnx

FRAMEWORK = "jax"
CLIP = 0.2


class GRUCell(nnx.GRUCell):
    """A GRU with PyTorch's second bias, which Flax's own lacks.

    That of r and of z could be added to the first one. That of n could not: r is multiplied by it.
    """

    def __init__(self, in_features, hidden_features, *, param_dtype, rngs):
        super().__init__(in_features, hidden_features, param_dtype=param_dtype, rngs=rngs)
        self.dense_h = nnx.Linear(hidden_features, 3 * hidden_features, rngs=rngs)


class Recall(nnx.Module):
    def __init__(self, *, param_dtype, rngs):
        # Embed returns this precision, and the cell begins with zeros of it, whatever their weights
        # are replaced by: in float64, it must be said.
        self.embed = nnx.Embed(8, 8, param_dtype=param_dtype, rngs=rngs)
        self.gru = nnx.RNN(GRUCell(8, 32, param_dtype=param_dtype, rngs=rngs), rngs=rngs)
        self.fc = nnx.Linear(32, 8, rngs=rngs)

    def __call__(self, x):
        x = self.embed(x)  # (B, T) -> (B, T, 8)
        states = self.gru(x)  # -> (B, T, 32)
        return self.fc(states[:, -1])  # (B, 32) -> (B, 8), logits


def build(weights):
    """Return the model, a Module with the weights."""
    model = Recall(param_dtype=weights["fc.bias"].dtype, rngs=nnx.Rngs(0))
    dense_i = {"kernel": weights["gru.weight_ih_l0"].T, "bias": weights["gru.bias_ih_l0"]}
    dense_h = {"kernel": weights["gru.weight_hh_l0"].T, "bias": weights["gru.bias_hh_l0"]}
    state = {
        "embed": {"embedding": weights["embed.weight"]},
        "gru": {"cell": {"dense_i": dense_i, "dense_h": dense_h}},
        "fc": {"kernel": weights["fc.weight"].T, "bias": weights["fc.bias"]},
    }
    nnx.update(model, state)
    return model


@nnx.jit
def forward(model, x):
    """Return the logits (B, 8)."""
    return model(x)


@nnx.jit
def loss(model, x, y):
    """Return the mean cross-entropy in nats."""
    return optax.softmax_cross_entropy_with_integer_labels(model(x), y).mean()


grad_fn = nnx.jit(nnx.grad(loss))


def gradients(model, x, y):
    """Return d loss / d weights by nnx.grad, not clipped, in PyTorch's names and layout."""
    return to_torch(grad_fn(model, x, y))


def clip(longest):
    """Return what scales gradients as PyTorch's clip_grad_norm_ does.

    It adds 1e-6 to their length; optax.clip_by_global_norm does not.
    """

    def scaled(grads, params):
        scale = jnp.minimum(longest / (optax.tree.norm(grads) + 1e-6), 1)
        return jax.tree.map(lambda grad: grad * scale, grads)

    return optax.stateless(scaled)


@cache  # nnx.jit compiles anew for another optimizer, even one that is equal
def clipped_adam(learning_rate):
    """Return an optimizer, for the same learning rate the same."""
    return optax.chain(clip(CLIP), optax.adam(learning_rate))


@nnx.jit
def train_step(model, optimizer, x, y):
    """Update the model and the optimizer in place; return the loss before the update."""
    value, grads = nnx.value_and_grad(loss)(model, x, y)
    optimizer.update(model, grads)
    return value


def train(model, x, y, schedule, learning_rate):
    """Take one step of Adam per batch; return the model and its losses (steps,)."""
    optimizer = nnx.Optimizer(model, clipped_adam(learning_rate), wrt=nnx.Param)
    losses = [train_step(model, optimizer, x[rows], y[rows]) for rows in schedule]
    return model, jnp.stack(losses)


def accuracy(model, x, y):
    """Return the fraction of sequences whose largest logit is that of their first symbol."""
    logits = forward(model, x)
    return jnp.mean(logits.argmax(axis=1) == y, dtype=logits.dtype)


def to_torch(state):
    """Return what is in a state, weights or gradients, in PyTorch's names and layout."""
    cell = state["gru"]["cell"]
    return {
        "embed.weight": state["embed"]["embedding"][...],
        "gru.weight_ih_l0": cell["dense_i"]["kernel"][...].T,
        "gru.weight_hh_l0": cell["dense_h"]["kernel"][...].T,
        "gru.bias_ih_l0": cell["dense_i"]["bias"][...],
        "gru.bias_hh_l0": cell["dense_h"]["bias"][...],
        "fc.weight": state["fc"]["kernel"][...].T,
        "fc.bias": state["fc"]["bias"][...],
    }


def export(model):
    """Return the weights, in PyTorch's names and layout."""
    return to_torch(nnx.state(model, nnx.Param))


if __name__ == "__main__":
    import data

    recall = data.load(jnp.array)
    model = build(recall.weights)
    model, losses = train(model, recall.x, recall.y, recall.schedule, recall.learning_rate)
    data.report(losses, accuracy(model, recall.x_test, recall.y_test))
