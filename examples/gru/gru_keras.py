"""The GRU in Keras: a functional model, and a training loop of one's own.

Kernels are (inputs, outputs) here, the gates beside one another in another order: z, r, h, where h
is PyTorch's n. The two biases are the rows of one array (2, 96).
"""

import keras
import tensorflow as tf
from keras import ops

FRAMEWORK = "tensorflow"
CLIP = 0.2


class Adam(keras.optimizers.Optimizer):
    """Adam as PyTorch and the paper's Algorithm 1 have it, after clipping as PyTorch does it.

    keras.optimizers.Adam adds its epsilon before the bias of the squares is corrected: over the
    first steps that is as if PyTorch's were up to 32 times as large. Its global_clipnorm divides by
    the length of the gradients alone, to which PyTorch adds 1e-6.
    """

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-8, name="adam"):
        super().__init__(learning_rate=learning_rate, name=name)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def build(self, variables):
        super().build(variables)
        self.m = [self.add_variable_from_reference(v, name="m") for v in variables]
        self.v = [self.add_variable_from_reference(v, name="v") for v in variables]

    def apply(self, grads, trainable_variables=None):
        grads = [tf.convert_to_tensor(grad) for grad in grads]  # fit has an embedding's by its rows
        length = ops.sqrt(sum(ops.sum(ops.square(grad)) for grad in grads))
        scale = ops.minimum(CLIP / (length + 1e-6), 1)
        super().apply([grad * scale for grad in grads], trainable_variables)

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        m, v = self.m[index], self.v[index]
        step = ops.cast(self.iterations + 1, variable.dtype)
        m.assign(self.beta_1 * m + (1 - self.beta_1) * gradient)
        v.assign(self.beta_2 * v + (1 - self.beta_2) * ops.square(gradient))
        mean = m / (1 - ops.power(self.beta_1, step))
        square = v / (1 - ops.power(self.beta_2, step))
        variable.assign_sub(learning_rate * mean / (ops.sqrt(square) + self.epsilon))


def build(weights):
    """Return the model, with a copy of the weights."""
    inputs = keras.Input((None,), dtype="int64")
    embed = keras.layers.Embedding(8, 8, name="embed")(inputs)  # (B, T) -> (B, T, 8)
    # reset_after=True, the default, is PyTorch's GRU; False is that of the paper, with one bias.
    gru = keras.layers.GRU(32, return_sequences=True, reset_after=True, name="gru")(embed)
    outputs = keras.layers.Dense(8, name="fc")(gru[:, -1])  # (B, 32) -> (B, 8), logits
    model = keras.Model(inputs, outputs)
    for variable, value in zip(model.weights, from_torch(weights), strict=True):
        variable.assign(value)
    return model


def swapped(value):
    """Return a value whose first two gates, along its last axis, have changed places."""
    first, second, last = ops.split(value, 3, axis=-1)
    return ops.concatenate([second, first, last], axis=-1)


def from_torch(weights):
    """Return weights in the order of Keras' variables, and in their layout."""
    biases = ops.stack([weights["gru.bias_ih_l0"], weights["gru.bias_hh_l0"]])
    return [
        weights["embed.weight"],
        swapped(ops.transpose(weights["gru.weight_ih_l0"])),  # (96, 8) -> (8, 96), r z n -> z r h
        swapped(ops.transpose(weights["gru.weight_hh_l0"])),  # (96, 32) -> (32, 96)
        swapped(biases),  # (2, 96), that of the input first
        ops.transpose(weights["fc.weight"]),  # (8, 32) -> (32, 8)
        weights["fc.bias"],
    ]


def to_torch(values):
    """Return weights, or their gradients, in PyTorch's names and layout."""
    embed, kernel, recurrent_kernel, biases, fc, fc_bias = map(ops.convert_to_tensor, values)
    bias_i, bias_h = ops.unstack(swapped(biases))
    return {
        "embed.weight": embed,
        "gru.weight_ih_l0": ops.transpose(swapped(kernel)),
        "gru.weight_hh_l0": ops.transpose(swapped(recurrent_kernel)),
        "gru.bias_ih_l0": bias_i,
        "gru.bias_hh_l0": bias_h,
        "fc.weight": ops.transpose(fc),
        "fc.bias": fc_bias,
    }


def layers(model, x):
    """Return what each layer gives out, of the GRU all states."""
    outputs = {name: model.get_layer(name).output for name in ("embed", "gru", "fc")}
    return keras.Model(model.inputs, outputs)(x)


def forward(model, x):
    """Return the logits (B, 8)."""
    return model(x)


def loss(model, x, y):
    """Return the mean cross-entropy in nats."""
    return ops.mean(keras.losses.sparse_categorical_crossentropy(y, model(x), from_logits=True))


def loss_and_gradients(model, x, y):
    """Return the loss and, from the tape of its forward pass, its gradients."""
    with tf.GradientTape() as tape:
        value = loss(model, x, y)
    grads = tape.gradient(value, model.trainable_variables)
    # The gradient of what is looked up holds rows and their numbers, until it is made an array.
    return value, list(map(tf.convert_to_tensor, grads))


def gradients(model, x, y):
    """Return d loss / d weights by the tape, not clipped, in PyTorch's names and layout."""
    return to_torch(loss_and_gradients(model, x, y)[1])


def train(model, x, y, schedule, learning_rate):
    """Take one step of Adam per batch; return the model and its losses (steps,)."""
    optimizer = Adam(learning_rate)

    @tf.function
    def train_step(x, y):
        value, grads = loss_and_gradients(model, x, y)
        optimizer.apply(grads, model.trainable_variables)
        return value

    losses = [train_step(tf.gather(x, rows), tf.gather(y, rows)) for rows in schedule]
    return model, ops.stack(losses)


def accuracy(model, x, y):
    """Return the fraction of sequences whose largest logit is that of their first symbol."""
    logits = forward(model, x)
    return ops.mean(ops.cast(ops.equal(ops.argmax(logits, axis=1), y), logits.dtype))


def export(model):
    """Return the weights, in PyTorch's names and layout."""
    return to_torch(model.weights)


if __name__ == "__main__":
    import data

    recall = data.load(tf.constant)
    model = build(recall.weights)
    model, losses = train(model, recall.x, recall.y, recall.schedule, recall.learning_rate)
    data.report(losses, accuracy(model, recall.x_test, recall.y_test))
