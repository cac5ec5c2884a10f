"""Running one port through all rungs, in its worker process. Its answers are judged elsewhere."""

import contextlib
import copy
import math
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from parity.contract import Mode, Port, PortError
from parity.processes import programs
from parity.processes.messages import (
    Answer,
    Calling,
    Climb,
    FixedRows,
    Lacking,
    Predictions,
    Replay,
    Send,
    Shapes,
    Timed,
    Unchanged,
    Visit,
)
from parity.processes.wire import hollow
from parity.standard import returned
from parity.standard.comparison import Comparison, compare_exactly
from parity.standard.inputs import PART, SPLITS, Inputs, Tensors
from parity.standard.place import SECOND, Place
from shared import renames
from shared.batches import part
from shared.rows import Array, gathered, joined

PLANE = "plane"  # in place of a rung


def climb(port: Port, request: Climb, send: Send) -> None:
    """Call every function that the port provides, and send what it answers."""
    inputs = request.inputs
    send(Lacking(port.lacks(inputs.asked)))
    run = Run(port, inputs, request.mode, send, request.shapes)
    run.build(inputs.weights)
    run.compare_arrays(0)
    run.compare_weights(0)
    for step, weights in request.checkpoints.items():
        run.climb_at(step, weights)
    if "accuracy" in inputs.functions:
        run.predict("accuracy", run.build(request.final))
    if run.has("train"):
        model = run.train_freely()
    elif request.grid is not None:
        model = run.build(request.final)
    if request.grid is not None:
        run.draw(model, request.grid)
    run.compare_arrays(inputs.steps, after=True)


def visit(port: Port, request: Visit, send: Send) -> None:
    """Answer the rungs forward to update at one step."""
    Run(port, request.inputs, request.mode, send).climb_at(request.step, request.weights)


def replay(port: Port, request: Replay, send: Send) -> None:
    """Train freely up to each of some steps, and send the weights there."""
    inputs = request.inputs
    run = Run(port, inputs, request.mode, send)
    for stop in request.stops:
        model = run.build(inputs.weights)
        chunks = inputs.chunks(part(run.schedule, 0, stop))
        model, losses = run.train(model, chunks, f"{stop:,} steps")
        send(Answer("trajectory", stop, run.trained(model, losses)))


