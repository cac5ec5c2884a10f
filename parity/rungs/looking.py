"""Looking inside a port's forward pass, once it differs, to find the layer that is wrong."""

from collections.abc import Callable
from typing import Any

import numpy as np

from parity.contract import Port
from parity.processes.messages import Answer, Calling, Look, Send
from parity.rungs.climb import Run
from parity.standard import inside, layers
from parity.standard.inputs import Tensors
from shared.rows import gathered, mapped

# What is answered in place of a rung: what each layer makes of the reference's own input to it;
# how many floors each of the reference's layers is off from what comes up in the port; and what
# comes out of the port's own layers.
GIVEN, NEAREST, NAMED = "layers given their inputs", "nearest to layers", "layers"
# In which order of its axes a layer may take what the reference's takes: channels are the second
# axis of an image, or the last.
ORDERS = {"": None, ", channels last": (1, -1), ", channels first": (-1, 1)}


def look(port: Port, request: Look, send: Send) -> None:
    """Send what the port's layers make of given inputs, and which values it comes by."""
    run, function = Run(port, request.inputs, request.mode, send), request.function
    _, native = run.batch(request.step)
    x, y = gathered("x", native), gathered("y", native)
    model = run.build(request.weights)
    send(Calling(f"{function}, to see its layers"))
    with layers.watched(port, run.reader, model) as calls:
        inside.call(port, model, x, y, function)
    named = {name: value for call in calls for name, value in call.outputs.items()}
    send(Answer(NAMED, request.step, named))
    for said, axes in ORDERS.items():
        made: Tensors = {}
        for name, arrays in request.given.items():
            send(Calling(f"layer {name}"))
            ordered = [_moved(array, axes) for array in arrays]
            made |= _made(run, model, name, [a for a in ordered if a is not None])
        send(Answer(f"{GIVEN}{said}", request.step, made))
    send(Calling(f"{function}, operation by operation"))

    def taken(take: Callable[[Any], Any]) -> None:
        model = run.build(request.weights, take)
        inside.call(port, model, mapped(take, x), y, function)

    noted = layers.values_of(port, taken)
    known = [value.array for value in noted]
    ratios = {
        name: np.array(inside.nearest(value, [(each, request.floors[name]) for each in known]))
        for name, value in request.expected.items()
    }
    send(Answer(NEAREST, request.step, ratios))


def _made(run: Run, model: Any, name: str, arrays: list[Any]) -> Tensors:
    """Return what a layer of the port's makes of some arrays; nothing, if it takes no such ones."""
    layer = inside.single(run.port, model, name)
    if layer is None or not arrays:
        return {}
    try:
        output = layer(*(run.port.to_native(array.copy()) for array in arrays))
    except Exception:  # it has other axes, or another number of inputs, than the reference's
        return {}
    return layers.outputs_of(run.reader, output, name)


def _moved(array: Any, axes: tuple[int, int] | None) -> Any:
    """Return an array with one axis moved; None where it has too few for that."""
    if axes is None:
        return array
    return np.ascontiguousarray(np.moveaxis(array, *axes)) if array.ndim > 2 else None
