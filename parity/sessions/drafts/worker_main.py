"""The process in which a user's model is imported: drafts references, until its input ends.

Run as `python -m parity.sessions.drafts.worker_main`.
"""

import importlib
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.contract import PortError
from parity.processes import quiet_import, serving
from parity.processes.messages import Calling
from parity.sessions.drafts import made, port_text
from parity.sessions.drafts.messages import Draft, DraftMessage, Look

Array = NDArray[Any]
ROWS, TEST_ROWS = 64, 16


def answer(request: Look, send: Callable[[DraftMessage], None]) -> None:
    """Draft a reference.

    Raises:
        PortError: the model cannot be made, or is nothing that a reference can be drafted for.
    """
    send(Calling(request.text))
    sys.path.append(request.folder)  # last, as that of a port is
    quiet_import.import_framework(request.framework)
    runtime = importlib.import_module(f"impls.{request.framework}.runtime")
    tools = importlib.import_module(f"impls.{request.framework}.draft")
    runtime.configure("float32", "cpu", 1)
    found = made.make(request, tools)
    model, random = found.model, np.random.default_rng(0)
    shape = request.shape or model.shape()
    if shape is None:
        raise PortError("nothing says what it takes: say --input, the shape of one example")
    send(Calling(f"{request.text}, called on rows of shape {'x'.join(map(str, shape))},"))
    x = _inputs(random, (ROWS + TEST_ROWS, *shape), model.symbols())
    outputs = _outputs(model, x)
    weights = {name: _plain(value) for name, value in model.weights().items()}
    kind = _kind(outputs)
    y = _targets(random, outputs, kind)
    text = port_text.write(request, found, shape, model.mode(x[:TEST_ROWS]), kind)
    data = {"x": x[:ROWS], "y": y[:ROWS], "x_test": x[ROWS:], "y_test": y[ROWS:]}
    loss = "mean squared error" if kind == "numbers" else "cross-entropy"
    send(Draft(text, weights, data, loss))


def _inputs(random: np.random.Generator, shape: tuple[int, ...], symbols: int | None) -> Array:
    """Draw inputs: numbers or, where a model looks them up, symbols."""
    if symbols:
        return random.integers(0, symbols, shape)
    return random.standard_normal(shape).astype(np.float32)


def _outputs(model: Any, x: Array) -> Array:
    """Return the outputs on rows.

    Raises:
        PortError: they are no array with a row for each.
    """
    outputs = model.run(x)
    if not isinstance(outputs, np.ndarray):
        raise PortError(
            f"it returns a value of type {type(outputs).__name__}, where one array is expected: "
            "name a function that makes a model which returns its outputs alone"
        )
    if outputs.shape[:1] != x.shape[:1] or outputs.dtype.kind != "f":
        raise PortError(
            f"it returns {outputs.dtype} of shape {outputs.shape} for {len(x)} rows, where numbers "
            "are expected, a row for each"
        )
    return outputs


def _kind(outputs: Array) -> port_text.Kind:
    """Return what outputs look like: one logit or one probability for each class, or numbers."""
    if outputs.ndim != 2 or outputs.shape[1] < 2:
        return "numbers"
    if (outputs >= 0).all() and np.allclose(outputs.sum(1), 1):
        return "probabilities"
    return "logits"


def _targets(random: np.random.Generator, outputs: Array, kind: port_text.Kind) -> Array:
    """Draw targets: a class for each row, or numbers as the outputs are."""
    if kind == "numbers":
        return random.standard_normal(outputs.shape).astype(np.float32)
    return random.integers(0, outputs.shape[1], len(outputs))


def _plain(weight: Array) -> Array:
    """Return a weight as a recipe takes it: a mask as whole numbers."""
    return weight.astype(np.uint8) if weight.dtype.kind == "b" else weight


if __name__ == "__main__":
    serving.serve(Look, answer)