class Run:
    """A port at work on one recipe in one precision, with its arrays in native form."""

    def __init__(
        self, port: Port, inputs: Inputs, mode: Mode, send: Send, shapes: Shapes | None = None
    ) -> None:
        self.port, self.inputs, self.send, self.shapes = port, inputs, send, shapes or {}
        send(Calling("configure"))
        port.configure(inputs.dtype, "cpu" if port.only_cpu else inputs.device, inputs.threads)
        send(Calling("run_eagerly"))
        port.run_in(mode)
        send(Calling("keep_programs"))
        programs.keep(port)
        send(Calling("to_native"))
        self.handed = {name: inputs.array(name, "c") for name in inputs.files}
        expected = (shape for shapes in self.shapes.values() for shape in shapes.values())
        sizes = [*map(math.prod, expected), *(array.size for array in self.handed.values())]
        largest = max(sizes) if self.shapes else sys.maxsize
        self.reader = returned.Reader(port, inputs.dtype, largest)
        self.native = {name: port.to_native(array) for name, array in self.handed.items()}
        self.sent: Tensors = {}
        self.weights: Tensors = {}
        self.native_weights: dict[str, Any] = {}
        self.schedule = copy.copy(inputs.schedule)  # the one that `train` gets

    def data(self, x: str = "x", y: str = "y") -> tuple[Any, Any]:
        """Return all rows to train or to test on; of several arrays by name, a dict of its own."""
        return gathered(x, self.native), gathered(y, self.native)

    def has(self, function: str) -> bool:
        """Whether the recipe is about a function, and the port provides it."""
        return function in self.inputs.asked and self.port.has(function)

    def build(self, weights: Tensors, take: Callable[[Any], Any] = lambda value: value) -> Any:
        """Build a fresh model; a port without `build` has the weights for its model.

        take: what native arrays are first given to.
        """
        self.sent = self.inputs.handed(weights)
        self.weights = renames.to_port(self.inputs.renames, self.sent)
        self.send(Calling("to_native"))
        self.native_weights = {
            name: self.port.to_native(value) for name, value in self.weights.items()
        }
        handed = {name: take(value) for name, value in self.native_weights.items()}
        self.send(Calling("build"))
        return self.port.module.build(handed) if self.port.has("build") else handed

    def arrays_of(self, function: str, *arguments: Any) -> Tensors:
        """Call a function that returns arrays by name; weights get the reference's names."""
        got = self.reader.by_name(getattr(self.port.module, function)(*arguments), function)
        return got if function == "layers" else renames.to_reference(self.inputs.renames, got)

    def answer(self, rung: str, step: int, tensors: Tensors) -> None:
        """Send what the port answered; of what cannot be right by its shape, no more than that."""
        self.send(Answer(rung, step, self.fitting((rung, step), tensors)))

    def fitting(self, at: tuple[str, int | str], tensors: Tensors) -> Tensors:
        """Return tensors, hollow where their shape is not the one expected there."""
        expected = self.shapes.get(at, {})
        return {
            name: value if value.shape == expected.get(name, value.shape) else hollow(value)
            for name, value in tensors.items()
        }

    def climb_at(self, step: int, weights: Tensors) -> None:
        """Answer the rungs forward, loss, gradients and update at one checkpoint."""
        rows, native = self.batch(step)
        x, y = gathered("x", native), gathered("y", native)
        where = "half a batch" if step == PART else f"step {step}"
        if self.has("forward") or self.has("layers"):
            with self.sized("forward", step):
                self.answer("forward", step, self.inside_at(where, weights, x))
        if self.has("loss"):
            with self.sized("loss", step):
                model = self.build(weights)
                self.send(Calling(f"loss, {where}"))
                value = self.port.module.loss(model, x, y)
                self.answer("loss", step, {"loss": self.reader.array(value, "loss")})
        if self.has("gradients"):
            with self.sized("gradients", step):
                model = self.build(weights)
                self.send(Calling(f"gradients, {where}"))
                self.answer("gradients", step, self.arrays_of("gradients", model, x, y))
        if self.has("train"):
            with self.sized("train", step):
                if step == PART:
                    self.update_on_part(weights, x, y)
                else:
                    self.update_at(step, weights)
        self.send(
            Unchanged(
                [
                    self.same(Place("data", step, name, "batch"), sent, native[name])
                    for name, sent in rows.items()
                    if sent.size
                    and step != PART  # what writes into it, writes into whole ones, too
                ]
            )
        )

    def inside_at(self, where: str, weights: Tensors, x: Any) -> Tensors:
        """Return the outputs, and what is inside layers, as far as the port provides them."""
        answer: Tensors = {}
        if self.has("forward"):
            model = self.build(weights)
            self.send(Calling(f"forward, {where}"))
            answer["outputs"] = self.reader.array(self.port.module.forward(model, x), "forward")
        if self.has("layers"):
            model = self.build(weights)
            self.send(Calling(f"layers, {where}"))
            answer |= self.arrays_of("layers", model, x)
        return answer

    @contextlib.contextmanager
    def sized(self, function: str, step: int) -> Iterator[None]:
        """Let a function that was right to take whole batches refuse half of one.

        No recipe asks for other numbers of rows, and a port may be compiled for one alone.
        """
        try:
            yield
        except PortError:
            raise
        except Exception:
            if step != PART:
                raise
            self.send(FixedRows(function))

    def batch(self, step: int) -> tuple[Tensors, dict[str, Any]]:
        """Return the rows of x and y that one step sees, and these in native form, all by name.

        Where every step sees all rows, those are the whole arrays, and none are copied.
        """
        if isinstance(self.inputs.schedule, int) and step != PART:
            return {}, self.native
        rows = self.rows(SPLITS["train"], self.inputs.rows(step))
        return rows, self.to_native(rows)

    def rows(self, names: tuple[str, str], index: slice | Array) -> Tensors:
        """Return some rows of x and y, or of x_test and y_test, each array by its own name."""
        return {
            name: array[index]
            for name, array in self.handed.items()
            if name.partition(".")[0] in names
        }

    def to_native(self, rows: Tensors) -> dict[str, Any]:
        """Return copies in native form, by the same names."""
        return {name: self.port.to_native(array.copy()) for name, array in rows.items()}

    def update_at(self, step: int, weights: Tensors) -> None:
        """Answer the rung update: one step from a checkpoint; and, from the first, one more."""
        model = self.build(weights)
        chunks = [part(self.schedule, step, step + 1)]
        with self.timed("first_step") if step == 0 else contextlib.nullcontext():
            model, losses = self.train(model, chunks, f"step {step}")
        self.answer("update", step, self.trained(model, losses))
        if step == 0 and self.inputs.steps > 1:
            rate, again = SECOND * self.inputs.learning_rate, "a second time on the same model"
            model, more = self.train(model, [part(self.schedule, 1, 2)], again, rate)
            self.send(Answer("resumed", 1, self.trained(model, more)))

    def update_on_part(self, weights: Tensors, x: Any, y: Any) -> None:
        """Answer the rung update on fewer rows than a batch has."""
        model = self.build(weights)
        schedule, of_all = self.inputs.one_step(PART)
        data = self.data() if of_all else (x, y)
        model, losses = self.train(model, [schedule], "half a batch", data=data)
        self.answer("update", PART, self.trained(model, losses))

    def trained(self, model: Any, losses: Array) -> Tensors:
        """Return the losses of some training, and the weights, if the port exports them."""
        if not self.has("export"):
            return {"loss": losses}
        self.send(Calling("export"))
        weights = self.arrays_of("export", model)
        if "loss" in weights:
            raise PortError("export returned a tensor named loss, where weights are expected")
        return {"loss": losses, **weights}

    def train(
        self,
        model: Any,
        chunks: list[Any],
        what: str,
        learning_rate: float | None = None,
        data: tuple[Any, Any] | None = None,
    ) -> tuple[Any, Array]:
        """Call `train` once per chunk, each of which may take its time.

        Args:
            model: the port's own, to train.
            chunks: the schedule of each call: a number of full-batch steps, or row numbers
                (steps, B).
            what: these steps, in words, for whoever waits.
            learning_rate: None for the recipe's own.
            data: x and y in native form, None for all rows.

        Returns:
            The trained model, and the loss of each step, (steps,).

        Raises:
            PortError: `train` returned something that cannot be used.
        """
        rate = self.inputs.learning_rate if learning_rate is None else learning_rate
        x, y = data or self.data()
        losses = []
        for number, schedule in enumerate(chunks, 1):
            one = f", part {number} of {len(chunks)}" if len(chunks) > 1 else ""
            self.send(Calling(f"train, {what}{one}"))
            result = self.port.module.train(model, x, y, schedule, rate)
            model, logged = returned.trained(model, result)
            losses.append(self.reader.array(logged, "train"))
        return model, losses[0] if len(losses) == 1 else np.concatenate(losses)

    @contextlib.contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Send how long it took, compilation included."""
        with programs.timing(self.port):
            start = time.perf_counter()
            yield
            self.send(Timed(what, time.perf_counter() - start))

    def train_freely(self) -> Any:
        """Answer the rung trajectory: the whole run. Return the trained model."""
        model = self.build(self.inputs.weights)
        chunks = self.inputs.chunks(self.schedule)
        with self.timed("train"):
            model, losses = self.train(model, chunks, f"all {self.inputs.steps:,} steps")
        answer = self.trained(model, losses)
        self.answer("trajectory", self.inputs.steps, answer)
        if "accuracy" in self.inputs.functions:
            self.predict("trajectory", model)
        self.compare_weights(self.inputs.steps)
        weights = {name: value for name, value in answer.items() if name != "loss"}
        if _kinds(weights) == _kinds(self.inputs.weights):
            self.compare_rebuilt(model, weights)
        return model

    def draw(self, model: Any, grid: Array) -> None:
        """Send what the model makes of the plane; it is drawn, not judged, so it may be missing."""
        if not self.has("forward"):
            return
        with contextlib.suppress(Exception):
            self.send(Calling("forward, on the plane"))
            outputs = self.reader.array(
                self.port.module.forward(model, self.port.to_native(grid)), "forward"
            )
            if outputs.shape == (len(grid), 1):
                self.send(Answer(PLANE, self.inputs.steps, {"outputs": outputs}))

    def compare_rebuilt(self, model: Any, weights: Tensors) -> None:
        """Answer how a trained model computes, and one built anew from its exported weights."""
        step = self.inputs.steps - 1
        for rung, own in (("trained", model), ("rebuilt", self.build(weights))):
            _, native = self.batch(step)
            x, y = gathered("x", native), gathered("y", native)
            answer: Tensors = {}
            self.send(Calling(f"forward, loss and gradients of the {rung} model"))
            if self.has("forward"):
                answer["outputs"] = self.reader.array(self.port.module.forward(own, x), "forward")
            if self.has("loss"):
                answer["loss"] = self.reader.array(self.port.module.loss(own, x, y), "loss")
            if self.has("gradients"):
                if rung == "trained":
                    self.arrays_of("gradients", own, x, y)  # the next must not add to these
                answer |= self.arrays_of("gradients", own, x, y)
            self.send(Answer(rung, step, answer))

    def predict(self, rung: str, model: Any) -> None:
        """Send the model's outputs and the port's own accuracy, on the rows of each split."""
        for split, names in SPLITS.items():
            x, _ = self.data(*names)
            if x is None or not (self.has("forward") or self.has("accuracy")):
                continue
            outputs = figure = None
            if self.has("forward"):
                self.send(Calling(f"forward, all {split} rows"))
                outputs = self.outputs(model, names)
                outputs = self.fitting(("accuracy", split), {"outputs": outputs})["outputs"]
            if self.has("accuracy"):
                self.send(Calling(f"accuracy, all {split} rows"))
                figure = self.accuracy(model, names)
            self.send(Predictions(rung, split, outputs, figure))

    def outputs(self, model: Any, names: tuple[str, str]) -> Array:
        """Return the model's outputs on all rows of a split."""
        forward, read = self.port.module.forward, self.reader.array
        # Copied, since the port may write into what it returned before.
        return joined([read(forward(model, x), "forward").copy() for _, x, _ in self.parts(names)])

    def accuracy(self, model: Any, names: tuple[str, str]) -> float:
        """Return the port's own accuracy on all rows of a split."""
        sizes, figures = [], []
        for size, x, y in self.parts(names):
            sizes.append(size)
            figures.append(self.reader.fraction(self.port.module.accuracy(model, x, y)))
        return figures[0] if len(figures) == 1 else float(np.average(figures, weights=sizes))

    def parts(self, names: tuple[str, str]) -> Iterator[tuple[int, Any, Any]]:
        """Yield a split as the port is given it: how many rows at a time, x and y."""
        parts = self.inputs.parts(names[0])
        for rows in parts:
            native = self.to_native(self.rows(names, rows)) if parts[1:] else self.native
            yield rows.stop - rows.start, gathered(names[0], native), gathered(names[1], native)

    def compare_arrays(self, step: int, after: bool = False) -> None:
        """Answer the rung data: what was handed over reads back as what was sent.

        after: whether the port has been at work, and may have written into its caller's arrays.
        """
        found = []
        for name in self.inputs.files:
            sent = self.inputs.array(name)
            if sent.size == 0:
                continue  # a lesson without targets
            place = Place("data", step, name)
            if after:
                found.append(compare_exactly(place, sent, self.handed[name]))
            found.append(self.same(place, sent, self.native[name]))
        if not isinstance(self.schedule, int):
            sent = np.asarray(self.inputs.schedule)
            found.append(compare_exactly(Place("data", step, "schedule"), sent, self.schedule))
        self.send(Unchanged(found))

    def compare_weights(self, step: int) -> None:
        """Answer the rung data for the weights that the last model was built from.

        After training, a port may have consumed their native form (JAX can donate it).
        """
        found = []
        given = renames.to_port(self.inputs.renames, self.sent)
        for own, (name, sent) in zip(self.sent, given.items(), strict=True):
            place = Place("data", step, own)
            found.append(compare_exactly(place, sent, self.weights[name]))
            with contextlib.nullcontext() if step == 0 else contextlib.suppress(PortError):
                found.append(self.same(place, sent, self.native_weights[name]))
        self.send(Unchanged(found))

    def same(self, place: Place, sent: Array, native: Any) -> Comparison:
        """Compare a native array, read back, with what was sent."""
        self.send(Calling("to_numpy"))
        return compare_exactly(place, sent, self.reader.view(native, "to_native"))


def _kinds(tensors: Tensors) -> dict[str, Any]:
    return {name: (value.shape, value.dtype) for name, value in tensors.items()}
