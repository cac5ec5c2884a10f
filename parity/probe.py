"""Running one port through all rungs, in its worker process. Its answers are judged elsewhere."""

import contextlib
import copy
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.comparison import compare_exactly
from parity.contract import Port, PortError
from parity.inputs import SPLITS, Inputs, Tensors
from parity.messages import (
    Answer,
    Calling,
    Climb,
    Lacking,
    Predictions,
    Replay,
    Send,
    Timed,
    Unchanged,
)
from shared.batches import part

Array = NDArray[Any]


def climb(port: Port, request: Climb, send: Send) -> None:
    """Call every function that the port provides, and send what it answers."""
    inputs = request.inputs
    port.configure(inputs.dtype, inputs.device, inputs.threads)
    send(Lacking(port.lacks()))
    run = _Run(port, inputs, send)
    run.build(inputs.weights)
    run.compare_data(0)
    for step, weights in request.checkpoints.items():
        run.climb_at(step, weights)
    run.predict("accuracy", run.build(request.final))
    if port.has("train", "export"):
        run.train_freely()
        run.compare_data(inputs.steps)


def replay(port: Port, request: Replay, send: Send) -> None:
    """Train freely for some steps, and send the weights."""
    inputs = request.inputs
    port.configure(inputs.dtype, inputs.device, inputs.threads)
    run = _Run(port, inputs, send)
    model, _ = run.train(
        run.build(inputs.weights),
        inputs.chunks(part(inputs.schedule, 0, request.steps)),
    )
    send(Answer("trajectory", request.steps, run.returned("export", model)))


