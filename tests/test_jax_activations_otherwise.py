"""Activations of a JAX reference made otherwise, by whichever module they are called."""

import importlib
from typing import Any

import numpy as np
import pytest

X = np.linspace(-5, 8, 27)


def jax() -> Any:
    return pytest.importorskip("jax")


def changed(claim: str, reference: Any) -> Any:
    """Return what a reference gives with what is claimed, at one of two places."""
    tools = importlib.import_module("impls.jax.variants")
    with jax().enable_x64(True):
        found = tools.found({}, lambda: reference(X), lambda: "line")
        variants = [each for each in found if each.claim == claim]
        assert len(variants) == 1, [each.claim for each in found]
        with tools.applied({}, variants[0], lambda: "line"):
            return np.asarray(reference(X))


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
    with jax().enable_x64(True):
        due = np.asarray(getattr(owner, other)(X))
    got = changed(said, lambda x: getattr(owner, own)(x))
    np.testing.assert_allclose(got, due, rtol=1e-15)


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
    claim = "nothing is in place of softplus"
    slope = jax().grad(lambda x: (2 * jax().nn.softplus(x)).sum())
    np.testing.assert_array_equal(changed(claim, slope), np.full(X.shape, 2.0))
