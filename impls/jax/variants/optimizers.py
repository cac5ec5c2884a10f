"""How Optax's optimizers, schedules and clipping may be set otherwise.

Optimizers are chains of transformations, which are met where they are made. Those that were made
before, as where a file is imported, are not.
"""

import inspect
import sys
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import jax
import jax.numpy as jnp

from shared import updates
from shared.variants import LOW_RATE, Variant

ADAM, RMSPROP = "another variant of Adam", "another variant of RMSprop"


@contextmanager
def noted(variants):
    """Add the variants of transformations that are made while it lasts to a list."""
    seen = set()

    def note(name, own, given):
        ideas = [*RULES[name](own, given)]
        if name == "add_decayed_weights" and "scale_by_adam" in seen:
            ideas.append(_coupled(own, given))
        seen.add(name)
        for cause, claim, place, others in ideas:
            variants.append(Variant(cause, claim, (place,), others))
        return own(**given)

    with _met(note):
        yield


@contextmanager
def applied(variant):
    """Let transformations be made as a variant has them while it lasts, if it is of them.

    Its change gives functions by the names of transformations, of Optax's own and its arguments.
    """
    others = variant.change if isinstance(variant.change, dict) else {}

    def changed(name, own, given):
        return others[name](own, given) if name in others else own(**given)

    with _met(changed) if others else ExitStack():
        yield


@contextmanager
def _met(meet):
    """Let `meet` make transformations while it lasts: of a name, Optax's own, and its arguments."""
    modules = [module for name, module in sys.modules.items() if name.partition(".")[0] == "optax"]
    with ExitStack() as stack:
        for name in RULES if modules else ():
            own = getattr(_optax(), name)

            def made(*args, own=own, name=name, **kwargs):
                given = inspect.signature(own).bind(*args, **kwargs)
                given.apply_defaults()
                return meet(name, own, given.arguments)

            for module in modules:
                if getattr(module, name, None) is own:
                    stack.enter_context(patch.object(module, name, made))
        yield


def _optax():
    return sys.modules["optax"]


def _numbers(name, given, key, said, others):
    """Yield claims of other numbers in place of a transformation's own, and what makes it so."""
    own = given[key]
    for value in others if isinstance(own, int | float) else ():
        if value != own:
            yield f"{said} {value:g}, not {own:g}", {name: _with(**{key: value})}


def _with(**others):
    return lambda own, given: own(**given | others)


def adam(own, given):
    """Vary epsilon and the betas, what they are corrected by, and where epsilon is."""
    name, place = "scale_by_adam", updates.OPTIMIZER
    said = "Adam has an epsilon of"
    for claim, others in _numbers(name, given, "eps", said, updates.EPSILONS):
        yield ADAM, claim, place, others
    now = given["b1"], given["b2"]
    for first, second in updates.BETAS:
        if (first, second) != now:
            claim = f"Adam has betas of {first} and {second}, not {now[0]} and {now[1]}"
            yield ADAM, claim, place, {name: _with(b1=first, b2=second)}
    claim = "Adam adds its epsilon before the bias of the squares is corrected, as Keras'"
    yield ADAM, claim, place, {name: lambda own, given: _by_hand(given, corrected=True)}
    claim = "Adam does not correct the bias of its means"
    yield ADAM, claim, place, {name: lambda own, given: _by_hand(given, corrected=False)}
    inside = {"eps": 0.0, "eps_root": given["eps"]}
    claim = f"Adam has its epsilon of {given['eps']:g} inside the root, and none outside"
    yield ADAM, claim, place, {name: _with(**inside)}


def _by_hand(given, corrected):
    """Return Adam that adds its epsilon before it corrects the bias of its means, if it does."""
    first, second, epsilon = given["b1"], given["b2"], given["eps"]

    def start(params):
        zeros = jax.tree.map(jnp.zeros_like, params)
        return 0, zeros, zeros

    def update(grads, state, params=None):
        step, mean, square = state
        step = step + 1
        mean = jax.tree.map(lambda m, g: first * m + (1 - first) * g, mean, grads)
        square = jax.tree.map(lambda v, g: second * v + (1 - second) * g * g, square, grads)
        factor = (1 - second**step) ** 0.5 / (1 - first**step) if corrected else 1.0
        moved = jax.tree.map(lambda m, v: factor * m / (jnp.sqrt(v) + epsilon), mean, square)
        return moved, (step, mean, square)

    return _optax().GradientTransformation(start, update)


def root_mean_squares(own, given):
    """Vary epsilon, the share that is kept of squares, and where epsilon is."""
    name, place = "scale_by_rms", updates.OPTIMIZER
    for key, said, numbers in (
        ("eps", "RMSprop has an epsilon of", updates.EPSILONS),
        ("decay", "RMSprop has a decay of", updates.ALPHAS),
    ):
        for claim, others in _numbers(name, given, key, said, numbers):
            yield RMSPROP, claim, place, others
    inside = not given["eps_in_sqrt"]
    claim = f"RMSprop has its epsilon {'inside' if inside else 'outside'} the root"
    yield RMSPROP, claim, place, {name: _with(eps_in_sqrt=inside)}


