"""Looking inside a forward pass: what goes into each layer, and which values come up in it."""

import linecache
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import default_rng
from numpy.typing import NDArray

from parity.contract import Port
from parity.standard import layers
from parity.standard.floors import K, largest_distance
from parity.standard.inputs import Inputs, Tensors
from parity.standard.layers import Value
from parity.standard.native import Native, all_in_precision, in_precision, wide
from parity.standard.reference import Floors
from shared.rounding import NoiseLostError
from shared.rows import mapped, picked

Array = NDArray[Any]
Arguments = dict[str, tuple[Array, ...]]  # of layers, by their names
FINER = 2.0**-29  # float64's rounding over float32's


@dataclass(frozen=True)
class ReferenceLayers:
    """The reference's layers at one step, as one of its functions computes them.

    kinds: what each layer is, by its name: that of its class. came_out: by name, in the order in
    which they are computed. given: what goes into each, rounded to the working precision. alone:
    what it then makes of that. lines: of its file, by "file.py:12". computed: what they give.
    floors, alone_floors, computed_floors: the noise floors of what came out, of what each layer
    makes of what it is given, and of what lines give.
    """

    kinds: dict[str, str]
    came_out: Tensors
    floors: Floors
    given: Arguments
    alone: Tensors
    alone_floors: Floors
    lines: dict[str, str]
    computed: Tensors
    computed_floors: Floors


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


def refer(
    port: Port, inputs: Inputs, step: int, weights: Tensors, function: str
) -> ReferenceLayers:
    """Return what goes into each of the reference's layers, what comes out, and what they do alone.

    Args:
        port: the reference.
        inputs: of the run.
        step: whose batch is taken.
        weights: before that step, rounded to the working precision.
        function: "forward" or "loss".
    """
    exact = Native(port, inputs, "float64")
    came_out, arguments = _called(exact, step, weights, function)
    came_out = layers.fitting(came_out, layers.LOOKED_AT)
    rounded = {
        name: tuple(in_precision(array, inputs.dtype) for array in arrays)
        for name, arrays in arguments.items()
        if came_out
    }
    alone = _alone(exact, step, weights, function, rounded)
    native = Native(port, inputs, inputs.dtype)
    floors, alone_floors = Floors(), Floors()
    for k in range(K if came_out else 0):
        with native.err(default_rng(k)):
            erring, _ = _called(native, step, weights, function)
            alone_erring = _alone(native, step, weights, function, rounded)
        _widen(floors, came_out, erring, inputs.dtype)
        _widen(alone_floors, alone, alone_erring, inputs.dtype)
    kinds = layers.kinds(port, exact.build(weights))
    lines = _lines(port, inputs, step, weights, function)
    return ReferenceLayers(kinds, came_out, floors, rounded, alone, alone_floors, *lines)


def found(
    port: Port, inputs: Inputs, step: int, weights: Tensors, function: str, layers: Tensors
) -> FoundLayers:
    """Return how close a port's layers come to values that the reference computes on its way.

    Args:
        port: the reference.
        inputs: of the run.
        step: whose batch is taken.
        weights: before that step, rounded to the working precision.
        function: "forward" or "loss".
        layers: what comes out of each, by name.
    """
    known = [
        (value.array, floor) for value, floor in _values(port, inputs, step, weights, function)
    ]
    return FoundLayers({name: nearest(value, known) for name, value in layers.items()})


def _values(
    port: Port, inputs: Inputs, step: int, weights: Tensors, function: str
) -> list[tuple[Value, float]]:
    """Return what the reference's operations give in float64, and how far rounding moves that.

    That is how far its plain run in float32 is off; in float64, so much less as that is finer.
    """
    exact, rough = (
        _noted(Native(port, inputs, dtype), step, all_in_precision(weights, dtype), function)
        for dtype in ("float64", "float32")
    )
    if [value.array.shape for value in exact] != [value.array.shape for value in rough]:
        return []  # it computes in one precision what it does not in the other
    finer = FINER if inputs.dtype == "float64" else 1.0
    return [
        (value, largest_distance(value.array, [moved], inputs.dtype))
        for value, other in zip(exact, rough, strict=True)
        for moved in [value.array + (other.array - value.array) * finer]
        if value.array.size and np.isfinite(value.array).all() and np.isfinite(moved).all()
    ]


