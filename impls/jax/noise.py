"""Noise in JAX: every operation errs as another library's might.

What is compiled is not executed. Its program is gone through instead, one primitive after the
other, those of what differentiates it too, and each errs.
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax._src import pjit  # there is no public place in which programs and operations can be met
from jax._src.core import EvalTrace, eval_context
from jax.extend.core import Literal

from impls.jax.primitives import NUMPY
from shared.operations import Operations
from shared.rounding import NoiseLostError, alike

OPERATIONS = Path(__file__).with_name("operations.toml")
# What holds a program, and under which name.
PROGRAMS = {
    "closed_call": "call_jaxpr",
    "core_call": "call_jaxpr",
    "custom_jvp_call": "call_jaxpr",
    "custom_vjp_call": "call_jaxpr",
    "jit": "jaxpr",
    "pjit": "jaxpr",
    "remat2": "jaxpr",
}
# What would be compiled as a whole, so that nothing in it errs.
OPAQUE = {"pmap", "shard_map"}


class Noise:
    """While it lasts, every operation errs at random."""

    def __init__(self, rounding):
        self.operations = Operations(OPERATIONS, rounding)
        self.executing = False

    def __enter__(self):
        self.evaluate, self.execute = EvalTrace.process_primitive, pjit._pjit_call_impl_python
        EvalTrace.process_primitive = lambda trace, *args: self.met(trace, *args)
        pjit._pjit_call_impl_python = self.called
        self.apart = jax.no_execution(True)  # what would be executed nonetheless is an error
        self.apart.__enter__()
        return self

    def __exit__(self, *error):
        self.apart.__exit__(*error)
        EvalTrace.process_primitive = self.evaluate
        pjit._pjit_call_impl_python = self.execute

    def take(self, value):
        """Return an array as it is: it is the operations that err."""
        return value

    def require(self, values, where):
        """Check that something has erred since the last time.

        Raises:
            NoiseLostError: nothing has; `where` is named.
        """
        self.operations.require(where)

    def met(self, trace, primitive, args, params):
        """Evaluate a primitive that is called by itself, with arrays of JAX's."""
        if self.executing:
            return self.evaluate(trace, primitive, args, params)
        results = [self.native(value) for value in self.process(primitive, args, params)]
        return results if primitive.multiple_results else results[0]

    def called(self, *args, jaxpr, **params):
        """Return what a compiled function would; and no program of which to make a shortcut."""
        if self.executing:
            return self.execute(*args, jaxpr=jaxpr, **params)
        return [self.native(value) for value in self.run(jaxpr, args)], None, None, []

    def native(self, value):
        """Return a value as JAX holds it."""
        return self.undisturbed(jnp.asarray, value) if isinstance(value, np.ndarray) else value

    def undisturbed(self, function, *args, **params):
        """Call a function in which nothing errs."""
        self.executing = True
        try:
            with jax.no_execution(False), eval_context():
                return function(*args, **params)
        finally:
            self.executing = False

    def run(self, program, args):
        """Go through a program, closed or not, and return its results."""
        jaxpr = getattr(program, "jaxpr", program)
        values = dict(zip(jaxpr.constvars, getattr(program, "consts", ()), strict=True))
        values |= zip(jaxpr.invars, map(_plain, args), strict=True)

        def read(atom):
            if isinstance(atom, Literal):
                return np.asarray(atom.val, atom.aval.dtype)
            return values[atom]

        for equation in jaxpr.eqns:
            results = self.process(equation.primitive, map(read, equation.invars), equation.params)
            values |= zip(equation.outvars, results, strict=True)
        return list(map(read, jaxpr.outvars))

    def process(self, primitive, args, params):
        """Return the results of a primitive, which err."""
        operations, name, args = self.operations, primitive.name, list(map(_plain, args))
        if name in PROGRAMS:
            return self.run(params[PROGRAMS[name]], args)
        if name in LOOPS:
            return LOOPS[name](self.run, args, **params)
        if name in OPAQUE:
            raise NoiseLostError(f"{name} is compiled as a whole, so that nothing in it errs")
        if operations.is_composed(name):
            return _listed(primitive, primitive.impl(*args, **params))
        if operations.is_exact(name):
            return self.computed(primitive, args, params)
        if operations.sums(name):
            args = [operations.rounding.rounded(v) if _is_real(v) else v for v in alike(args)]
        if name == "reduce_sum" and _is_real(args[0]):
            return [operations.rounding.sum(args[0], params["axes"])]
        if name == "dot_general":
            args = self.reordered(args, *params["dimension_numbers"][0])
        error = operations.error(name)
        results = self.computed(primitive, args, params)
        return [
            error(value, copy=not value.flags.writeable)
            if _is_real(value)
            else value  # NumPy's own
            for value in results
        ]

    def computed(self, primitive, args, params):
        """Return the results of a primitive, as they are."""
        if primitive.name in NUMPY and all(isinstance(value, np.ndarray) for value in args):
            with np.errstate(all="ignore"):
                result = NUMPY[primitive.name](*args, **params)
            if result is not NotImplemented:
                return [np.asarray(result)]
        results = self.undisturbed(primitive.impl, *args, **params)
        return list(map(_plain, _listed(primitive, results)))

    def reordered(self, factors, first_axes, second_axes):
        """Return two factors whose contracted axes are summed over in another order."""
        first, second = factors
        for one, other in zip(first_axes, second_axes, strict=True):
            order = self.operations.rounding.order(first.shape[one])
            if not isinstance(order, slice):
                first, second = first.take(order, one), second.take(order, other)
        return [first, second]


