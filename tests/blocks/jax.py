"""The block in JAX."""

import jax
import jax.numpy as jnp


@jax.jit
def block(x, w):
    hidden = jax.nn.gelu(x @ w["W1"] + w["b1"], approximate=False)
    hidden = jax.nn.standardize(hidden, axis=-1, epsilon=1e-5)
    logits = hidden @ w["W2"]
    return {"hidden": hidden, "outputs": (logits, jax.nn.softmax(logits, axis=1))}


def flat(images):
    return jnp.tanh(images).reshape(len(images), -1)


def normalized(x):
    return (x - x.mean(0)) / jnp.sqrt(x.var(0) + 1e-5)


def dropped(x):
    """Drop some numbers, by a key that is the same every time, but not in every precision."""
    return jnp.where(jax.random.normal(jax.random.key(0), x.shape, x.dtype) > 0, x, 0)
