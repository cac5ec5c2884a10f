"""The convolutional net in plain TensorFlow: tf.Module, tf.nn, tf.GradientTape and tf.function.

Images are (B, height, width, channels) here, and kernels (height, width, inputs, outputs).
"""

import tensorflow as tf

FRAMEWORK = "tensorflow"


class BatchNorm(tf.Module):
    def __init__(self, scale, offset, mean, variance):
        super().__init__()
        self.scale, self.offset = tf.Variable(scale), tf.Variable(offset)
        self.mean = tf.Variable(mean, trainable=False)
        self.variance = tf.Variable(variance, trainable=False)

    def __call__(self, x, training):
        mean, variance = self.mean, self.variance
        if training:
            mean, variance = tf.nn.moments(x, [0, 1, 2])
            n = tf.cast(tf.size(x) / tf.size(mean), x.dtype)
            self.mean.assign(0.9 * self.mean + 0.1 * mean)  # momentum=0.1 in PyTorch
            # PyTorch's running variance is over n - 1; what is normalised by is over n.
            self.variance.assign(0.9 * self.variance + 0.1 * variance * n / (n - 1))
        return tf.nn.batch_normalization(x, mean, variance, self.offset, self.scale, 1e-5)


class ConvNet(tf.Module):
    def __init__(self, weights):
        super().__init__()
        self.conv1 = tf.Variable(conv_kernel(weights["conv1.weight"]))  # (5, 5, 1, 16)
        self.norm1 = BatchNorm(*norm_weights(weights, "norm1"))
        self.conv2 = tf.Variable(conv_kernel(weights["conv2.weight"]))  # (3, 3, 16, 32)
        self.norm2 = BatchNorm(*norm_weights(weights, "norm2"))
        self.fc_kernel = tf.Variable(fc_kernel(weights["fc.weight"]))  # (288, 10)
        self.fc_bias = tf.Variable(weights["fc.bias"])

    def __call__(self, x, training):
        """Return what each layer gives out, the logits (B, 10) last."""
        x = tf.reshape(x, [-1, 28, 28, 1])  # (B, 784) -> (B, 28, 28, 1)
        # "SAME" would pad a stride of 2 on one side more than on the other.
        pads = [[0, 0], [2, 2], [2, 2], [0, 0]]
        conv1 = tf.nn.conv2d(x, self.conv1, strides=2, padding=pads)  # -> (B, 14, 14, 16)
        norm1 = self.norm1(conv1, training)
        pool1 = tf.nn.max_pool2d(gelu(norm1), 2, 2, "VALID")  # -> (B, 7, 7, 16)
        conv2 = tf.nn.conv2d(pool1, self.conv2, strides=1, padding="SAME")  # -> (B, 7, 7, 32)
        norm2 = self.norm2(conv2, training)
        pool2 = tf.nn.max_pool2d(gelu(norm2), 2, 2, "VALID")  # -> (B, 3, 3, 32)
        fc = tf.matmul(tf.reshape(pool2, [-1, 288]), self.fc_kernel) + self.fc_bias  # -> (B, 10)
        return {
            "conv1": conv1,
            "norm1": norm1,
            "pool1": pool1,
            "conv2": conv2,
            "norm2": norm2,
            "pool2": pool2,
            "fc": fc,
        }


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


def gelu(z):
    """Return z times the normal distribution's share below it.

    tf.nn.gelu is the same, but rounds the root of 2 to float32 whatever the precision of z.
    """
    return z * (1 + tf.math.erf(z * 0.5**0.5)) / 2


def conv_kernel(weight):
    """Return a kernel (H, W, I, O) from PyTorch's weight (O, I, H, W)."""
    return tf.transpose(weight, [2, 3, 1, 0])


def fc_kernel(weight):
    """Return a kernel (288, 10) for inputs that are flattened channels last, not first."""
    return tf.reshape(tf.transpose(tf.reshape(weight, [10, 32, 3, 3]), [2, 3, 1, 0]), [288, 10])


def norm_weights(weights, name):
    """Return scale, offset, mean and variance of a BatchNorm."""
    return [weights[f"{name}.{kind}"] for kind in ("weight", "bias", "running_mean", "running_var")]


def build(weights):
    """Return the model, a tf.Module with a copy of the weights."""
    return ConvNet(weights)


def layers(model, x):
    """Return what each layer gives out at inference, in PyTorch's layout."""
    return {
        name: tf.transpose(value, [0, 3, 1, 2]) if value.shape.rank == 4 else value
        for name, value in model(x, training=False).items()
    }


def forward(model, x):
    """Return the logits (B, 10) at inference, where BatchNorm takes its running statistics."""
    return model(x, training=False)["fc"]


def loss(model, x, y):
    """Return the mean cross-entropy in training, where BatchNorm takes those of the batch."""
    logits = model(x, training=True)["fc"]
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))


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
    """Take one step of Adam per batch; return the model and its losses (steps,)."""
    optimizer = Adam(model.trainable_variables, learning_rate)

    @tf.function
    def train_step(x, y):
        value, grads = loss_and_gradients(model, x, y)
        optimizer.apply(grads)
        return value

    losses = [train_step(tf.gather(x, rows), tf.gather(y, rows)) for rows in schedule]
    return model, tf.stack(losses)


def accuracy(model, x, y):
    """Return the fraction of images whose largest logit is that of the right digit."""
    return tf.reduce_mean(tf.cast(tf.equal(tf.argmax(forward(model, x), axis=1), y), x.dtype))


def to_torch(model, value_of=tf.identity):
    """Return a value for each weight, its own or its gradient, in PyTorch's names and layout."""
    kernel = tf.reshape(value_of(model.fc_kernel), [3, 3, 32, 10])
    named = {
        "fc.weight": tf.reshape(tf.transpose(kernel, [3, 2, 0, 1]), [10, 288]),
        "fc.bias": value_of(model.fc_bias),
    }
    for name, kernel in (("conv1", model.conv1), ("conv2", model.conv2)):
        named[f"{name}.weight"] = tf.transpose(value_of(kernel), [3, 2, 0, 1])
    for name, norm in (("norm1", model.norm1), ("norm2", model.norm2)):
        named[f"{name}.weight"] = value_of(norm.scale)
        named[f"{name}.bias"] = value_of(norm.offset)
    return named


def export(model):
    """Return the weights and BatchNorm's running statistics, in PyTorch's names and layout."""
    running = {}
    for name, norm in (("norm1", model.norm1), ("norm2", model.norm2)):
        running[f"{name}.running_mean"] = tf.identity(norm.mean)
        running[f"{name}.running_var"] = tf.identity(norm.variance)
    return to_torch(model) | running


if __name__ == "__main__":
    import data

    mnist = data.load(tf.constant)
    model = build(mnist.weights)
    model, losses = train(model, mnist.x, mnist.y, mnist.schedule, mnist.learning_rate)
    data.report(losses, accuracy(model, mnist.x_test, mnist.y_test))
