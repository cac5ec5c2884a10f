"""Looking inside a forward pass: what goes into each layer, and which values come up in it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import default_rng
from numpy.typing import NDArray

from parity.contract import Port
from parity.standard import layers
from parity.standard.floors import K, largest_distance
from parity.standard.inputs import Inputs, Tensors
from parity.standard.native import Native, all_in_precision, in_precision, wide
from parity.standard.reference import Floors

Array = NDArray[Any]
Arguments = dict[str, tuple[Array, ...]]  # of layers, by their names
FINER = 2.0**-29  # float64's rounding over float32's


@dataclass(frozen=True)
class GivenLayers:
    """What goes into the reference's layers at one step, and what comes out of that.

    given: by layer, rounded to the working precision. expected, floors: what each then makes of it,
    by name, and its noise floors.
    """

    given: Arguments
    expected: Tensors
    floors: Floors


@dataclass(frozen=True)
class FoundLayers:
    """How close what comes out of each of a port's layers is to something in the reference.

    ratios: in noise floors, by name.
    """

    ratios: dict[str, float]


def single(port: Port, model: Any, layer: str) -> Callable[..., Any] | None:
    """Return one layer of a model as a function of what goes into it, if it can be had."""
    if port.has("layer"):
        return lambda *arrays: port.module.layer(model, layer, *arrays)
    own: Callable[..., Any] | None = layers.named(port, model).get(layer)
    return own


def given(port: Port, inputs: Inputs, step: int, weights: Tensors) -> GivenLayers:
    """Return what goes into each of the reference's layers, and what each makes of that alone.

    Args:
        port: the reference.
        inputs: of the run.
        step: whose batch is taken.
        weights: before that step, rounded to the working precision.
    """
    exact = Native(port, inputs, "float64")
    arguments = {
        name: tuple(in_precision(array, inputs.dtype) for array in arrays)
        for name, arrays in _arguments(exact, step, weights).items()
    }
    expected = _alone(exact, step, weights, arguments)
    native, floors = Native(port, inputs, inputs.dtype), Floors()
    for k in range(K if expected else 0):
        with native.err(default_rng(k)):
            erring = _alone(native, step, weights, arguments)
        for name, value in expected.items():
            distance = largest_distance(value, [erring[name]], inputs.dtype)
            floors[name] = max(floors.get(name, 0.0), distance)
    return GivenLayers(arguments, expected, floors)


def found(port: Port, inputs: Inputs, step: int, weights: Tensors, layers: Tensors) -> FoundLayers:
    """Return how close a port's layers come to values that the reference computes on its way.

    Args:
        port: the reference.
        inputs: of the run.
        step: whose batch is taken.
        weights: before that step, rounded to the working precision.
        layers: what comes out of each, by name.
    """
    exact, rough = (
        values(Native(port, inputs, dtype), step, all_in_precision(weights, dtype))
        for dtype in ("float64", "float32")
    )
    finer = FINER if inputs.dtype == "float64" else 1.0
    floors = [
        largest_distance(one, [one + (other - one) * finer], inputs.dtype)
        if one.shape == other.shape
        else 0.0
        for one, other in zip(exact, rough, strict=False)
    ]
    known = [(value, floor) for value, floor in zip(exact, floors, strict=False) if floor]
    return FoundLayers({name: nearest(value, known) for name, value in layers.items()})


def values(native: Native, step: int, weights: Tensors) -> list[Array]:
    """Return all that the operations of a forward pass give, in float64."""
    model, (x, _) = native.build(weights), native.batch(step)
    noted = layers.values_of(native.port, lambda take: native.port.module.forward(model, take(x)))
    return [wide(value) for value in noted]


def nearest(value: Array, known: list[tuple[Array, float]]) -> float:
    """Return how many floors an array is off from the nearest of some, in whatever order they are.

    Args:
        value: of any shape.
        known: arrays, of which those of the same size are looked at, each with its noise floor.
    """
    ordered, best = np.sort(value, axis=None).astype(np.float64), np.inf
    for other, floor in known:
        if other.size == value.size and value.size:
            ends = max(abs(other.min() - ordered[0]), abs(other.max() - ordered[-1])) / floor
            if ends < best:
                best = min(best, float(np.abs(np.sort(other, axis=None) - ordered).max() / floor))
    return best


def _arguments(native: Native, step: int, weights: Tensors) -> Arguments:
    """Return what goes into the layers that can be called alone, as far as it is arrays.

    Of a reference that says by `layers` what comes out of them, and by `layer` how to call one, it
    is what comes out of the one before, if that is so.
    """
    port, (x, _) = native.port, native.batch(step)
    if not port.has("layer"):
        model = native.build(weights)
        with layers.watched(port, native.reader, model) as calls:
            native.call("forward", model, x)
        # Of a layer that is called several times, only the first is called by its own name.
        first = {call.layer: call for call in reversed(calls) if call.arguments}
        return {name: call.arguments for name, call in first.items() if call.arguments}
    inside = native.call_by_name("layers", native.build(weights), x)
    befores = [native.reader.array(x, "x"), *inside.values()]
    chain: Arguments = {name: (before,) for name, before in zip(inside, befores, strict=False)}
    made = _alone(native, step, weights, chain)
    return {
        name: arrays
        for name, arrays in chain.items()
        if name in made and np.array_equal(made[name], inside[name])
    }


def _alone(native: Native, step: int, weights: Tensors, arguments: Arguments) -> Tensors:
    """Return what each layer makes of some arguments, by name."""
    model, (x, _) = native.build(weights), native.batch(step)
    native.call("forward", model, x)  # which may prepare the model, as by model.eval()
    made: Tensors = {}
    for name, arrays in arguments.items():
        layer = single(native.port, model, name)
        if layer:
            output = layer(*map(native.given, arrays))
            made |= layers.outputs_of(native.reader, output, name)
    return made
