"""The convolutional net in Keras: a functional model, and a training loop of one's own.

Images are (B, height, width, channels) here, and kernels (height, width, inputs, outputs).
"""

import keras
import tensorflow as tf
from keras import ops

FRAMEWORK = "tensorflow"
NAMES = {  # Keras', and PyTorch's
    "conv1/kernel": "conv1.weight",
    "norm1/gamma": "norm1.weight",
    "norm1/beta": "norm1.bias",
    "norm1/moving_mean": "norm1.running_mean",
    "norm1/moving_variance": "norm1.running_var",
    "conv2/kernel": "conv2.weight",
    "norm2/gamma": "norm2.weight",
    "norm2/beta": "norm2.bias",
    "norm2/moving_mean": "norm2.running_mean",
    "norm2/moving_variance": "norm2.running_var",
    "fc/kernel": "fc.weight",
    "fc/bias": "fc.bias",
}


class BatchNormalization(keras.layers.BatchNormalization):
    """BatchNorm whose moving variance is over n - 1, as PyTorch's is; Keras' own is over n."""

    def call(self, inputs, training=False):
        kept = self.momentum * self.moving_variance
        outputs = super().call(inputs, training=training)
        if training:
            n = ops.cast(ops.size(inputs) / inputs.shape[-1], inputs.dtype)
            added = self.moving_variance - kept
            self.moving_variance.assign(kept + added * n / (n - 1))
        return outputs


class Adam(keras.optimizers.Optimizer):
    """Adam as PyTorch and the paper's Algorithm 1 have it.

    keras.optimizers.Adam adds its epsilon before the bias of the squares is corrected: over the
    first steps that is as if PyTorch's were up to 32 times as large.
    """

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-8, name="adam"):
        super().__init__(learning_rate=learning_rate, name=name)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def build(self, variables):
        super().build(variables)
        self.m = [self.add_variable_from_reference(v, name="m") for v in variables]
        self.v = [self.add_variable_from_reference(v, name="v") for v in variables]

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        m, v = self.m[index], self.v[index]
        step = ops.cast(self.iterations + 1, variable.dtype)
        m.assign(self.beta_1 * m + (1 - self.beta_1) * gradient)
        v.assign(self.beta_2 * v + (1 - self.beta_2) * ops.square(gradient))
        mean = m / (1 - ops.power(self.beta_1, step))
        square = v / (1 - ops.power(self.beta_2, step))
        variable.assign_sub(learning_rate * mean / (ops.sqrt(square) + self.epsilon))


def gelu(z):
    """Return z times the normal distribution's share below it.

    keras.activations.gelu calls tf.nn.gelu, which rounds the root of 2 to float32, always.
    """
    return z * (1 + ops.erf(z * 0.5**0.5)) / 2


def build(weights):
    """Return the model, with a copy of the weights."""
    # PyTorch's momentum of 0.1 is the share of what is new; Keras' is that of what is kept.
    norm = {"momentum": 0.9, "epsilon": 1e-5}
    inputs = keras.Input((784,))
    x = keras.layers.Reshape((28, 28, 1))(inputs)
    # padding="same" would pad a stride of 2 on one side more than on the other.
    x = keras.layers.ZeroPadding2D(2)(x)
    x = keras.layers.Conv2D(16, 5, strides=2, use_bias=False, name="conv1")(x)
    x = BatchNormalization(**norm, name="norm1")(x)  # (B, 14, 14, 16)
    x = keras.layers.Activation(gelu)(x)
    x = keras.layers.MaxPooling2D(name="pool1")(x)  # (B, 7, 7, 16)
    x = keras.layers.Conv2D(32, 3, padding="same", use_bias=False, name="conv2")(x)
    x = BatchNormalization(**norm, name="norm2")(x)  # (B, 7, 7, 32)
    x = keras.layers.Activation(gelu)(x)
    x = keras.layers.MaxPooling2D(name="pool2")(x)  # (B, 3, 3, 32)
    x = keras.layers.Flatten()(x)
    outputs = keras.layers.Dense(10, name="fc")(x)  # (B, 10), logits
    model = keras.Model(inputs, outputs)
    for variable in model.weights:
        variable.assign(from_torch(weights[NAMES[variable.path]]))
    return model


def from_torch(value):
    """Return a weight in Keras' layout."""
    if value.ndim == 4:
        return ops.transpose(value, (2, 3, 1, 0))  # (O, I, H, W) -> (H, W, I, O)
    if value.ndim == 2:  # Keras flattens channels last, so the inputs come in another order
        value = ops.transpose(ops.reshape(value, (10, 32, 3, 3)), (2, 3, 1, 0))
        return ops.reshape(value, (288, 10))
    return value


def to_torch(value):
    """Return a weight, or its gradient, in PyTorch's layout."""
    if value.ndim == 4:
        return ops.transpose(value, (3, 2, 0, 1))  # (H, W, I, O) -> (O, I, H, W)
    if value.ndim == 2:
        value = ops.transpose(ops.reshape(value, (3, 3, 32, 10)), (3, 2, 0, 1))
        return ops.reshape(value, (10, 288))
    return ops.convert_to_tensor(value)


def layers(model, x):
    """Return what each layer gives out at inference, in PyTorch's layout."""
    names = ("conv1", "norm1", "pool1", "conv2", "norm2", "pool2", "fc")
    outputs = {name: model.get_layer(name).output for name in names}
    values = keras.Model(model.inputs, outputs)(x)
    return {n: ops.transpose(v, (0, 3, 1, 2)) if v.ndim == 4 else v for n, v in values.items()}


def forward(model, x):
    """Return the logits (B, 10) at inference, where BatchNorm takes its moving statistics."""
    return model(x, training=False)


def loss(model, x, y):
    """Return the mean cross-entropy in training, where BatchNorm takes those of the batch."""
    logits = model(x, training=True)
    return ops.mean(keras.losses.sparse_categorical_crossentropy(y, logits, from_logits=True))


def loss_and_gradients(model, x, y):
    """Return the loss and, from the tape of its forward pass, its gradients."""
    with tf.GradientTape() as tape:
        value = loss(model, x, y)
    return value, tape.gradient(value, model.trainable_variables)


def gradients(model, x, y):
    """Return d loss / d weights by the tape, in PyTorch's names and layout."""
    _, grads = loss_and_gradients(model, x, y)
    variables = model.trainable_variables
    return {NAMES[v.path]: to_torch(grad) for v, grad in zip(variables, grads, strict=True)}


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
    """Return the fraction of images whose largest logit is that of the right digit."""
    return ops.mean(ops.cast(ops.equal(ops.argmax(forward(model, x), axis=1), y), x.dtype))


def export(model):
    """Return the weights and BatchNorm's statistics, in PyTorch's names and layout."""
    return {NAMES[variable.path]: to_torch(variable) for variable in model.weights}


if __name__ == "__main__":
    import data

    mnist = data.load(tf.constant)
    model = build(mnist.weights)
    model, losses = train(model, mnist.x, mnist.y, mnist.schedule, mnist.learning_rate)
    data.report(losses, accuracy(model, mnist.x_test, mnist.y_test))
