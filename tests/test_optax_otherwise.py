"""Steps of a JAX reference made otherwise: its optimizer, schedule and clipping, all of Optax."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.test_variants import assert_is_the_port_with

STEPS = 3
START = {"W": np.array([[0.3, -0.8], [0.5, 0.2]]), "b": np.array([0.4, -0.1])}


def optax() -> Any:
    return pytest.importorskip("optax")


def trained_by(make: Callable[[], Any]) -> Callable[..., Any]:
    """Return a function of weights W and b: these after some steps of what Optax makes."""

    def trained(*given: Any) -> dict[str, Any]:
        weights, optimizer = dict(zip(START, given, strict=True)), make()
        state = optimizer.init(weights)
        for step in range(STEPS):
            slopes = {name: 3 * w**2 - (step == 2) for name, w in weights.items()}
            moved, state = optimizer.update(slopes, state, weights)
            weights = optax().apply_updates(weights, moved)
        return weights

    return trained


def rising(step: Any) -> Any:
    return 0.02 * (step + 1.0) ** 2


def adamw(**others: Any) -> Any:
    decay = {"weight_decay": 0.1, "mask": lambda params: {"W": True, "b": False}}
    return optax().adamw(**{"learning_rate": rising, "eps": 0.01, **decay, **others})


def adam_by_hand(corrected: bool) -> Any:
    """Return AdamW with its epsilon before the correction, or without one, as Keras writes it."""

    def step(slope: Any, mean: Any, square: Any, t: int) -> Any:
        factor = (1 - 0.999**t) ** 0.5 / (1 - 0.9**t) if corrected else 1.0
        return factor * mean / (square**0.5 + 0.01)

    def update(slopes: Any, state: Any, params: Any) -> Any:
        t, means, squares = state[0] + 1, {}, {}
        for name, g in slopes.items():
            means[name] = 0.9 * state[1][name] + (1 - 0.9) * g
            squares[name] = 0.999 * state[2][name] + (1 - 0.999) * g * g
        moved = {n: step(g, means[n], squares[n], t) for n, g in slopes.items()}
        return moved, (t, means, squares)

    zeros = {name: 0 * value for name, value in START.items()}
    by_hand = optax().GradientTransformation(lambda params: (0, zeros, zeros), update)
    decay = optax().add_decayed_weights(0.1, lambda params: {"W": True, "b": False})
    return optax().chain(by_hand, decay, optax().scale_by_learning_rate(rising))


def coupled() -> Any:
    return optax().chain(
        optax().add_decayed_weights(0.1, lambda params: {"W": True, "b": False}),
        optax().adam(rising, eps=0.01),
    )


def rms_prop(**others: Any) -> Any:
    return optax().rmsprop(**{"learning_rate": 0.1, "momentum": 0.5, "eps": 0.01, **others})


def sgd(**others: Any) -> Any:
    return optax().sgd(**{"learning_rate": 0.1, "momentum": 0.9, **others})


def clipped(way: Any = None) -> Any:
    way = optax().clip_by_global_norm(0.5) if way is None else way
    return optax().chain(way, optax().sgd(0.1))


def clipped_by(scale: Callable[[Any], Any], each: bool = False) -> Any:
    def update(slopes: Any, params: Any) -> Any:
        if each:
            return {n: g * scale(optax().tree.norm(g)) for n, g in slopes.items()}
        factor = scale(optax().tree.norm(slopes))
        return {name: factor * g for name, g in slopes.items()}

    return clipped(optax().stateless(update))


NORM = "not together to a norm of 0.5"
RATE = "the schedule of the learning rate"
# The reference, and the port that is as the reference with what is claimed.
VARIED: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "Adam has an epsilon of 1e-06, not 0.01": (adamw, lambda: adamw(eps=1e-6)),
    "Adam has betas of 0.9 and 0.95, not 0.9 and 0.999": (adamw, lambda: adamw(b2=0.95)),
    "Adam adds its epsilon before the bias of the squares is corrected, as Keras'": (
        adamw,
        lambda: adam_by_hand(True),
    ),
    "Adam does not correct the bias of its means": (adamw, lambda: adam_by_hand(False)),
    "Adam has its epsilon of 0.01 inside the root, and none outside": (
        adamw,
        lambda: adamw(eps=0.0, eps_root=0.01),
    ),
    "the weight decay is 0.01, not 0.1": (adamw, lambda: adamw(weight_decay=0.01)),
    "every weight decays": (adamw, lambda: adamw(mask=None)),
    "the weight decay is added to gradients, as Adam's, not to AdamW's updates": (adamw, coupled),
    f"{RATE} is one step ahead": (adamw, lambda: adamw(learning_rate=lambda n: rising(n + 1))),
    f"{RATE} is one step behind": (
        adamw,
        lambda: adamw(learning_rate=lambda n: rising(n - (n > 0))),
    ),
    f"{RATE} makes two steps in place of each": (
        adamw,
        lambda: adamw(learning_rate=lambda n: rising(2 * n)),
    ),
    "the learning rate stays at its first value": (
        adamw,
        lambda: adamw(learning_rate=0.02),
    ),
    "the learning rate is 0 at the first step, and one step behind from there": (
        adamw,
        lambda: adamw(learning_rate=lambda n: 0.02 * n**2.0),
    ),
    "the learning rate is computed in float64, not in float32, as from a whole step": (
        lambda: sgd(learning_rate=optax().linear_schedule(0.1, 0.0, 7)),
        lambda: sgd(learning_rate=lambda n: 0.1 * (1 - n.astype(np.float64) / 7)),
    ),
    "RMSprop has an epsilon of 0.001, not 0.01": (rms_prop, lambda: rms_prop(eps=1e-3)),
    "RMSprop has a decay of 0.99, not 0.9": (rms_prop, lambda: rms_prop(decay=0.99)),
    "RMSprop has its epsilon outside the root": (rms_prop, lambda: rms_prop(eps_in_sqrt=False)),
    "the momentum is 0.5, not 0.9": (sgd, lambda: sgd(momentum=0.5)),
    "the momentum is Nesterov's": (sgd, lambda: sgd(nesterov=True)),
    f"gradients are not clipped, {NORM}": (clipped, lambda: optax().sgd(0.1)),
    f"gradients are clipped to twice the norm, {NORM}": (
        clipped,
        lambda: clipped(optax().clip_by_global_norm(1.0)),
    ),
    f"gradients are clipped value by value, {NORM}": (clipped, lambda: clipped(optax().clip(0.5))),
    f"gradients are clipped each for itself, {NORM}": (
        clipped,
        lambda: clipped_by(lambda norm: np.minimum(1, 0.5 / norm), each=True),
    ),
    f"gradients are divided by their length and 1e-6, as PyTorch's, {NORM}": (
        clipped,
        lambda: clipped_by(lambda norm: np.minimum(1, 0.5 / (norm + 1e-6))),
    ),
}


@pytest.mark.parametrize("claim", VARIED)
def test_what_optax_makes_may_be_set_otherwise(claim: str) -> None:
    optax()  # it is met once it is imported
    reference, port = map(trained_by, VARIED[claim])
    assert_is_the_port_with(claim, reference, port, *START.values(), framework="jax")
