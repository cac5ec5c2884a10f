"""Steps of a Keras reference made otherwise: its optimizer, schedule and clipping."""

import importlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from tests.test_variants import assert_is_the_port_with

STEPS = 5
START = {"W": np.array([[0.3, -0.8], [0.5, 0.2]]), "b": np.array([0.4, -0.1])}


@pytest.fixture(autouse=True)
def float64() -> Iterator[None]:
    own = keras().config.floatx()
    keras().config.set_floatx("float64")
    yield
    keras().config.set_floatx(own)


def keras() -> Any:
    return pytest.importorskip("tensorflow").keras


def slopes_of(weights: list[Any], step: int) -> list[Any]:
    return [3 * w**2 - float(step == 2) for w in weights]


def trained_by(make: Callable[[], Any]) -> Callable[..., Any]:
    """Return a function of weights W and b: these after some steps of an optimizer."""

    def trained(*given: Any) -> list[Any]:
        tf = importlib.import_module("tensorflow")
        weights = [tf.Variable(w, name=name) for name, w in zip(START, given, strict=True)]
        optimizer = make()
        for step in range(STEPS):
            optimizer.apply(slopes_of([w.value() for w in weights], step), weights)
        return [weight.value() for weight in weights]

    return trained


def adamw(exempt: bool = True, **others: Any) -> Any:
    given = {"learning_rate": rising(), "epsilon": 0.01, "weight_decay": 0.1, **others}
    made = keras().optimizers.AdamW(**given)
    if exempt:
        made.exclude_from_weight_decay(var_names=["b"])
    return made


def rising(shift: int = 0, times: int = 1) -> Any:
    """Return a schedule whose rate rises with the square of the step, from 0.02."""

    class Rising(keras().optimizers.schedules.LearningRateSchedule):  # type: ignore[misc] # not typed
        def __call__(self, step: Any) -> Any:
            ops = keras().ops
            at = ops.maximum(times * ops.cast(step, "float64") + shift, 0.0)
            return 0.02 * (at + 1.0) ** 2

    return Rising()


def rising_from_zero() -> Any:
    class Rising(keras().optimizers.schedules.LearningRateSchedule):  # type: ignore[misc] # not typed
        def __call__(self, step: Any) -> Any:
            return 0.02 * keras().ops.cast(step, "float64") ** 2

    return Rising()


def adamw_by_hand(*weights_before: Any) -> list[Any]:
    """Return weights W and b after AdamW's steps as PyTorch makes them."""
    weights, means, squares = [*weights_before], [0.0, 0.0], [0.0, 0.0]
    for step in range(STEPS):
        rate, slopes = 0.02 * (step + 1.0) ** 2, slopes_of(weights, step)
        for i, g in enumerate(slopes):
            means[i] = 0.9 * means[i] + (1 - 0.9) * g
            squares[i] = 0.999 * squares[i] + (1 - 0.999) * g * g
            root = (squares[i] / (1 - 0.999 ** (step + 1))) ** 0.5
            mean = means[i] / (1 - 0.9 ** (step + 1))
            weights[i] = weights[i] * (1 - 0.1 * rate * (i == 0)) - rate * mean / (root + 0.01)
    return weights


def sgd(**others: Any) -> Any:
    return keras().optimizers.SGD(**{"learning_rate": 0.1, "momentum": 0.9, **others})


def rms_prop(**others: Any) -> Any:
    return keras().optimizers.RMSprop(**{"learning_rate": 0.1, "epsilon": 0.01, **others})


RATE = "the schedule of the learning rate"
LATE = (
    "AdamW adds an epsilon of 0.01 after the bias of the squares is corrected, and rounds no "
    "constants to float32, as PyTorch's and Optax's"
)
VARIED = {  # the reference, and the port that is as the reference with what is claimed
    "AdamW has an epsilon of 1e-06, not 0.01": (adamw, lambda: adamw(epsilon=1e-6)),
    "AdamW has betas of 0.9 and 0.95, not 0.9 and 0.999": (adamw, lambda: adamw(beta_2=0.95)),
    "AdamW has a weight decay of 0.01, not 0.1": (adamw, lambda: adamw(weight_decay=0.01)),
    "AdamW has AMSGrad's maximum": (adamw, lambda: adamw(amsgrad=True)),
    "every weight decays": (adamw, lambda: adamw(exempt=False)),
    f"{RATE} is one step ahead": (adamw, lambda: adamw(learning_rate=rising(1))),
    f"{RATE} is one step behind": (adamw, lambda: adamw(learning_rate=rising(-1))),
    f"{RATE} makes two steps in place of each": (
        adamw,
        lambda: adamw(learning_rate=rising(0, 2)),
    ),
    "the learning rate stays at its first value": (adamw, lambda: adamw(learning_rate=0.02)),
    "the learning rate is 0 at the first step, and one step behind from there": (
        adamw,
        lambda: adamw(learning_rate=rising_from_zero()),
    ),
    "RMSprop has a rho of 0.99, not 0.9": (rms_prop, lambda: rms_prop(rho=0.99)),
    "RMSprop has squares that the mean's is subtracted from": (
        rms_prop,
        lambda: rms_prop(centered=True),
    ),
    "SGD has a momentum of 0.5, not 0.9": (sgd, lambda: sgd(momentum=0.5)),
    "SGD has Nesterov's momentum": (sgd, lambda: sgd(nesterov=True)),
    "SGD has its constants in float64, which Keras rounds to float32": (
        sgd,
        lambda: sgd(momentum=np.float64(0.9)),
    ),
    "gradients are not clipped, not together to a norm of 0.5": (
        lambda: sgd(global_clipnorm=0.5),
        sgd,
    ),
    "gradients are clipped each to a norm of 0.5, not together to a norm of 0.5": (
        lambda: sgd(global_clipnorm=0.5),
        lambda: sgd(clipnorm=0.5),
    ),
    "gradients are clipped by value to a size of 1, not by value to a size of 0.5": (
        lambda: sgd(clipvalue=0.5),
        lambda: sgd(clipvalue=1.0),
    ),
}


@pytest.mark.parametrize("claim", VARIED)
def test_keras_optimizers_may_be_set_otherwise(claim: str) -> None:
    reference, port = map(trained_by, VARIED[claim])
    assert_is_the_port_with(claim, reference, port, *START.values(), framework="tensorflow")


def test_adamw_may_be_that_of_pytorch() -> None:
    reference = trained_by(adamw)
    assert_is_the_port_with(LATE, reference, adamw_by_hand, *START.values(), framework="tensorflow")
