"""What a reference that is drafted must know of a user's model in Keras."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from shared.drafts import observed

KIND = "a model or a layer of Keras"
GIVEN = {}  # constructors take nothing that users leave to the framework


def model_of(value):
    """Return a value as a model, None if it is none."""
    return Model(value) if isinstance(value, tf.keras.layers.Layer) else None


def begin(seed):
    """Let what is drawn from now on follow from a seed, and names count from the first again."""
    tf.keras.utils.clear_session()
    tf.keras.utils.set_random_seed(seed)


class Model:
    """A model or a layer of Keras."""

    template = Path(__file__).with_name("draft.toml")

    def __init__(self, layer):
        self.layer = layer
        self.whole = layer.built  # by its constructor, before it has seen any rows

    def weights(self):
        """Return all weights by path, as NumPy arrays."""
        return {variable.path: np.array(variable) for variable in self.layer.weights}

    def shape(self):
        """Return the shape of one example, if it is declared, or None."""
        declared = getattr(self.layer, "inputs", None) or []
        shape = declared[0].shape[1:] if len(declared) == 1 else (None,)
        return None if None in shape else tuple(shape)

    def symbols(self):
        """Return how many symbols there are, if the first layer looks them up, or None."""
        layers = self.layer._flatten_layers(include_self=False)
        first = next((each for each in layers if each.weights), None)
        return first.input_dim if isinstance(first, tf.keras.layers.Embedding) else None

    def mode(self, x):
        """Return what the model does while it is trained."""
        return observed(self.run, self.weights, x)

    def run(self, x, training=False):
        """Return the outputs on some rows, (rows, ...)."""
        outputs = self.layer(x, training=training)
        return outputs.numpy() if tf.is_tensor(outputs) else outputs

    def fields(self, table):
        """Return what else stands in the template."""
        return {"called": ""} if self.whole else {}
