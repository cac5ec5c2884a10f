"""JAX's operations made otherwise, one at a time: what a port may have done in their place.

Nothing is compiled while they last, so that every call is made anew. What varies are numbers that
modules hold, as Flax's and Equinox's do, small numbers that are added, activations, and what
Optax's optimizers are made of.
"""

import sys
from contextlib import ExitStack, contextmanager
from functools import partial
from unittest.mock import patch

import jax
import jax.numpy as jnp
import numpy as np
from jax._src.core import EvalTrace  # there is no public place in which operations can be met

from impls.jax.variants import optimizers
from shared import variants as causes
from shared.variants import EPSILONS, NEGLIGIBLE, Place, Variant, gathered, held, holding, outermost

ACTIVATIONS = {
    "ReLU": jax.nn.relu,
    "GELU by tanh": jax.nn.gelu,
    "GELU by erf": partial(jax.nn.gelu, approximate=False),
    "SiLU": jax.nn.silu,
    "tanh": jnp.tanh,
    "the sigmoid": jax.nn.sigmoid,
    "leaky ReLU with a slope of 0.01": jax.nn.leaky_relu,
    "leaky ReLU with a slope of 0.2": partial(jax.nn.leaky_relu, negative_slope=0.2),
    "ReLU6": jax.nn.relu6,
    "hard swish": jax.nn.hard_swish,
    "the hard sigmoid": jax.nn.hard_sigmoid,
    "ELU": jax.nn.elu,
    "softplus": jax.nn.softplus,
    "nothing": lambda x: x,
}
PROBE = np.linspace(-4, 8, 13)
NAMES = (
    *("relu", "gelu", "leaky_relu", "silu", "tanh", "sigmoid"),
    *("relu6", "hard_swish", "hard_sigmoid", "elu", "softplus"),
)


def found(model, call, line):
    """Return the variants of what is done in a call.

    Args:
        model: what it is called with.
        call: of no arguments.
        line: tells the line of a user's from which an operation is called.
    """
    variants = list(held(_modules(model)))

    def added(number):
        variants.extend(
            Variant(causes.EPSILON, f"{epsilon:g} is added, not {number:g}", (_at(line),))
            for epsilon in EPSILONS
            if not np.isclose(epsilon, number, atol=0)
        )
        return number

    def activation(name, own, x):
        for other, function in ACTIVATIONS.items():
            if not np.array_equal(function(PROBE), own(PROBE)):
                gelu = name == "gelu" and other.startswith("GELU")
                cause = causes.GELU if gelu else causes.ACTIVATION
                claim = f"{other} is in place of {name}"
                variants.append(Variant(cause, claim, (_at(line),)))
        return own(x)

    with _met(added, activation), optimizers.noted(variants):
        call()
    return gathered(variants)


@contextmanager
def applied(model, variant, line):
    """Let operations be as a variant has them while it lasts; arguments as of `found`."""

    def added(number):
        for epsilon in EPSILONS:
            if variant.claim == f"{epsilon:g} is added, not {number:g}":
                return epsilon if _at(line) in variant.places else number
        return number

    def activation(name, own, x):
        other = variant.claim.removesuffix(f" is in place of {name}")
        there = other in ACTIVATIONS and _at(line) in variant.places
        return ACTIVATIONS[other](x) if there else own(x)

    with ExitStack() as stack:
        if callable(variant.change):
            stack.enter_context(holding(dict(_modules(model)), variant))
        stack.enter_context(optimizers.applied(variant))
        stack.enter_context(_met(added, activation))
        yield


def _at(line):
    at = line()
    return Place(at, at)


def _modules(model):
    """Yield what has attributes of its own inside a model, by name, however deep."""
    waiting, seen = [("", model)], set()
    while waiting:
        name, outer = waiting.pop(0)
        if id(outer) in seen:
            continue
        seen.add(id(outer))
        if isinstance(outer, dict):
            inside = outer.items()
        elif isinstance(outer, list | tuple):
            inside = enumerate(outer)
        elif type(outer).__module__.partition(".")[0] in ("builtins", "jax", "jaxlib", "numpy"):
            continue
        else:
            yield name or "the model", outer
            inside = getattr(outer, "__dict__", {}).items()
        waiting += [
            (f"{name}.{key}" if name else f"{key}", value)
            for key, value in inside
            if not f"{key}".startswith("_")
        ]


@contextmanager
def _met(added, activation):
    """Let small numbers that are added, and activations, be changed as they come.

    added: given a number, returns what is put in its place. activation: given the name of one, what
    it is a function of its input, and that input, returns its result.
    """
    evaluate = EvalTrace.process_primitive

    def evaluated(trace, primitive, args, params):
        if primitive.name == "add":
            args = [_with_others(value, added) for value in args]
        return evaluate(trace, primitive, args, params)

    EvalTrace.process_primitive = evaluated
    try:
        with jax.disable_jit(), _activated(activation):
            yield
    finally:
        EvalTrace.process_primitive = evaluate


@contextmanager
def _activated(meet):
    """Let `meet` give the results of activations that are called by others' modules."""
    owners = [jax.nn, jnp]
    owners += [sys.modules[name] for name in ("flax.nnx", "flax.linen") if name in sys.modules]
    met = outermost(meet)
    with ExitStack() as stack:
        for name in NAMES:
            own = getattr(jnp if name == "tanh" else jax.nn, name)
            for owner in owners:
                for alias in [key for key, value in vars(owner).items() if value is own]:
                    stack.enter_context(patch.object(owner, alias, met(name, own)))
        yield


def _with_others(value, added):
    """Return a small number as it is changed, and anything else as it is."""
    number = np.asarray(value)
    if number.ndim or number.dtype.kind != "f" or not 0 < number <= NEGLIGIBLE:
        return value
    other = added(float(number))
    return value if other == float(number) else jnp.asarray(other, number.dtype)