def scan(run, args, jaxpr, length, reverse, **params):
    """Do what a scan does, step by step."""
    if "ft_in" in params:  # since JAX 0.12
        num_consts, num_carry = map(len, params["ft_in"].unpack()[:2])
    else:
        num_consts, num_carry = params["num_consts"], params["num_carry"]
    constants, carry = args[:num_consts], args[num_consts : num_consts + num_carry]
    rows, stacked = args[num_consts + num_carry :], []
    for step in reversed(range(length)) if reverse else range(length):
        results = run(jaxpr, [*constants, *carry, *(each[step] for each in rows)])
        carry = results[:num_carry]
        stacked.append(results[num_carry:])
    if not length:
        avals = jaxpr.out_avals[num_carry:]
        return [*carry, *(np.zeros((0, *aval.shape), aval.dtype) for aval in avals)]
    stacked = stacked[::-1] if reverse else stacked
    return [*carry, *(np.stack(each) for each in zip(*stacked, strict=True))]


def repeat(run, args, cond_jaxpr, cond_nconsts, body_jaxpr, body_nconsts):
    """Do what a while loop does, step by step.

    Raises:
        NoiseLostError: it is of several examples, each of which may end after another step.
    """
    known, constants = args[:cond_nconsts], args[cond_nconsts : cond_nconsts + body_nconsts]
    carry = args[cond_nconsts + body_nconsts :]
    if cond_jaxpr.out_avals[0].shape:
        raise NoiseLostError("a while loop under vmap is not known to keep the noise")
    while run(cond_jaxpr, [*known, *carry])[0]:
        carry = run(body_jaxpr, [*constants, *carry])
    return carry


def choose(run, args, branches, **_):
    """Do what a cond or a switch does."""
    return run(branches[int(np.clip(args[0], 0, len(branches) - 1))], args[1:])


LOOPS = {"scan": scan, "while": repeat, "cond": choose}


def _listed(primitive, results):
    return list(results) if primitive.multiple_results else [results]


def _plain(value):
    """Return an array as NumPy holds it, if it can: it holds no keys of random numbers."""
    can = isinstance(getattr(value, "dtype", value), np.dtype | int | float | complex)
    return np.asarray(value) if can else value


def _is_real(value):
    """Whether a value is made of real or complex numbers."""
    return jnp.issubdtype(value.dtype, jnp.inexact)
