"""The GRU in plain TensorFlow: tf.Module, tf.while_loop over time, tf.GradientTape, tf.function.

Kernels are (inputs, outputs) here, the gates r, z and n beside one another.
"""

import tensorflow as tf

FRAMEWORK = "tensorflow"
CLIP = 0.2


class Recall(tf.Module):
    def __init__(self, weights):
        super().__init__()
        self.embed = tf.Variable(weights["embed.weight"])  # (8, 8)
        self.kernel_i = tf.Variable(tf.transpose(weights["gru.weight_ih_l0"]))  # (8, 96)
        self.bias_i = tf.Variable(weights["gru.bias_ih_l0"])
        self.kernel_h = tf.Variable(tf.transpose(weights["gru.weight_hh_l0"]))  # (32, 96)
        self.bias_h = tf.Variable(weights["gru.bias_hh_l0"])
        self.fc_kernel = tf.Variable(tf.transpose(weights["fc.weight"]))  # (32, 8)
        self.fc_bias = tf.Variable(weights["fc.bias"])

    def cell(self, x, h):
        """Return the next state (B, 32) from an input x (B, 8) and a state h (B, 32)."""
        i = tf.matmul(x, self.kernel_i) + self.bias_i  # (B, 96)
        g = tf.matmul(h, self.kernel_h) + self.bias_h  # (B, 96)
        (ir, iz, i_n), (hr, hz, hn) = tf.split(i, 3, axis=1), tf.split(g, 3, axis=1)
        r, z = tf.sigmoid(ir + hr), tf.sigmoid(iz + hz)
        n = tf.tanh(i_n + r * hn)  # r after the product, whose bias is in it
        return (1 - z) * n + z * h

    def gru(self, x):
        """Return all states (B, T, 32) from inputs x (B, T, 8)."""
        length = tf.shape(x)[1]

        def step(t, h, states):
            h = self.cell(x[:, t], h)
            return t + 1, h, states.write(t, h)

        first = tf.zeros([tf.shape(x)[0], self.kernel_h.shape[0]], x.dtype)
        states = tf.TensorArray(x.dtype, length, element_shape=[None, self.kernel_h.shape[0]])
        _, _, states = tf.while_loop(lambda t, *_: t < length, step, [0, first, states])
        return tf.transpose(states.stack(), [1, 0, 2])  # (T, B, 32) -> (B, T, 32)

    def __call__(self, x):
        """Return what each layer gives out, the logits (B, 8) last."""
        embed = tf.gather(self.embed, x)  # (B, T) -> (B, T, 8)
        gru = self.gru(embed)  # -> (B, T, 32)
        fc = tf.matmul(gru[:, -1], self.fc_kernel) + self.fc_bias  # (B, 32) -> (B, 8)
        return {"embed": embed, "gru": gru, "fc": fc}


class Adam(tf.Module):
    """Adam, as PyTorch has it; that of Keras adds its epsilon before the bias is corrected."""

    def __init__(self, variables, learning_rate):
        super().__init__()
        self.weights, self.learning_rate = variables, learning_rate
        self.m = [tf.Variable(tf.zeros_like(variable)) for variable in variables]
        self.v = [tf.Variable(tf.zeros_like(variable)) for variable in variables]
        self.t = tf.Variable(tf.zeros([], variables[0].dtype))

    def apply(self, grads):
        """Move the variables by one step."""
        self.t.assign_add(1)
        for variable, grad, m, v in zip(self.weights, grads, self.m, self.v, strict=True):
            m.assign(0.9 * m + 0.1 * grad)
            v.assign(0.999 * v + 0.001 * tf.square(grad))
            mean, square = m / (1 - 0.9**self.t), v / (1 - 0.999**self.t)
            variable.assign_sub(self.learning_rate * mean / (tf.sqrt(square) + 1e-8))


def build(weights):
    """Return the model, a tf.Module with a copy of the weights."""
    return Recall(weights)


def layers(model, x):
    """Return what each layer gives out, of the GRU all states."""
    return model(x)


def forward(model, x):
    """Return the logits (B, 8)."""
    return model(x)["fc"]


def loss(model, x, y):
    """Return the mean cross-entropy in nats."""
    logits = forward(model, x)
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))


def loss_and_gradients(model, x, y):
    """Return the loss and, from the tape of its forward pass, its gradients."""
    with tf.GradientTape() as tape:
        value = loss(model, x, y)
    grads = tape.gradient(value, model.trainable_variables)
    # The gradient of what is gathered holds rows and their numbers, until it is made an array.
    return value, list(map(tf.convert_to_tensor, grads))


def gradients(model, x, y):
    """Return d loss / d weights by the tape, not clipped, in PyTorch's names and layout."""
    _, grads = loss_and_gradients(model, x, y)
    by_variable = {v.ref(): grad for v, grad in zip(model.trainable_variables, grads, strict=True)}
    return to_torch(model, lambda variable: by_variable[variable.ref()])


def clipped(grads):
    """Return gradients scaled as by PyTorch's clip_grad_norm_.

    It adds 1e-6 to their length; tf.clip_by_global_norm does not.
    """
    scale = tf.minimum(CLIP / (tf.linalg.global_norm(grads) + 1e-6), 1)
    return [grad * scale for grad in grads]


def train(model, x, y, schedule, learning_rate):
    """Take one step of Adam per batch; return the model and its losses (steps,)."""
    optimizer = Adam(model.trainable_variables, learning_rate)

    @tf.function
    def train_step(x, y):
        value, grads = loss_and_gradients(model, x, y)
        optimizer.apply(clipped(grads))
        return value

    losses = [train_step(tf.gather(x, rows), tf.gather(y, rows)) for rows in schedule]
    return model, tf.stack(losses)


def accuracy(model, x, y):
    """Return the fraction of sequences whose largest logit is that of their first symbol."""
    logits = forward(model, x)
    return tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, axis=1), y), logits.dtype))


def to_torch(model, value_of=tf.identity):
    """Return a value for each weight, its own or its gradient, in PyTorch's names and layout."""
    return {
        "embed.weight": value_of(model.embed),
        "gru.weight_ih_l0": tf.transpose(value_of(model.kernel_i)),
        "gru.weight_hh_l0": tf.transpose(value_of(model.kernel_h)),
        "gru.bias_ih_l0": value_of(model.bias_i),
        "gru.bias_hh_l0": value_of(model.bias_h),
        "fc.weight": tf.transpose(value_of(model.fc_kernel)),
        "fc.bias": value_of(model.fc_bias),
    }


def export(model):
    """Return the weights, in PyTorch's names and layout."""
    return to_torch(model)


if __name__ == "__main__":
    import data

    recall = data.load(tf.constant)
    model = build(recall.weights)
    model, losses = train(model, recall.x, recall.y, recall.schedule, recall.learning_rate)
    data.report(losses, accuracy(model, recall.x_test, recall.y_test))
