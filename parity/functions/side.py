"""One of two functions that are held to each other: called with arrays, it gives arrays."""

import math
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

from parity.contract import Noise, PortError
from parity.functions.arguments import Arguments, path_of
from parity.functions.frameworks import ENDS, Framework, called, framework_of
from parity.functions.reach import reached
from parity.standard.inputs import Tensors
from parity.standard.native import in_precision
from parity.standard.nested import flatten, replaced
from parity.standard.returned import Reader
from shared.errors import InputError
from shared.rounding import Rounding

Array = NDArray[Any]
WEIGHTS = np.arange(1, 9) / 8  # which no precision rounds
LARGEST = 1 << 40  # values; whatever a function returns is compared


def weights(shape: Sequence[int]) -> Array:
    """Return weights of the numbers of an output, of which a sum is differentiated.

    A plain sum says nothing of what LayerNorm or a softmax returns, for it is the same whatever
    they are given. A single number, such as a loss, has weight 1.
    """
    size = math.prod(shape)
    chosen = default_rng(0).choice(WEIGHTS, size) if size != 1 else np.ones(1)
    return chosen.reshape(tuple(shape))


@dataclass(frozen=True)
class Side:
    """A function, its framework, and whatever holds weights of its own among what it uses.

    role: "reference" or "port".
    """

    role: str
    function: Any
    framework: Framework
    owners: tuple[Any, ...]

    def __str__(self) -> str:
        return f"{called(self.function)} ({self.framework.name})"

    def noise(self, random: Generator) -> Noise:
        """Return noise for the framework, with errors from `random`."""
        noise: Noise = self.framework.noise.Noise(Rounding(random))
        return noise

    def run(
        self,
        arguments: Arguments,
        dtype: str,
        noise: Noise | None = None,
        eagerly: bool = False,
        working: str | None = None,
    ) -> Tensors:
        """Call the function in one precision; return what it returns, and gradients, by path.

        Args:
            arguments: of which it gets copies.
            dtype: the precision to call it in.
            noise: under which it is called, if it is to err.
            eagerly: without its framework's compiler.
            working: the precision that all numbers are rounded to before; otherwise the arguments'.

        Raises:
            PortError: it returned something that cannot be taken for arrays.
            NoiseLostError: it has lost the noise.
        """
        __tracebackhide__ = True  # what a function raises is shown from the function on
        working = working or arguments.dtype
        tools = self.framework.tools
        try:
            with tools.precision(dtype), tools.holding(self.owners, working, dtype):
                arrays = {
                    path: self.framework.port.to_native(
                        in_precision(in_precision(array, working), dtype)
                    )
                    for path, array in arguments.arrays.items()
                }
                with noise or nullcontext(), tools.eagerly() if eagerly else nullcontext():
                    leaves, gradients = self._call(arguments, arrays, noise)
                return self._read({**leaves, **gradients}, dtype, noise)
        except (InputError, PortError):
            raise
        except Exception as error:
            error.add_note(self._circumstances(dtype, noise))
            raise

    def _call(
        self, arguments: Arguments, arrays: dict[str, Any], noise: Noise | None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        __tracebackhide__ = True
        taken = {path: noise.take(each) if noise else each for path, each in arrays.items()}

        def call(changed: list[Any]) -> dict[str, Any]:
            __tracebackhide__ = True
            new = dict(zip(arguments.wrt, changed, strict=True))
            leaves = {**arguments.plain, **taken, **new}
            whole = [
                replaced(each, path_of(number), leaves)
                for number, each in enumerate(arguments.whole)
            ]
            return flatten(self.function(*whole), "outputs")

        if not arguments.wrt:
            return call([]), {}
        outputs, gradients = self.framework.tools.differentiate(
            call, [taken[path] for path in arguments.wrt], weights
        )
        names = [f"gradients{path.removeprefix('arguments')}" for path in arguments.wrt]
        return outputs, dict(zip(names, gradients, strict=True))

    def _read(self, leaves: dict[str, Any], dtype: str, noise: Noise | None) -> Tensors:
        reader = Reader(self.framework.port, dtype, LARGEST)
        arrays = {path: reader.array(leaf, f"{self}, at {path},") for path, leaf in leaves.items()}
        if noise:
            erring = [leaf for path, leaf in leaves.items() if arrays[path].dtype.kind == "f"]
            noise.require(erring, called(self.function))
        return arrays

    def _circumstances(self, dtype: str, noise: Noise | None) -> str:
        how = f"in {dtype}, with rounding errors added" if noise else f"in {dtype}"
        advice = ""
        if self.role == "reference":
            advice = (
                "; it must be able to run in float64 as well: pass the weights that it uses as "
                "arguments"
            )
        return f"The {self.role} {self} was called {how}{advice}."


def side(role: str, function: Any, asked: str | None, keyword: str, differentiated: bool) -> Side:
    """Return a function ready to be called.

    Args:
        role: "reference" or "port".
        function: anything that can be called.
        asked: its framework's name, where it is said.
        keyword: by which it can be said.
        differentiated: whether its gradients are asked for.

    Raises:
        InputError: it cannot be called, or its framework cannot be told.
    """
    if not callable(function):
        raise InputError(f"the {role} is of type {type(function).__name__}, and cannot be called")
    framework = framework_of(function, asked, keyword)
    if differentiated and not hasattr(framework.tools, "differentiate"):
        raise InputError(
            f"wrt asks for gradients, but {called(function)} is written in {framework.name}, which "
            "cannot differentiate: leave wrt out, and let both functions return their gradients"
        )
    owners = tuple(value for value in reached(function, ENDS) if framework.tools.owns(value))
    return Side(role, function, framework, owners)
