"""PyTorch under torch.compile: a step, several unrolled, or the whole run as one scan.

Needs a C++ compiler, which torch.compile calls.
"""

import os
import shutil
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - so it is called wherever PyTorch is written
from torch._higher_order_ops.scan import scan

from bench.contender import Contender, Make, Train
from bench.rivals.torch_batches import batches

UNROLLED = 16  # steps in one compiled call
COMPILER = shutil.which(os.environ.get("CXX", "g++")) or shutil.which("clang++")
# What a first call costs is part of what is measured, so nothing comes from another run.
torch._inductor.config.force_disable_caches = True


def _step_of(module: Any) -> Any:
    """Return a pure step: weights, x, y and learning rate to (weights, loss)."""

    def outputs(weights: Any, x: Any) -> Any:
        for first in range(0, len(weights) - 2, 2):
            x = torch.tanh(F.linear(x, *weights[first : first + 2]))
        return F.linear(x, *weights[-2:])

    def loss(weights: Any, x: Any, y: Any) -> Any:
        return module.loss(lambda x: outputs(weights, x), x, y)

    def step(weights: Any, x: Any, y: Any, learning_rate: float) -> Any:
        gradients, value = torch.func.grad_and_value(loss)(weights, x, y)
        return [w - learning_rate * g for w, g in zip(weights, gradients, strict=True)], value

    return step


def _weights(model: Any) -> Any:
    return [weight.detach().clone() for weight in model.parameters()]


def _trained(model: Any, weights: Any) -> Any:
    with torch.no_grad():
        for own, weight in zip(model.parameters(), weights, strict=True):
            own.copy_(weight)
    return model


def each_step(module: Any) -> Train:
    """Return a Python loop over a compiled step."""
    step: Any = torch.compile(_step_of(module), fullgraph=True)

    def train(model: Any, x: Any, y: Any, schedule: Any, learning_rate: float) -> tuple[Any, Any]:
        weights, losses = _weights(model), []
        for batch in batches(schedule, x, y):
            weights, value = step(weights, *batch, learning_rate)
            losses.append(value)
        return _trained(model, weights), torch.stack(losses)

    return train


def unrolled(module: Any) -> Train:
    """Return a Python loop over several steps compiled as one; the rest are compiled apart."""
    step = _step_of(module)

    @torch.compile(fullgraph=True)
    def steps(weights: Any, x: Any, y: Any, rows: Any, number: int, learning_rate: float) -> Any:
        losses = []
        for each in range(number):
            batch = (x, y) if rows is None else (x[rows[each]], y[rows[each]])
            weights, value = step(weights, *batch, learning_rate)
            losses.append(value)
        return weights, torch.stack(losses)

    def train(model: Any, x: Any, y: Any, schedule: Any, learning_rate: float) -> tuple[Any, Any]:
        weights, losses = _weights(model), []
        full = isinstance(schedule, int)
        total = schedule if full else len(schedule)
        for start in range(0, total, UNROLLED):
            number = min(UNROLLED, total - start)
            rows = None if full else torch.as_tensor(schedule[start : start + number])
            weights, values = steps(weights, x, y, rows, number, learning_rate)
            losses.append(values)
        return _trained(model, weights), torch.cat(losses)

    return train


def scanned(module: Any) -> Train:
    """Return the whole run as one compiled program, by PyTorch's own scan (a prototype yet)."""
    step = _step_of(module)

    @torch.compile(fullgraph=True)
    def run(weights: Any, x: Any, y: Any, xs: Any, full: bool, learning_rate: float) -> Any:
        def body(carried: Any, rows: Any) -> Any:
            batch = (x, y) if full else (x[rows], y[rows])
            weights, value = step(carried, *batch, learning_rate)
            return weights, value.clone()

        return scan(body, weights, xs)

    def train(model: Any, x: Any, y: Any, schedule: Any, learning_rate: float) -> tuple[Any, Any]:
        full = isinstance(schedule, int)
        xs = torch.zeros(schedule) if full else torch.as_tensor(schedule)
        weights, losses = run(_weights(model), x, y, xs, full, learning_rate)
        return _trained(model, weights), losses

    return train


CONTENDERS: dict[Contender, Make] = {
    Contender("torch", "torch.compile, each step", "idiom", slow_start=True): each_step,
    Contender(
        "torch", f"torch.compile, {UNROLLED} steps unrolled", "idiom", slow_start=True
    ): unrolled,
    Contender("torch", "torch.compile, scan", "idiom", slow_start=True): scanned,
}
