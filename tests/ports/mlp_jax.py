"""The same in JAX."""

import jax
import jax.numpy as jnp

FRAMEWORK = "jax"


SHAPES = {
    "0.weight": (8, 6),
    "0.bias": (8,),
    "1.weight": (8,),
    "1.bias": (8,),
    "3.weight": (3, 8),
    "3.bias": (3,),
}


def build(weights):
    if weights is not None:
        return dict(weights)
    keys = jax.random.split(jax.random.key(0), len(SHAPES))
    return {
        name: jax.random.normal(key, shape)
        for key, (name, shape) in zip(keys, SHAPES.items(), strict=True)
    }


def forward(params, x):
    h = x @ params["0.weight"].T + params["0.bias"]
    mean, variance = h.mean(1, keepdims=True), h.var(1, keepdims=True)
    h = (h - mean) / jnp.sqrt(variance + 1e-5) * params["1.weight"] + params["1.bias"]
    return jax.nn.gelu(h, approximate=False) @ params["3.weight"].T + params["3.bias"]


def loss(params, x, y):
    return -jnp.mean(jax.nn.log_softmax(forward(params, x))[jnp.arange(len(y)), y])


gradients = jax.jit(jax.grad(loss))


@jax.jit
def train(params, x, y, schedule, learning_rate):
    def step(carry, rows):
        params, m, v, count = carry
        value, grads = jax.value_and_grad(loss)(params, x[rows], y[rows])
        count += 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g**2, v, grads)
        moved = jax.tree.map(
            lambda m, v: (
                learning_rate * (m / (1 - 0.9**count)) / (jnp.sqrt(v / (1 - 0.999**count)) + 1e-8)
            ),
            m,
            v,
        )
        return (jax.tree.map(jnp.subtract, params, moved), m, v, count), value

    zeros = jax.tree.map(jnp.zeros_like, params)
    (params, *_), losses = jax.lax.scan(step, (params, zeros, zeros, 0), schedule)
    return params, losses


def accuracy(params, x, y):
    return jnp.mean(forward(params, x).argmax(1) == y, dtype=x.dtype)


def export(params):
    return params
