"""The small GPT in plain TensorFlow: tf.Module, tf.nn, tf.GradientTape and tf.function.

B texts have T tokens, each token D numbers, split among H heads. Kernels are (inputs, outputs).
"""

import tensorflow as tf

FRAMEWORK = "tensorflow"
HEADS, BLOCKS = 2, 2


class Norm(tf.Module):
    def __init__(self, weights, name):
        super().__init__()
        self.scale = tf.Variable(weights[f"{name}.weight"])
        self.offset = tf.Variable(weights[f"{name}.bias"])

    def __call__(self, x):
        mean, variance = tf.nn.moments(x, [2], keepdims=True)  # of each vector
        return tf.nn.batch_normalization(x, mean, variance, self.offset, self.scale, 1e-5)


class Linear(tf.Module):
    def __init__(self, weights, name):
        super().__init__()
        self.kernel = tf.Variable(tf.transpose(weights[f"{name}.weight"]))  # (inputs, outputs)
        self.bias = tf.Variable(weights[f"{name}.bias"])

    def __call__(self, x):
        return x @ self.kernel + self.bias


class Attention(tf.Module):
    def __init__(self, weights, name):
        super().__init__()
        self.qkv = tf.Variable(tf.transpose(weights[f"{name}.qkv.weight"]))  # (D, 3 D)
        self.out = tf.Variable(tf.transpose(weights[f"{name}.out.weight"]))  # (D, D)

    def __call__(self, x):
        T, D = x.shape[1:]
        heads = tf.reshape(x @ self.qkv, [-1, T, 3, HEADS, D // HEADS])
        q, k, v = tf.unstack(tf.transpose(heads, [2, 0, 3, 1, 4]))  # (B, H, T, D / H) each
        scores = tf.matmul(q, k, transpose_b=True) / (D // HEADS) ** 0.5  # (B, H, T, T)
        causal = tf.linalg.band_part(tf.ones([T, T], tf.bool), -1, 0)  # on and below the diagonal
        shares = tf.nn.softmax(tf.where(causal, scores, float("-inf")))
        mixed = tf.transpose(shares @ v, [0, 2, 1, 3])  # -> (B, T, H, D / H)
        return tf.reshape(mixed, [-1, T, D]) @ self.out


class Block(tf.Module):
    def __init__(self, weights, name):
        super().__init__()
        self.norm1 = Norm(weights, f"{name}.norm1")
        self.attention = Attention(weights, f"{name}.attention")
        self.norm2 = Norm(weights, f"{name}.norm2")
        self.up = Linear(weights, f"{name}.up")
        self.down = Linear(weights, f"{name}.down")

    def __call__(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.down(gelu(self.up(self.norm2(x))))


class GPT(tf.Module):
    def __init__(self, weights):
        super().__init__()
        self.tokens = tf.Variable(weights["tokens.weight"])
        self.positions = tf.Variable(weights["positions.weight"])
        self.blocks = [Block(weights, f"blocks.{i}") for i in range(BLOCKS)]
        self.norm = Norm(weights, "norm")

    def __call__(self, x):
        x = tf.gather(self.tokens, x) + self.positions  # (B, T) -> (B, T, D)
        for block in self.blocks:
            x = block(x)
        head = tf.transpose(self.tokens)
        return self.norm(x) @ head  # -> (B, T, TOKENS), logits


class AdamW(tf.Module):
    """AdamW as PyTorch has it; Keras' adds its epsilon before the bias is corrected."""

    def __init__(self, variables, learning_rate):
        super().__init__()
        self.weights, self.learning_rate = variables, learning_rate
        self.m = [tf.Variable(tf.zeros_like(variable)) for variable in variables]
        self.v = [tf.Variable(tf.zeros_like(variable)) for variable in variables]
        self.t = tf.Variable(tf.zeros([], variables[0].dtype))

    def apply(self, grads):
        """Move the variables by one step; matrices decay, but norms and biases do not."""
        self.t.assign_add(1)
        for variable, grad, m, v in zip(self.weights, grads, self.m, self.v, strict=True):
            if variable.shape.rank == 2:
                variable.assign((1 - 0.1 * self.learning_rate) * variable)
            m.assign(0.9 * m + 0.1 * grad)
            v.assign(0.999 * v + 0.001 * tf.square(grad))
            mean, square = m / (1 - 0.9**self.t), v / (1 - 0.999**self.t)
            variable.assign_sub(self.learning_rate * mean / (tf.sqrt(square) + 1e-8))


def gelu(z):
    """Return z times the normal distribution's share below it.

    tf.nn.gelu is the same, but rounds the root of 2 to float32 whatever the precision of z.
    """
    return z * (1 + tf.math.erf(z * 0.5**0.5)) / 2


def build(weights):
    """Return the model, a tf.Module with a copy of the weights."""
    return GPT(weights)


def forward(model, x):
    """Return the logits (B, T, TOKENS) of what is next at each position."""
    return model(x)


def loss(model, x, y):
    """Return the mean cross-entropy where an answer is due; where none is, y is -100."""
    due = y != -100
    labels, logits = tf.boolean_mask(y, due), tf.boolean_mask(model(x), due)
    return tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    )


def loss_and_gradients(model, x, y):
    """Return the loss and, from the tape of its forward pass, its gradients."""
    with tf.GradientTape() as tape:
        value = loss(model, x, y)
    return value, tape.gradient(value, model.trainable_variables)


def gradients(model, x, y):
    """Return d loss / d weights by the tape, in PyTorch's names and layout."""
    _, grads = loss_and_gradients(model, x, y)
    by_variable = {v.ref(): grad for v, grad in zip(model.trainable_variables, grads, strict=True)}
    return to_torch(model, lambda variable: by_variable[variable.ref()])


def train(model, x, y, schedule, learning_rate):
    """Take one step of AdamW per batch; return the model and its losses (steps,)."""
    optimizer = AdamW(model.trainable_variables, learning_rate)

    @tf.function
    def train_step(x, y):
        value, grads = loss_and_gradients(model, x, y)
        optimizer.apply(grads)
        return value

    losses = [train_step(tf.gather(x, rows), tf.gather(y, rows)) for rows in schedule]
    return model, tf.stack(losses)


def solved(model, x, y):
    """Return the fraction of sums of which every digit is the likeliest."""
    right = (tf.argmax(forward(model, x), axis=2) == y) | (y == -100)
    return tf.reduce_mean(tf.cast(tf.reduce_all(right, axis=1), tf.float32))


def to_torch(model, value_of=tf.identity):
    """Return a value for each weight, its own or its gradient, in PyTorch's names and layout."""
    named = {
        "tokens.weight": value_of(model.tokens),
        "positions.weight": value_of(model.positions),
    }

    def add_norm(name, norm):
        named[f"{name}.weight"] = value_of(norm.scale)
        named[f"{name}.bias"] = value_of(norm.offset)

    for i, block in enumerate(model.blocks):
        name, attention = f"blocks.{i}", block.attention
        named[f"{name}.attention.qkv.weight"] = tf.transpose(value_of(attention.qkv))
        named[f"{name}.attention.out.weight"] = tf.transpose(value_of(attention.out))
        for kind, linear in (("up", block.up), ("down", block.down)):
            named[f"{name}.{kind}.weight"] = tf.transpose(value_of(linear.kernel))
            named[f"{name}.{kind}.bias"] = value_of(linear.bias)
        add_norm(f"{name}.norm1", block.norm1)
        add_norm(f"{name}.norm2", block.norm2)
    add_norm("norm", model.norm)
    return named


def export(model):
    """Return the weights, in PyTorch's names and layout."""
    return to_torch(model)


if __name__ == "__main__":
    import data

    sums = data.load(tf.constant)
    model = build(sums.weights)
    model, losses = train(model, sums.x, sums.y, sums.schedule, sums.learning_rate)
    data.report(losses, solved(model, sums.x_test, sums.y_test))
