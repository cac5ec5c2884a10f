"""JAX's operations made otherwise, one at a time: what a port may have done in their place.

Nothing is compiled while they last, so that every call is made anew. What varies are numbers that
modules hold, as Flax's and Equinox's do, small numbers that are added, GELU, and what Optax's
optimizers are made of.
"""

import sys
from contextlib import ExitStack, contextmanager

import jax
import numpy as np
from jax._src.core import EvalTrace  # there is no public place in which operations can be met

from impls.jax import optimizers
from shared import variants as causes
from shared.variants import EPSILONS, NEGLIGIBLE, Place, Variant, gathered, held, holding

GELUS = {"GELU by tanh": True, "GELU by erf": False}


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

    def gelu(approximate):
        for name, other in GELUS.items():
            if other != approximate:
                variants.append(Variant(causes.GELU, f"{name} is in place of gelu", (_at(line),)))
        return approximate

    with _met(added, gelu), optimizers.noted(variants):
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

    def gelu(approximate):
        name = variant.claim.removesuffix(" is in place of gelu")
        return GELUS[name] if name in GELUS and _at(line) in variant.places else approximate

    with ExitStack() as stack:
        if callable(variant.change):
            stack.enter_context(holding(dict(_modules(model)), variant))
        stack.enter_context(optimizers.applied(variant))
        stack.enter_context(_met(added, gelu))
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
def _met(added, gelu):
    """Let small numbers that are added, and whether GELU is approximate, be changed as they come.

    added, gelu: given a number, or whether it is approximate, return what is put in its place.
    """
    evaluate, owners = EvalTrace.process_primitive, [jax.nn]
    owners += [sys.modules[name] for name in ("flax.nnx", "flax.linen") if name in sys.modules]

    def evaluated(trace, primitive, args, params):
        if primitive.name == "add":
            args = [_with_others(value, added) for value in args]
        return evaluate(trace, primitive, args, params)

    def called(x, approximate=True):
        return own(x, gelu(approximate))

    own = jax.nn.gelu
    EvalTrace.process_primitive = evaluated
    for owner in owners:
        owner.gelu = called
    try:
        with jax.disable_jit():
            yield
    finally:
        for owner in owners:
            owner.gelu = own
        EvalTrace.process_primitive = evaluate


def _with_others(value, added):
    """Return a small number as it is changed, and anything else as it is."""
    number = np.asarray(value)
    if number.ndim or number.dtype.kind != "f" or not 0 < number <= NEGLIGIBLE:
        return value
    other = added(float(number))
    return value if other == float(number) else jax.numpy.asarray(other, number.dtype)
