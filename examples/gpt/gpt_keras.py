"""The small GPT in Keras: a Model of one's own, MultiHeadAttention, and a training loop.

B texts have T tokens, each token D numbers, split among H heads. Kernels are (inputs, outputs).
"""

import keras
import tensorflow as tf
from keras import ops

FRAMEWORK = "tensorflow"
TOKENS, T, D, HEADS, BLOCKS = 12, 8, 32, 2, 2


class AdamW(keras.optimizers.Optimizer):
    """AdamW as PyTorch and the paper have it; matrices decay, but norms and biases do not.

    keras.optimizers.AdamW adds its epsilon before the bias of the squares is corrected: over the
    first steps that is as if PyTorch's were up to 32 times as large. The decay is made here, since
    a weight_decay of 0.1 that is given to an Optimizer is rounded to float32, always.
    """

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-8, name="adamw"):
        super().__init__(learning_rate=learning_rate, name=name)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def build(self, variables):
        super().build(variables)
        self.m = [self.add_variable_from_reference(v, name="m") for v in variables]
        self.v = [self.add_variable_from_reference(v, name="v") for v in variables]

    def update_step(self, gradient, variable, learning_rate):
        gradient = tf.convert_to_tensor(gradient)  # fit has an embedding's by its rows
        index = self._get_variable_index(variable)
        m, v = self.m[index], self.v[index]
        step = ops.cast(self.iterations + 1, variable.dtype)
        m.assign(self.beta_1 * m + (1 - self.beta_1) * gradient)
        v.assign(self.beta_2 * v + (1 - self.beta_2) * ops.square(gradient))
        mean = m / (1 - ops.power(self.beta_1, step))
        square = v / (1 - ops.power(self.beta_2, step))
        if len(variable.shape) > 1:
            variable.assign(variable * (1 - 0.1 * learning_rate))
        variable.assign_sub(learning_rate * mean / (ops.sqrt(square) + self.epsilon))


def gelu(z):
    """Return z times the normal distribution's share below it.

    keras.activations.gelu calls tf.nn.gelu, which rounds the root of 2 to float32, always.
    """
    return z * (1 + ops.erf(z * 0.5**0.5)) / 2


class Block(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.norm1 = keras.layers.LayerNormalization(epsilon=1e-5)  # Keras' own epsilon is 1e-3
        # Its scale, 1 / sqrt(D / H), is rounded to float32, always, which 1 / sqrt(16) survives.
        self.attention = keras.layers.MultiHeadAttention(HEADS, D // HEADS, use_bias=False)
        self.norm2 = keras.layers.LayerNormalization(epsilon=1e-5)
        self.up = keras.layers.Dense(4 * D, activation=gelu)
        self.down = keras.layers.Dense(D)

    def call(self, x):
        h = self.norm1(x)
        x = x + self.attention(h, h, use_causal_mask=True)
        return x + self.down(self.up(self.norm2(x)))


class GPT(keras.Model):
    def __init__(self):
        super().__init__()
        self.tokens = keras.layers.Embedding(TOKENS, D)
        self.positions = keras.layers.Embedding(T, D)
        self.blocks = [Block() for _ in range(BLOCKS)]
        self.norm = keras.layers.LayerNormalization(epsilon=1e-5)

    def call(self, x):
        x = self.tokens(x) + self.positions(ops.arange(T))  # (B, T) -> (B, T, D)
        for block in self.blocks:
            x = block(x)
        head = ops.transpose(self.tokens.embeddings)
        return ops.matmul(self.norm(x), head)  # -> (B, T, TOKENS), logits


def build(weights):
    """Return the model, with a copy of the weights."""
    model = GPT()
    model(ops.zeros((1, T), "int64"))  # Keras makes the weights when it sees the first input
    for name, variables in named(model).items():
        parts = ops.split(weights[name], len(variables))  # (3 D, D) -> (D, D) each
        for variable, part in zip(variables, parts, strict=True):
            kernel = part if "embeddings" in variable.path else ops.transpose(part)
            variable.assign(ops.reshape(kernel, variable.shape))  # kernels have an axis of heads
    return model


def named(model):
    """Return the variables by PyTorch's names; queries, keys and values are one matrix there."""

    def norm(name, layer):
        return {f"{name}.weight": [layer.gamma], f"{name}.bias": [layer.beta]}

    def dense(name, layer):
        return {f"{name}.weight": [layer.kernel], f"{name}.bias": [layer.bias]}

    variables = {
        "tokens.weight": [model.tokens.embeddings],
        "positions.weight": [model.positions.embeddings],
    }
    for i, block in enumerate(model.blocks):
        query, key, value, out = block.attention.trainable_variables
        variables[f"blocks.{i}.attention.qkv.weight"] = [query, key, value]
        variables[f"blocks.{i}.attention.out.weight"] = [out]
        variables |= norm(f"blocks.{i}.norm1", block.norm1) | norm(f"blocks.{i}.norm2", block.norm2)
        variables |= dense(f"blocks.{i}.up", block.up) | dense(f"blocks.{i}.down", block.down)
    return variables | norm("norm", model.norm)


def to_torch(model, value_of=ops.convert_to_tensor):
    """Return a value for each weight, its own or its gradient, in PyTorch's names and layout."""

    def turned(variable):
        value = value_of(variable)
        if "embeddings" in variable.path:
            return value
        if value.ndim == 3:  # (D, H, D / H), or (H, D / H, D)
            value = ops.reshape(value, (D, D))
        return ops.transpose(value)

    return {n: ops.concatenate([turned(v) for v in vs]) for n, vs in named(model).items()}


def forward(model, x):
    """Return the logits (B, T, TOKENS) of what is next at each position."""
    return model(x)


def loss(model, x, y):
    """Return the mean cross-entropy where an answer is due; where none is, y is -100."""
    # The function of the same name has a mean over all tokens, those that are ignored among them.
    mean = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-100)
    return mean(y, model(x))


def loss_and_gradients(model, x, y):
    """Return the loss and, from the tape of its forward pass, its gradients."""
    with tf.GradientTape() as tape:
        value = loss(model, x, y)
    grads = tape.gradient(value, model.trainable_variables)
    return value, [tf.convert_to_tensor(grad) for grad in grads]  # an embedding's is by its rows


def gradients(model, x, y):
    """Return d loss / d weights by the tape, in PyTorch's names and layout."""
    _, grads = loss_and_gradients(model, x, y)
    of = {v.path: grad for v, grad in zip(model.trainable_variables, grads, strict=True)}
    return to_torch(model, lambda variable: of[variable.path])


def train(model, x, y, schedule, learning_rate):
    """Take one step of AdamW per batch; return the model and its losses (steps,)."""
    optimizer = AdamW(learning_rate)

    @tf.function
    def train_step(x, y):
        value, grads = loss_and_gradients(model, x, y)
        optimizer.apply(grads, model.trainable_variables)
        return value

    losses = [train_step(tf.gather(x, rows), tf.gather(y, rows)) for rows in schedule]
    return model, ops.stack(losses)


def solved(model, x, y):
    """Return the fraction of sums of which every digit is the likeliest."""
    right = (ops.argmax(forward(model, x), axis=2) == y) | (y == -100)
    return ops.mean(ops.cast(ops.all(right, axis=1), "float32"))


def export(model):
    """Return the weights, in PyTorch's names and layout."""
    return to_torch(model)


if __name__ == "__main__":
    import data

    sums = data.load(tf.constant)
    model = build(sums.weights)
    model, losses = train(model, sums.x, sums.y, sums.schedule, sums.learning_rate)
    data.report(losses, solved(model, sums.x_test, sums.y_test))