def momentum(own, given):
    """Vary the momentum, and whether it is Nesterov's."""
    said = "the momentum is"
    for claim, others in _numbers("trace", given, "decay", said, updates.MOMENTA):
        yield updates.MOMENTUM, claim, updates.OPTIMIZER, others
    nesterov = not given["nesterov"]
    claim = f"the momentum is {'' if nesterov else 'not '}Nesterov's"
    yield updates.NESTEROV, claim, updates.OPTIMIZER, {"trace": _with(nesterov=nesterov)}


def decay(own, given):
    """Vary how much weights decay, and which of them."""
    name, place, cause = "add_decayed_weights", updates.OPTIMIZER, updates.DECAY
    said = "the weight decay is"
    for claim, others in _numbers(name, given, "weight_decay", said, updates.DECAYS):
        yield cause, claim, place, others
    if given["mask"] is not None:
        yield cause, "every weight decays", place, {name: _with(mask=None)}
    yield cause, "only matrices decay", place, {name: _with(mask=_of_matrices)}


def _of_matrices(params):
    return jax.tree.map(lambda weight: weight.ndim > 1, params)


def _coupled(own, given):
    """Return the variant of a decay behind Adam that is added to gradients before it."""
    optax = _optax()
    others = {
        "scale_by_adam": lambda adam, its: optax.chain(own(**given), adam(**its)),
        "add_decayed_weights": lambda own, given: optax.identity(),
    }
    claim = "the weight decay is added to gradients, as Adam's, not to AdamW's updates"
    return updates.DECAY, claim, updates.OPTIMIZER, others


SCHEDULES = {
    "the learning rate stays at its first value": lambda rate, step: rate(step * 0),
    "the schedule of the learning rate is one step ahead": lambda rate, step: rate(step + 1),
    "the schedule of the learning rate is one step behind": lambda rate, step: rate(
        jnp.maximum(step - 1, 0)
    ),
    "the schedule of the learning rate makes two steps in place of each": lambda rate, step: rate(
        2 * step
    ),
    "the learning rate is 0 at the first step, and one step behind from there": (
        lambda rate, step: jnp.where(step == 0, 0.0, rate(jnp.maximum(step - 1, 0)))
    ),
}


def schedule(own, given):
    """Let a learning rate be that of another step, or of the step in float64."""
    for claim, other in SCHEDULES.items():
        yield updates.SCHEDULE, claim, updates.SCHEDULER, _at_rate(other)
    first = given["step_size_fn"](jnp.zeros((), jnp.int32))
    if jax.config.jax_enable_x64 and jnp.result_type(first) == jnp.float32:
        claim = "the learning rate is computed in float64, not in float32, as from a whole step"
        wide = _at_rate(lambda rate, step: rate(jnp.asarray(step, jnp.float64)))
        yield LOW_RATE, claim, updates.SCHEDULER, wide


def _at_rate(other):
    def change(own, given):
        return own(lambda step: other(given["step_size_fn"], step))

    return {"scale_by_schedule": change}


def clipping(own, given):
    """Clip to another norm, each gradient for itself, by value, or not at all."""
    norm = given["max_norm"]
    for claim, change in {
        "gradients are not clipped": lambda own: _optax().identity(),
        "gradients are clipped to half the norm": lambda own: own(norm / 2),
        "gradients are clipped to twice the norm": lambda own: own(norm * 2),
        "gradients are clipped to ten times the norm": lambda own: own(norm * 10),
        "gradients are clipped value by value": lambda own: _optax().clip(norm),
        "gradients are clipped each for itself": lambda own: _clipped(norm, together=False),
        "gradients are divided by their length and 1e-6, as PyTorch's": (
            lambda own: _clipped(norm, more=1e-6)
        ),
    }.items():
        said = f"{claim}, not together to a norm of {norm:g}"

        def made(own, given, change=change):
            return change(own)

        yield updates.CLIPPED, said, updates.CLIPPING, {"clip_by_global_norm": made}


def _clipped(norm, together=True, more=0.0):
    def scaled(grads):
        length = _optax().tree.norm(grads) + more
        return jax.tree.map(lambda g: g * jnp.minimum(1.0, norm / length), grads)

    each = scaled if together else lambda grads: jax.tree.map(scaled, grads)
    return _optax().stateless(lambda grads, params: each(grads))


RULES = {
    "add_decayed_weights": decay,
    "clip_by_global_norm": clipping,
    "scale_by_adam": adam,
    "scale_by_rms": root_mean_squares,
    "scale_by_schedule": schedule,
    "trace": momentum,
}