def _lines(
    port: Port, inputs: Inputs, step: int, weights: Tensors, function: str
) -> tuple[dict[str, str], Tensors, Floors]:
    """Return the lines of the reference that depend on its inputs, what they give, and floors.

    Of a line that several operations come from, the last one counts. The same line is another, if
    it is run again.
    """
    values = _values(port, inputs, step, weights, function)
    native = Native(port, inputs, "float64")
    other = _noted(native, step, weights, function, reverse=True)
    constant = {
        id(value)
        for (value, _), turned in zip(values, other, strict=False)
        if np.array_equal(value.array, turned.array)
    }
    texts, given, floors = dict[str, str](), Tensors(), Floors()
    times, before = Counter[tuple[str, int]](), None
    for value, floor in values:
        if value.line is None or id(value) in constant:
            continue
        times[value.line] += value.line != before
        before, (file, number) = value.line, value.line
        again = f" ({times[value.line]})" if times[value.line] > 1 else ""
        name = f"{Path(file).name}:{number}{again}"
        texts[name] = linecache.getline(file, number).strip()
        given[name], floors[name] = value.array, floor
    given = layers.fitting(given, layers.LOOKED_AT)
    return {name: texts[name] for name in given}, given, floors


def _noted(
    native: Native, step: int, weights: Tensors, function: str, reverse: bool = False
) -> list[Value]:
    """Return all that the operations of a function give, in float64."""
    model, (x, y) = native.build(weights), native.batch(step)
    if reverse:
        rows = picked(native.inputs.data("x"), native.inputs.rows(step))
        x = native.given(picked(rows, slice(None, None, -1)))
    noted = layers.values_of(
        native.port, lambda take: call(native.port, model, mapped(take, x), y, function)
    )
    return [Value(wide(value.array), value.line) for value in noted]


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


def call(port: Port, model: Any, x: Any, y: Any, function: str) -> Any:
    """Call `forward` or `loss`."""
    own = getattr(port.module, function)
    return own(model, x) if function == "forward" else own(model, x, y)


def _called(
    native: Native, step: int, weights: Tensors, function: str
) -> tuple[Tensors, Arguments]:
    """Return what comes out of each layer, and what goes in, as far as it is arrays.

    Of a reference that says by `layers` what comes out of them, and by `layer` how to call one, it
    is what comes out of the one before, if that is so.
    """
    port, (x, y) = native.port, native.batch(step)
    model = native.build(weights)
    if not port.has("layers"):
        with layers.watched(port, native.reader, model) as calls:
            call(native.port, model, x, y, function)
        inside = {name: value for each in calls for name, value in each.outputs.items()}
        # Of a layer that is called several times, only the first is called by its own name.
        first = {each.layer: each.arguments for each in reversed(calls) if each.arguments}
        return inside, {name: arrays for name, arrays in first.items() if arrays}
    inside = native.call_by_name("layers", model, x) if function == "forward" else {}
    if isinstance(x, dict):
        return inside, {}
    befores = [native.reader.array(x, "x"), *inside.values()]
    chain: Arguments = {name: (before,) for name, before in zip(inside, befores, strict=False)}
    made = _alone(native, step, weights, function, chain)
    return inside, {
        name: arrays
        for name, arrays in chain.items()
        if name in made and np.array_equal(made[name], inside[name])
    }


def _alone(
    native: Native, step: int, weights: Tensors, function: str, arguments: Arguments
) -> Tensors:
    """Return what each layer makes of some arguments, by name; nothing of one that takes others."""
    model, (x, y) = native.build(weights), native.batch(step)
    call(native.port, model, x, y, function)  # which may prepare the model, as by model.eval()
    made: Tensors = {}
    for name, arrays in arguments.items():
        layer = single(native.port, model, name)
        if layer:
            made |= _made(native, layer, arrays, name)
    return made


def _made(
    native: Native, layer: Callable[..., Any], arrays: tuple[Array, ...], name: str
) -> Tensors:
    try:
        output = layer(*map(native.given, arrays))
    except NoiseLostError:
        raise
    except Exception:  # it is called with more than arrays where it belongs
        return {}
    return layers.outputs_of(native.reader, output, name)


def _widen(floors: Floors, expected: Tensors, erring: Tensors, dtype: str) -> None:
    """Take one more noisy run into the floors."""
    for name, value in expected.items():
        distance = largest_distance(value, [erring[name]], dtype)
        floors[name] = max(floors.get(name, 0.0), distance)
