"""Six activations and their derivatives, in JAX: the derivatives by jax.grad and jax.jacobian.

Softmax is taken along each row, and its derivative is a matrix: of each output by each input. The
step has no derivative to speak of: 0 everywhere but at 0, where there is none. ReLU's at 0 is 0.
Source: K. Saitoh, "Deep Learning from Scratch" (2016), chapter 3.
"""

import jax
import jax.numpy as jnp

from impls.jax.runtime import configure, to_native
from shared.experiment import prepare


def build(weights):
    """Return the parameters, none here: activations have no weights."""
    return dict(weights)


def slope(activation, x):
    """Return the derivative of an activation at each of the numbers x, by jax.grad."""
    return jax.vmap(jax.vmap(jax.grad(activation)))(x)  # of one number, over rows and columns


def layers(params, x):
    """Return the activations of x (B, n) and, named with a d, their derivatives."""
    return {
        "step": (x > 0).astype(x.dtype),
        "sigmoid": jax.nn.sigmoid(x),
        "tanh": jnp.tanh(x),
        "relu": jax.nn.relu(x),
        "identity": x,
        "softmax": jax.nn.softmax(x),
        "dsigmoid": slope(jax.nn.sigmoid, x),
        "dtanh": slope(jnp.tanh, x),
        "drelu": slope(jax.nn.relu, x),
        "didentity": slope(jax.nn.identity, x),
        "dsoftmax": jax.vmap(jax.jacobian(jax.nn.softmax))(x),  # (B, n, n)
    }


def main():
    """Run the recipe `activations` and print them for its first rows."""
    configure("float32", "cpu", threads=1)
    experiment = prepare("activations", "float32")
    print(experiment.headline)
    x = to_native(experiment.x)
    for name, value in layers(build({}), x[:2]).items():
        print(name, value, sep="\n")


if __name__ == "__main__":
    main()
