"""Activations of a reference in TensorFlow or Keras made otherwise."""

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

X = np.linspace(-5, 8, 27)


def tensorflow() -> Any:
    return pytest.importorskip("tensorflow")


def changed(claim: str, reference: Callable[[Any], Any]) -> Any:
    """Return what a reference gives with what is claimed."""
    x, tools = tensorflow().constant(X), importlib.import_module("impls.tensorflow.variants")
    found = tools.found(None, lambda: reference(x), lambda: "line")
    variants = [each for each in found if each.claim == claim]
    assert len(variants) == 1, [each.claim for each in found]
    with tools.applied(None, variants[0], lambda: "line"):
        return reference(x).numpy()


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
    due = of(other)(tensorflow().constant(X)).numpy()
    np.testing.assert_allclose(changed(said, of(own)), due, rtol=1e-15)


def test_what_tensorflow_rounds_to_float32_may_be_exact() -> None:
    got = changed(
        "leaky_relu has its slope of 0.1 in float64, which TensorFlow rounds to float32",
        lambda x: tensorflow().nn.leaky_relu(x, 0.1),
    )
    np.testing.assert_allclose(got, np.where(X > 0, X, 0.1 * X), rtol=1e-15)
    own = tensorflow().nn.leaky_relu(X, 0.1).numpy()
    assert not np.allclose(own, got, rtol=1e-9, atol=0)


def test_an_activation_may_be_missing_in_gradients_too() -> None:
    def slope(x: Any) -> Any:
        with tensorflow().GradientTape() as tape:
            tape.watch(x)
            value = 2 * tensorflow().nn.softplus(x)
        return tape.gradient(value, x)

    got = changed("nothing is in place of softplus", slope)
    np.testing.assert_array_equal(got, np.full(X.shape, 2.0))
