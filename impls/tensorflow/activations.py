"""Six activations and their derivatives, in TensorFlow: the derivatives by a tape.

Softmax is taken along each row, and its derivative is a matrix: of each output by each input. The
step has no derivative to speak of: 0 everywhere but at 0, where there is none. ReLU's at 0 is 0.
Source: K. Saitoh, "Deep Learning from Scratch" (2016), chapter 3.
"""

import tensorflow as tf

from impls.tensorflow.runtime import configure, to_native
from shared.experiment import prepare


def build(weights):
    """Return the model, which is empty: activations have no weights."""
    return dict(weights)


def slope(activation, x):
    """Return the derivative of an activation at each of the numbers x, by the tape."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = activation(x)
    return tape.gradient(value, x)


def jacobian(activation, x):
    """Return the derivative of each output by each input, (B, n, n), row by row of x (B, n)."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = activation(x)
    return tape.batch_jacobian(value, x)


def layers(model, x):
    """Return the activations of x (B, n) and, named with a d, their derivatives."""
    return {
        "step": tf.cast(x > 0, x.dtype),
        "sigmoid": tf.sigmoid(x),
        "tanh": tf.tanh(x),
        "relu": tf.nn.relu(x),
        "identity": x,
        "softmax": tf.nn.softmax(x),
        "dsigmoid": slope(tf.sigmoid, x),
        "dtanh": slope(tf.tanh, x),
        "drelu": slope(tf.nn.relu, x),
        "didentity": slope(tf.identity, x),
        "dsoftmax": jacobian(tf.nn.softmax, x),  # (B, n, n)
    }


def main():
    """Run the recipe `activations` and print them for its first rows."""
    configure("float32", "cpu", threads=1)
    experiment = prepare("activations", "float32")
    print(experiment.headline)
    x = to_native(experiment.x)
    for name, value in layers(build({}), x[:2]).items():
        print(name, value.numpy(), sep="\n")


if __name__ == "__main__":
    main()
