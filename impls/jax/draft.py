"""What a reference that is drafted must know of a user's model in Flax NNX or Equinox."""

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from shared.drafts import observed

KIND = "a module of Flax NNX or of Equinox"
# What constructors take that users leave to the framework: as it is written, and how it is made.
GIVEN = {
    "rngs": ("nnx.Rngs(0)", lambda: sys.modules["flax.nnx"].Rngs(0)),
    "key": ("jax.random.key(0)", lambda: jax.random.key(0)),
}
SIDE = 32  # of an image, where nothing says how large it is


def model_of(value):
    """Return a value as a model, None if it is none."""
    nnx, eqx = (sys.modules.get(name) for name in ("flax.nnx", "equinox"))
    if nnx and isinstance(value, nnx.Module):
        return Flax(value)
    if eqx and isinstance(value, eqx.Module):
        return Equinox(value)
    return None


def begin(seed):
    """Do nothing: what is drawn follows from the keys that models are given."""


class Flax:
    """A module of Flax NNX."""

    template = Path(__file__).with_name("draft_flax.toml")

    def __init__(self, module):
        from flax import nnx

        self.nnx, self.module = nnx, module

    def weights(self):
        """Return all parameters and statistics by path, as NumPy arrays."""
        state = self.nnx.state(self.module, self.nnx.Not(self.nnx.RngState))
        flat = self.nnx.to_flat_state(state)
        return {".".join(map(str, path)): np.array(variable[...]) for path, variable in flat}

    def shape(self):
        """Return the shape of one example, as the first layer has it, or None."""
        nnx = self.nnx
        for _, layer in nnx.iter_modules(self.module):
            if isinstance(layer, nnx.Linear):
                return (layer.in_features,)
            if isinstance(layer, nnx.Conv) and len(layer.kernel_size) <= 2:
                return (*[SIDE] * len(layer.kernel_size), layer.in_features)
        return None

    def symbols(self):
        """Return how many symbols there are, if the first layer looks them up, or None."""
        nnx = self.nnx
        layers = (layer for _, layer in nnx.iter_modules(self.module))
        first = next((e for e in layers if isinstance(e, nnx.Embed | nnx.Linear | nnx.Conv)), None)
        return first.num_embeddings if isinstance(first, nnx.Embed) else None

    def mode(self, x):
        """Return what the model does while it is trained."""
        return observed(self.run, self.weights, x)

    def run(self, x, training=False):
        """Return the outputs on some rows, (rows, ...)."""
        if training:
            self.module.train()
        else:
            self.module.eval()
        return _array(self.module(jnp.asarray(x)))

    def fields(self, table):
        """Return what else stands in the template."""
        return {}


class Equinox:
    """A module of Equinox, which takes one example."""

    template = Path(__file__).with_name("draft_equinox.toml")

    def __init__(self, module):
        import equinox

        self.eqx, self.module = equinox, module

    def weights(self):
        """Return all parameters by path, as NumPy arrays."""
        params = self.eqx.filter(self.module, self.eqx.is_inexact_array)
        return {
            jax.tree_util.keystr(path, simple=True, separator="."): np.array(leaf)
            for path, leaf in jax.tree.leaves_with_path(params)
        }

    def shape(self):
        """Return the shape of one example, as the first layer has it, or None."""
        nn = self.eqx.nn
        layers = jax.tree.leaves(
            self.module, is_leaf=lambda part: isinstance(part, nn.Linear | nn.Conv)
        )
        for layer in layers:
            if isinstance(layer, nn.Linear):
                return () if layer.in_features == "scalar" else (layer.in_features,)
            if isinstance(layer, nn.Conv) and layer.num_spatial_dims <= 2:
                return (layer.in_channels, *[SIDE] * layer.num_spatial_dims)
        return None

    def symbols(self):
        """Return how many symbols there are, if the first layer looks them up, or None."""
        nn = self.eqx.nn
        kinds = nn.Embedding | nn.Linear | nn.Conv
        leaves = jax.tree.leaves(self.module, is_leaf=lambda part: isinstance(part, kinds))
        first = next((leaf for leaf in leaves if isinstance(leaf, kinds)), None)
        return first.num_embeddings if isinstance(first, nn.Embedding) else None

    def mode(self, x):
        """Return whether anything in the model is to be switched off where it is not trained."""
        switched = self.eqx.nn.inference_mode(self.module)
        return "same" if self.eqx.tree_equal(self.module, switched) else "draws"

    def run(self, x):
        """Return the outputs on some rows, (rows, ...)."""
        module = self.eqx.nn.inference_mode(self.module)
        return _array(jax.vmap(module)(jnp.asarray(x)))

    def fields(self, table):
        """Return what else stands in the template."""
        return {}


def _array(outputs):
    """Return outputs as a NumPy array, if they are one."""
    return np.asarray(outputs) if isinstance(outputs, jax.Array) else outputs
