"""How activations may be otherwise in TensorFlow, and Keras, which calls TensorFlow's."""

from contextlib import ExitStack, contextmanager
from functools import partial
from unittest.mock import patch

import numpy as np
import tensorflow as tf

from shared import variants as causes
from shared.variants import outermost


def _by_tanh(x):
    root, cubed = (tf.constant(number, x.dtype) for number in ((2 / np.pi) ** 0.5, 0.044715))
    return x * (1 + tf.tanh(root * (x + cubed * x * x * x))) / 2


def _by_erf(x):
    return x * (1 + tf.math.erf(x * tf.constant(0.5**0.5, x.dtype))) / 2


def _leaky(x, slope):
    return tf.where(x > 0, x, tf.constant(slope, x.dtype) * x)


ACTIVATIONS = {
    "ReLU": tf.nn.relu,
    "GELU by tanh": _by_tanh,
    "GELU by erf": _by_erf,
    "SiLU": tf.nn.silu,
    "tanh": tf.nn.tanh,
    "the sigmoid": tf.nn.sigmoid,
    "leaky ReLU with a slope of 0.01": partial(_leaky, slope=0.01),
    "leaky ReLU with a slope of 0.2": partial(_leaky, slope=0.2),
    "leaky ReLU with a slope of 0.3": partial(_leaky, slope=0.3),
    "ReLU6": tf.nn.relu6,
    "ELU": tf.nn.elu,
    "softplus": tf.nn.softplus,
    "nothing": tf.identity,
}
NAMES = ("relu", "gelu", "silu", "tanh", "sigmoid", "leaky_relu", "relu6", "elu", "softplus")
PROBE = np.linspace(-4, 8, 13)
CLOSE = 1e-5  # relative; more than constants of float32 are off by
ROUNDED = "in float64, which TensorFlow rounds to float32"


def otherwise(name, own, x):
    """Yield what may be in place of an activation: cause, claim, and a function of its input.

    Args:
        name: of the activation.
        own: what it is, as a function of its input.
        x: its input.
    """
    known = own(tf.constant(PROBE, x.dtype)).numpy()
    for other, function in ACTIVATIONS.items():
        if not np.allclose(function(tf.constant(PROBE, x.dtype)), known, CLOSE, CLOSE):
            gelu = name == "gelu" and other.startswith("GELU")
            cause = causes.GELU if gelu else causes.ACTIVATION
            yield cause, f"{other} is in place of {name}", function
        elif name == "gelu" and other == "GELU by erf" and x.dtype == tf.float64:
            yield causes.GELU, f"gelu has its constants {ROUNDED}", function
    slope = -float(own(tf.constant([-1.0], x.dtype))[0])
    if name == "leaky_relu" and x.dtype == tf.float64:
        exact = float(f"{slope:.6g}")
        claim = f"leaky_relu has its slope of {exact:g} {ROUNDED}"
        yield causes.ACTIVATION, claim, partial(_leaky, slope=exact)


@contextmanager
def met(meet):
    """Let `meet` give the results of activations while it lasts.

    meet: given the name of one, what it is as a function of its input, and that input.
    """
    called_by = outermost(lambda name, own, x: meet(name, own, tf.convert_to_tensor(x)))
    with ExitStack() as stack:
        for name in NAMES:
            own = getattr(tf.nn, name)
            for owner in (tf.nn, tf.math, tf):
                for alias in [key for key, value in vars(owner).items() if value is own]:
                    stack.enter_context(patch.object(owner, alias, called_by(name, own)))
        yield
