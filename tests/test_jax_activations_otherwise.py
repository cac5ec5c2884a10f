"""Activations of a JAX reference made otherwise, by whichever module they are called."""

import importlib
from typing import Any

import numpy as np
import pytest

from tests.test_variants import assert_is_the_port_with

X = np.linspace(-5, 8, 27)


def jax() -> Any:
    return pytest.importorskip("jax")


@pytest.mark.parametrize("module", ["jax.nn", "flax.nnx", "flax.linen"])
@pytest.mark.parametrize(
    ("own", "other", "said"),
    [
        ("relu", "silu", "SiLU is in place of relu"),
        ("swish", "relu", "ReLU is in place of silu"),
        ("hard_swish", "swish", "SiLU is in place of hard_swish"),
        ("relu6", "relu", "ReLU is in place of relu6"),
        ("gelu", "relu", "ReLU is in place of gelu"),
    ],
)
def test_an_activation_may_be_another(module: str, own: str, other: str, said: str) -> None:
    owner = pytest.importorskip(module)
    reference, port = (lambda x, name=name: getattr(owner, name)(x) for name in (own, other))
    assert_is_the_port_with(said, reference, port, X, framework="jax")


def test_what_an_activation_calls_is_no_other() -> None:
    tools = importlib.import_module("impls.jax.variants")
    with jax().enable_x64(True):
        found = tools.found({}, lambda: jax().nn.gelu(X) + jax().numpy.tanh(X), lambda: "line")
    said = {each.claim for each in found if "in place of tanh" in each.claim}
    assert "ReLU is in place of tanh" in said
    assert "tanh is in place of tanh" not in said
    with jax().enable_x64(True):
        found = tools.found({}, lambda: jax().nn.gelu(X), lambda: "line")
    assert not any("in place of tanh" in each.claim for each in found)


def test_an_activation_may_be_missing_in_gradients_too() -> None:
    slope = jax().grad(lambda x: (2 * jax().nn.softplus(x)).sum())

    def two(x: Any) -> Any:
        return jax().numpy.full_like(x, 2)

    assert_is_the_port_with("nothing is in place of softplus", slope, two, X, framework="jax")
