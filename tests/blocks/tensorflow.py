"""The block in TensorFlow, and as a layer of Keras."""

import tensorflow as tf

keras = tf.keras


@tf.function
def block(x, w):
    hidden = x @ w["W1"] + w["b1"]
    hidden = 0.5 * hidden * (1 + tf.math.erf(hidden / tf.sqrt(tf.constant(2, x.dtype))))
    mean, variance = tf.nn.moments(hidden, [-1], keepdims=True)
    hidden = (hidden - mean) * tf.math.rsqrt(variance + 1e-5)
    logits = hidden @ w["W2"]
    return {"hidden": hidden, "outputs": (logits, tf.nn.softmax(logits))}


def gelu(x):
    return tf.nn.gelu(x)


def dense(w):
    """Return a model that holds its weights in float32, and changes its running means."""
    model = keras.Sequential(
        [
            keras.Input(w["W1"].shape[:1]),
            keras.layers.Dense(w["W1"].shape[1], activation="tanh"),
            keras.layers.BatchNormalization(epsilon=1e-5),
        ]
    )
    model.layers[0].set_weights([w["W1"], w["b1"]])
    return model
