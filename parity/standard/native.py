"""A port at work for its standard: it is given NumPy arrays, and what it answers are NumPy arrays.

Under noise, it is checked that what it answers has kept it.
"""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from parity.contract import Noise, Port
from parity.standard import layers
from parity.standard.inputs import Inputs, Tensors
from parity.standard.returned import Reader, trained
from shared.batches import Schedule
from shared.rows import Array, Rows, joined, mapped, picked


@dataclass
class Native:
    """A port, and the data of one recipe as its framework holds them, in one precision.

    Args:
        port: whichever is the reference.
        inputs: of the run.
        dtype: "float64", or the working precision, in which its noise is measured.
        order: of the rows, (rows,), where not their own.
    """

    port: Port
    inputs: Inputs
    dtype: str
    order: NDArray[np.int64] | None = None
    noise: Noise | None = None
    _all_rows: dict[str, Any] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.reader = Reader(self.port, self.dtype, sys.maxsize)
        self.configure()

    def configure(self) -> None:
        """Prepare the framework for the precision, after another may have been at work."""
        self.port.configure(self.dtype, "cpu", self.inputs.threads)

    @contextmanager
    def err(self, random: Generator) -> Iterator[None]:
        """Let every operation of the port err at random for a while."""
        with self.port.noise(random) as self.noise:
            try:
                yield
            finally:
                self.noise = None

    def data(self, name: str) -> Any:
        """Return all rows of "x", "y", "x_test" or "y_test"."""
        if name not in self._all_rows:
            rows = self.inputs.data(name)
            rows = rows if self.order is None else picked(rows, self.order)
            self._all_rows[name] = mapped(self._converted, rows)
        return mapped(self._take, self._all_rows[name])

    def given(self, rows: Rows) -> Any:
        """Return a NumPy array, or several, as the framework holds it, in the precision, erring."""
        return mapped(lambda array: self._take(self._converted(array)), rows)

    def batch(self, step: int) -> tuple[Any, Any]:
        """Return the rows of x and of y that one step sees, (B, ...), or all of them."""
        rows = self.inputs.rows(step)
        if isinstance(rows, slice) and rows == slice(None):
            return self.data("x"), self.data("y")
        x, y = (self.given(picked(self.inputs.data(name), rows)) for name in ("x", "y"))
        return x, y

    def build(self, weights: Tensors) -> Any:
        """Build a model; a port without `build` has the weights for its model."""
        native = {name: self.given(value) for name, value in weights.items()}
        return self.port.module.build(native) if self.port.has("build") else native

    def call(self, function: str, *arguments: Any) -> Array:
        """Call a function that returns an array."""
        value = getattr(self.port.module, function)(*arguments)
        self._check([value], function)
        return self.reader.array(value, function)

    def call_by_name(self, function: str, *arguments: Any) -> Tensors:
        """Call a function that returns arrays by name."""
        result = getattr(self.port.module, function)(*arguments)
        self._check(result.values(), function)
        return self.reader.by_name(result, function)

    def forward(self, model: Any, x: Any) -> Tensors:
        """Return the outputs and, of a user's net, what its layers give, as its framework sees."""
        if not self.inputs.optional_layers or "layers" in self.inputs.functions:
            return {layers.OUTPUTS: self.call("forward", model, x)}
        with layers.watched(self.port, self.reader, model) as calls:
            outputs = self.call("forward", model, x)
        inside = {name: value for call in calls for name, value in call.outputs.items()}
        return {**layers.fitting(inside, layers.KEPT), layers.OUTPUTS: outputs}

    def outputs(self, model: Any, name: str) -> Array:
        """Return the outputs of all rows of "x" or "x_test", (rows, ...)."""
        whole, parts = self.inputs.data(name), self.inputs.parts(name)
        given = (
            (self.given(picked(whole, rows)) for rows in parts) if parts[1:] else [self.data(name)]
        )
        return joined([self.call("forward", model, x) for x in given])

    def train(
        self, model: Any, schedule: Schedule, rate: float, data: tuple[Any, Any] | None = None
    ) -> tuple[Any, Any]:
        """Train a model on some data, or on all rows; return it, and its losses as they come."""
        x, y = data or (self.data("x"), self.data("y"))
        return trained(model, self.port.module.train(model, x, y, schedule, rate))

    def export(self, model: Any, losses: Any = ()) -> tuple[Tensors, Array]:
        """Return the weights of a trained model, and the losses that `train` returned, (steps,)."""
        weights = self.port.module.export(model)
        self._check([*weights.values(), losses], "train")
        named = self.reader.by_name(weights, "export")
        return {n: _numeric(w) for n, w in named.items()}, self.reader.array(losses, "train")

    def _converted(self, array: Array) -> Any:
        array = in_precision(array, self.dtype)
        plain = array if array.flags.c_contiguous else array.copy()  # PyTorch takes no others
        return self.port.to_native(plain)

    def _take(self, value: Any) -> Any:
        return self.noise.take(value) if self.noise else value

    def _check(self, values: Iterable[Any], function: str) -> None:
        """Under noise, check that all that a function returned, in lists too, has kept it."""
        if self.noise:
            lists = [each if isinstance(each, list | tuple) else [each] for each in values]
            self.noise.require([value for each in lists for value in each], function)


def _numeric(array: Array) -> Array:
    """Return a mask as whole numbers, which have differences; other arrays as they are."""
    return array.astype(np.int64) if array.dtype.kind == "b" else array


def in_precision(array: Array, dtype: str) -> Array:
    """Return an array in another precision; whole numbers stay as they are."""
    return array.astype(dtype, copy=False) if array.dtype.kind == "f" else array


def all_in_precision(tensors: Tensors, dtype: str) -> Tensors:
    """Return arrays by name in another precision."""
    return {name: in_precision(value, dtype) for name, value in tensors.items()}


def wide(array: Any) -> Any:
    """Return a copy in float64; whole numbers stay as they are."""
    return array.astype(np.float64) if array.dtype.kind == "f" else np.array(array)


def wide_all(tensors: Tensors) -> Tensors:
    """Return copies in float64."""
    return {name: wide(value) for name, value in tensors.items()}
