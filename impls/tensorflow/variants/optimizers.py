"""How Keras' optimizers, their schedules and their clipping may be set otherwise, step by step."""

from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import numpy as np
import tensorflow as tf

from shared import updates
from shared.variants import Variant

keras = tf.keras
CLIPS = ("clipnorm", "clipvalue", "global_clipnorm")
SAID = {"clipnorm": "each to a norm", "clipvalue": "by value to a size"}
SAID |= {"global_clipnorm": "together to a norm"}
NUMBERS = {  # by attributes: what they are called, and others; where Keras rounds none of them
    "epsilon": ("an epsilon of", updates.EPSILONS),
    "rho": ("a rho of", updates.ALPHAS),
    "momentum": ("a momentum of", updates.MOMENTA),
    "weight_decay": ("a weight decay of", updates.DECAYS),
}
CAUSES = {"momentum": updates.MOMENTUM, "weight_decay": updates.DECAY}
FLAGS = {"amsgrad": "AMSGrad's maximum", "nesterov": "Nesterov's momentum"}
FLAGS |= {"centered": "squares that the mean's is subtracted from"}
SCHEDULES = {
    "the learning rate stays at its first value": lambda rate, step: rate(0),
    "the schedule of the learning rate is one step ahead": lambda rate, step: rate(step + 1),
    "the schedule of the learning rate is one step behind": lambda rate, step: rate(
        max(step - 1, 0)
    ),
    "the schedule of the learning rate makes two steps in place of each": lambda rate, step: rate(
        2 * step
    ),
    "the learning rate is 0 at the first step, and one step behind from there": (
        lambda rate, step: rate(step - 1) if step else 0.0
    ),
}


@contextmanager
def noted(variants):
    """Add the variants of optimizers that make steps while it lasts to a list."""

    def note(optimizer, step):
        for cause, claim, place, others in _of(optimizer):
            variants.append(Variant(cause, claim, (place,), others))
        step()

    with _stepping_by(note):
        yield


@contextmanager
def applied(variant):
    """Let optimizers be as a variant has them while it lasts, if it is of them.

    Its change gives functions by attributes, of an optimizer, of what these are at its next step.
    """
    others = variant.change if isinstance(variant.change, dict) else {}

    def changed(optimizer, step):
        own = {name: getattr(optimizer, name) for name in others}
        values = {name: other(optimizer) for name, other in others.items()}
        for name, value in values.items():
            object.__setattr__(optimizer, name, value)  # which is not tracked
        try:
            step()
        finally:
            for name, value in own.items():
                object.__setattr__(optimizer, name, value)

    with _stepping_by(changed) if others else ExitStack():
        yield


@contextmanager
def _stepping_by(meet):
    """Let `meet` make the steps of optimizers while it lasts, each given as a function."""
    own = keras.optimizers.Optimizer.apply

    def apply(optimizer, *args, **kwargs):
        meet(optimizer, lambda: own(optimizer, *args, **kwargs))

    with patch.object(keras.optimizers.Optimizer, "apply", apply):
        yield


def _of(optimizer):
    """Yield the variants of an optimizer: cause, claim, place, and what is set for each step."""
    name, place = type(optimizer).__name__, updates.OPTIMIZER
    variant = f"another variant of {name}"
    for attribute, (said, others) in NUMBERS.items():
        own = getattr(optimizer, attribute, None)
        for value in others if isinstance(own, int | float) else ():
            if value != own:
                claim = f"{name} has {said} {value:g}, not {own:g}"
                yield CAUSES.get(attribute, variant), claim, place, {attribute: _always(value)}
    for attribute, said in FLAGS.items():
        if hasattr(optimizer, attribute):
            now = getattr(optimizer, attribute)
            cause = updates.NESTEROV if attribute == "nesterov" else variant
            claim = f"{name} has {'no ' if now else ''}{said}"
            yield cause, claim, place, {attribute: _always(not now)}
    if hasattr(optimizer, "beta_1") and hasattr(optimizer, "beta_2"):
        yield from _betas(optimizer, name)
    if getattr(optimizer, "weight_decay", None):
        for claim, decays in {
            "every weight decays": lambda weight: True,
            "only matrices decay": lambda weight: len(weight.shape) > 1,
        }.items():
            yield updates.DECAY, claim, place, {"_use_weight_decay": _always(decays)}
    rounded = {
        attribute: _always(np.float64(own))
        for attribute in ("beta_1", "beta_2", "momentum", "rho", "weight_decay")
        if isinstance(own := getattr(optimizer, attribute, None), float)
    }
    if rounded:
        claim = f"{name} has its constants in float64, which Keras rounds to float32"
        yield variant, claim, place, rounded
    yield from _scheduled(optimizer)
    yield from _clipped(optimizer)


def _betas(optimizer, name):
    variant, now = f"another variant of {name}", (optimizer.beta_1, optimizer.beta_2)
    for first, second in updates.BETAS:
        if (first, second) != now:
            claim = f"{name} has betas of {first} and {second}, not {now[0]} and {now[1]}"
            others = {"beta_1": _always(first), "beta_2": _always(second)}
            yield variant, claim, updates.OPTIMIZER, others
    for epsilon in dict.fromkeys((optimizer.epsilon, 1e-8)):

        def late(optimizer, epsilon=epsilon):
            step = int(optimizer.iterations) + 1
            return epsilon * (1 - optimizer.beta_2**step) ** 0.5

        exact = {name: _exactly(name) for name in ("beta_1", "beta_2", "weight_decay")}
        claim = (
            f"{name} adds an epsilon of {epsilon:g} after the bias of the squares is corrected, "
            "and rounds no constants to float32, as PyTorch's and Optax's"
        )
        yield variant, claim, updates.OPTIMIZER, {"epsilon": late, **exact}


def _exactly(attribute):
    """Return what makes a constant one of NumPy's, which Keras does not round."""

    def exact(optimizer):
        own = getattr(optimizer, attribute)
        return own if own is None else np.float64(own)

    return exact


def _scheduled(optimizer):
    own = optimizer._learning_rate
    if isinstance(own, keras.optimizers.schedules.LearningRateSchedule):
        for claim, other in SCHEDULES.items():

            def rate(optimizer, other=other):
                now = other(optimizer._learning_rate, int(optimizer.iterations))
                return lambda: now

            change = {"_get_current_learning_rate": rate}
            yield updates.SCHEDULE, claim, updates.SCHEDULER, change


def _clipped(optimizer):
    own = next((name for name in CLIPS if getattr(optimizer, name, None)), None)
    if own is None:
        return
    size = getattr(optimizer, own)
    kinds = {
        "gradients are not clipped": {},
        **{f"gradients are clipped {SAID[n]} of {size:g}": {n: size} for n in CLIPS if n != own},
        **{f"gradients are clipped {SAID[own]} of {k * size:g}": {own: k * size} for k in (0.5, 2)},
    }
    for claim, values in kinds.items():
        said = f"{claim}, not {SAID[own]} of {size:g}"
        others = {name: _always(values.get(name)) for name in CLIPS}
        yield updates.CLIPPED, said, updates.CLIPPING, others


def _always(value):
    return lambda optimizer: value