class _Run:
    """A port at work on one recipe in one precision, with its arrays in native form."""

    def __init__(self, port: Port, inputs: Inputs, send: Send) -> None:
        self.port, self.inputs, self.send = port, inputs, send
        send(Calling("to_native"))
        self.handed = {name: inputs.array(name, "c") for name in inputs.files}
        self.native = {name: port.to_native(array) for name, array in self.handed.items()}
        self.x, self.y = self.native["x"], self.native["y"]
        self.weights: Tensors = {}
        self.native_weights: dict[str, Any] = {}
        self.schedule = copy.copy(inputs.schedule)  # the one that `train` gets

    def build(self, weights: Tensors) -> Any:
        """Build a fresh model; a port without `build` has the weights for its model."""
        self.weights = {name: value.copy() for name, value in weights.items()}
        self.native_weights = {
            name: self.port.to_native(value) for name, value in self.weights.items()
        }
        handed = dict(self.native_weights)
        return self.port.module.build(handed) if self.port.has("build") else handed

    def returned(self, function: str, *arguments: Any) -> Tensors:
        """Call a function that returns arrays by name."""
        result = getattr(self.port.module, function)(*arguments)
        if not isinstance(result, Mapping):
            raise PortError(
                f"{function} returned a {type(result).__name__}, where a dict of arrays is expected"
            )
        return {
            str(name): self.array(value, f"{function}: {name}") for name, value in result.items()
        }

    def array(self, value: Any, what: str) -> Array:
        """Convert what a port returned; plain Python floats have no precision of their own."""
        if type(value) is float:
            return np.array(value, self.inputs.dtype)
        if type(value) in (list, tuple):
            return np.array([self.array(item, what) for item in value])
        try:
            array = np.asarray(self.port.to_numpy(value))
        except Exception as error:
            raise PortError(
                f"to_numpy cannot convert the {type(value).__name__} that {what} returned ({error})"
            ) from error
        if array.dtype.kind not in "biuf":
            raise PortError(
                f"{what} returned values of type {array.dtype}, where numbers are expected"
            )
        return array

    def climb_at(self, step: int, weights: Tensors) -> None:
        """Answer the rungs forward, loss, gradients and update at one checkpoint."""
        x, y = self.batch(step)
        if self.port.has("forward"):
            self.send(Calling(f"forward, step {step}"))
            outputs = self.port.module.forward(self.build(weights), x)
            self.send(Answer("forward", step, {"outputs": self.array(outputs, "forward")}))
        if self.port.has("loss"):
            self.send(Calling(f"loss, step {step}"))
            value = self.port.module.loss(self.build(weights), x, y)
            self.send(Answer("loss", step, {"loss": self.array(value, "loss")}))
        if self.port.has("gradients"):
            self.send(Calling(f"gradients, step {step}"))
            answer = self.returned("gradients", self.build(weights), x, y)
            self.send(Answer("gradients", step, answer))
        if self.port.has("train", "export"):
            self.send(Calling(f"train, step {step}"))
            start = time.perf_counter()
            model, losses = self.train(
                self.build(weights), [part(self.inputs.schedule, step, step + 1)]
            )
            if step == 0:
                self.send(Timed("first_step", time.perf_counter() - start))
            answer = self.returned("export", model)
            self.send(Answer("update", step, {"loss": losses, **answer}))

    def batch(self, step: int) -> tuple[Any, Any]:
        """Return the rows that one step sees, in native form."""
        if isinstance(self.inputs.schedule, int):
            return self.x, self.y
        rows = self.inputs.schedule[step]
        return tuple(self.port.to_native(self.handed[name][rows]) for name in ("x", "y"))

    def train(self, model: Any, chunks: list[Any]) -> tuple[Any, Array]:
        """Call `train` once per chunk; return the model and all losses."""
        losses = []
        for schedule in chunks:
            result = self.port.module.train(
                model, self.x, self.y, schedule, self.inputs.learning_rate
            )
            if not (isinstance(result, tuple) and len(result) == 2):
                raise PortError("train did not return a tuple of two, (model, losses)")
            model = result[0]
            losses.append(self.array(result[1], "train"))
        return model, losses[0] if len(losses) == 1 else np.concatenate(losses)

    def train_freely(self) -> None:
        """Answer the rung trajectory: the whole run, and what became of the model."""
        self.send(Calling(f"train, all {self.inputs.steps:,} steps"))
        model = self.build(self.inputs.weights)
        start = time.perf_counter()
        model, losses = self.train(model, self.inputs.chunks(self.schedule))
        self.send(Timed("train", time.perf_counter() - start))
        answer = self.returned("export", model)
        self.send(Answer("trajectory", self.inputs.steps, {"loss": losses, **answer}))
        self.predict("trajectory", model)

    def predict(self, rung: str, model: Any) -> None:
        """Send the model's outputs and the port's own accuracy, on the rows of each split."""
        for split, (x, y) in SPLITS.items():
            if x not in self.native or not (self.port.has("forward") or self.port.has("accuracy")):
                continue
            outputs = figure = None
            if self.port.has("forward"):
                self.send(Calling(f"forward, all {split} rows"))
                outputs = self.array(self.port.module.forward(model, self.native[x]), "forward")
            if self.port.has("accuracy"):
                self.send(Calling(f"accuracy, all {split} rows"))
                value = self.port.module.accuracy(model, self.native[x], self.native[y])
                figure = self.scalar(value)
            self.send(Predictions(rung, split, outputs, figure))

    def scalar(self, value: Any) -> float:
        """Convert an accuracy, a single real number."""
        array = self.array(value, "accuracy")
        if array.size != 1 or array.dtype.kind != "f":
            raise PortError(
                f"accuracy returned {array.dtype} of shape {array.shape}, where a fraction is due"
            )
        return float(array.reshape(()))

    def compare_data(self, step: int) -> None:
        """Answer the rung data: what was handed over is what was sent, and reads back as that.

        After training, a port may have consumed its native weights (JAX can donate them).
        """
        self.send(Calling("to_numpy"))
        found = []
        for name in self.inputs.files:
            sent = self.inputs.array(name)
            found.append(compare_exactly(name, step, sent, self.handed[name]))
            back = self.array(self.native[name], "to_native")
            found.append(compare_exactly(name, step, sent, back))
        for name, sent in self.inputs.weights.items():
            found.append(compare_exactly(name, step, sent, self.weights[name]))
            with contextlib.nullcontext() if step == 0 else contextlib.suppress(PortError):
                back = self.array(self.native_weights[name], "to_native")
                found.append(compare_exactly(name, step, sent, back))
        if not isinstance(self.schedule, int):
            sent = np.asarray(self.inputs.schedule)
            found.append(compare_exactly("schedule", step, sent, self.schedule))
        self.send(Unchanged(found))
