"""Models of Equinox, as users have them."""

import equinox as eqx
import jax


class Net(eqx.Module):
    layers: list
    dropout: eqx.nn.Dropout

    def __init__(self, key):
        one, two = jax.random.split(key)
        self.layers = [eqx.nn.Linear(5, 4, key=one), eqx.nn.Linear(4, 3, key=two)]
        self.dropout = eqx.nn.Dropout(0.5)

    def __call__(self, x, *, key=None):
        return self.layers[1](self.dropout(jax.nn.relu(self.layers[0](x)), key=key))


class Tokens(eqx.Module):
    embed: eqx.nn.Embedding
    out: eqx.nn.Linear

    def __init__(self, key):
        one, two = jax.random.split(key)
        self.embed = eqx.nn.Embedding(7, 3, key=one)
        self.out = eqx.nn.Linear(3, 4, key=two)

    def __call__(self, x):
        return self.out(jax.vmap(self.embed)(x).mean(0))
