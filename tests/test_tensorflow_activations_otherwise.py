"""Activations of a reference in TensorFlow or Keras made otherwise."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.test_variants import assert_is_the_port_with

X = np.linspace(-5, 8, 27)


def tensorflow() -> Any:
    return pytest.importorskip("tensorflow")


def keras(name: str) -> Callable[[Any], Any]:
    return lambda x: getattr(tensorflow().keras.activations, name)(x)


def direct(name: str) -> Callable[[Any], Any]:
    return lambda x: getattr(tensorflow().nn, name)(x)


@pytest.mark.parametrize("of", [keras, direct])
@pytest.mark.parametrize(
    ("own", "other", "said"),
    [
        ("relu", "silu", "SiLU is in place of relu"),
        ("silu", "relu", "ReLU is in place of silu"),
        ("relu6", "relu", "ReLU is in place of relu6"),
        ("gelu", "tanh", "tanh is in place of gelu"),
    ],
)
def test_an_activation_may_be_another(
    of: Callable[[str], Any], own: str, other: str, said: str
) -> None:
    assert_is_the_port_with(said, of(own), of(other), X, framework="tensorflow")


def test_what_tensorflow_rounds_to_float32_may_be_exact() -> None:
    claim = "leaky_relu has its slope of 0.1 in float64, which TensorFlow rounds to float32"

    def rounded(x: Any) -> Any:
        return tensorflow().nn.leaky_relu(alpha=0.1, features=x)

    def exact(x: Any) -> Any:
        tf = tensorflow()
        return tf.where(x > 0, x, tf.constant(0.1, x.dtype) * x)

    assert_is_the_port_with(claim, rounded, exact, X, framework="tensorflow")


def test_an_activation_may_be_missing_in_gradients_too() -> None:
    def slope(x: Any) -> Any:
        with tensorflow().GradientTape() as tape:
            tape.watch(x)
            value = 2 * tensorflow().nn.softplus(x)
        return tape.gradient(value, x)

    def two(x: Any) -> Any:
        return tensorflow().fill(x.shape, tensorflow().constant(2, x.dtype))

    claim = "nothing is in place of softplus"
    assert_is_the_port_with(claim, slope, two, X, framework="tensorflow")
