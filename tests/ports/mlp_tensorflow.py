"""The same in Keras."""

import tensorflow as tf

FRAMEWORK = "tensorflow"
NAMES = ("0.weight", "0.bias", "1.weight", "1.bias", "3.weight", "3.bias")


def gelu(z):
    """Return z times the normal distribution's share below it; tf.nn.gelu rounds to float32."""
    return z * (1 + tf.math.erf(z / tf.sqrt(tf.constant(2, z.dtype)))) / 2


def build(weights):
    model = tf.keras.Sequential(
        [
            tf.keras.layers.Input((6,)),
            tf.keras.layers.Dense(8),
            tf.keras.layers.LayerNormalization(epsilon=1e-5),
            tf.keras.layers.Activation(gelu),
            tf.keras.layers.Dense(3),
        ]
    )
    for variable, name in zip(model.weights, NAMES, strict=True) if weights else ():
        value = weights[name]
        variable.assign(tf.transpose(value) if value.shape.rank == 2 else value)
    return model


def forward(model, x):
    return model(x)


def loss(model, x, y):
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, model(x)))


def named(values):
    transposed = (tf.transpose(v) if v.shape.rank == 2 else tf.identity(v) for v in values)
    return dict(zip(NAMES, transposed, strict=True))


def gradients(model, x, y):
    with tf.GradientTape() as tape:
        value = loss(model, x, y)
    return named(tape.gradient(value, model.trainable_variables))


def train(model, x, y, schedule, learning_rate):
    """Make Adam's steps by hand: Keras adds its epsilon before the bias is corrected."""
    weights, losses = model.trainable_variables, []
    first = [tf.zeros_like(w) for w in weights]
    second = [tf.zeros_like(w) for w in weights]
    for count, rows in enumerate(schedule, 1):
        with tf.GradientTape() as tape:
            value = loss(model, tf.gather(x, rows), tf.gather(y, rows))
        losses.append(value)
        for i, (w, g) in enumerate(zip(weights, tape.gradient(value, weights), strict=True)):
            first[i] = 0.9 * first[i] + 0.1 * g
            second[i] = 0.999 * second[i] + 0.001 * g * g
            m, v = first[i] / (1 - 0.9**count), second[i] / (1 - 0.999**count)
            w.assign_sub(learning_rate * m / (tf.sqrt(v) + 1e-8))
    return model, tf.stack(losses)


def accuracy(model, x, y):
    return tf.reduce_mean(tf.cast(tf.equal(tf.argmax(model(x), axis=1), y), x.dtype))


def export(model):
    return named(model.weights)
