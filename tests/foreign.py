"""A port in another language: it reads test vectors, and writes answers for their checker."""

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from safetensors.numpy import load_file, save_file


class Checked(NamedTuple):
    """What the checker said: its exit status, and what it printed."""

    status: int
    said: str


def check(vectors: Path, *arguments: object) -> Checked:
    """Run the checker that lies beside some vectors, with nothing but Python's own modules."""
    bare = [sys.executable, "-I", "-S", "-B", f"{vectors.parent / 'check.py'}", f"{vectors}"]
    done = subprocess.run(
        [*bare, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    return Checked(done.returncode, done.stdout + done.stderr)


def loaded(source: str) -> ModuleType:
    """Return a port, given its source."""
    module = ModuleType("foreign")
    exec(source, module.__dict__)
    return module


def answer(port: Any, vectors: Path, answers: Path) -> Path:
    """Answer what some vectors ask for, as somebody would who has read their README alone.

    Functions that the port lacks are not answered.
    """
    told = json.loads((vectors / "vectors.json").read_text())
    rows = load_file(vectors / "inputs" / "rows.safetensors")
    dtype = {"F32": np.float32, "F64": np.float64}[told["dtype"]]
    for name in told["answers"]:
        case, function = name.split("/")
        if not hasattr(port, function):
            continue
        given = vectors / "inputs" / case
        weights = load_file(given / "weights.safetensors")
        model = port.build(weights) if hasattr(port, "build") else weights
        if (given / "steps.safetensors").exists():
            found = _single(port, function, model, rows, load_file(given / "steps.safetensors"))
        else:
            end = "_test" if case == "test-rows" else ""
            found = _predicted(port, function, model, rows[f"x{end}"], rows[f"y{end}"])
        path = answers / f"{name}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        kinds = {key: np.int64 if key == "correct" else dtype for key in found}
        save_file({key: np.asarray(value, kinds[key]) for key, value in found.items()}, path)
    return answers


def _single(port: Any, function: str, model: Any, rows: Any, steps: Any) -> dict[str, Any]:
    """Answer one function of a case with a schedule."""
    schedule, rate = steps["schedule"], float(steps["learning_rate"])
    of_all = schedule.shape == ()
    x, y = rows["x"], rows["y"]
    batch = (x, y) if of_all else (x[schedule[0]], y[schedule[0]])
    if function == "forward":
        return {"outputs": port.forward(model, batch[0])}
    if function == "loss":
        return {"loss": port.loss(model, *batch)}
    if function == "gradients":
        return dict(port.gradients(model, *batch))
    if "second_learning_rate" in steps:
        first, second = (1, 1) if of_all else (schedule[:1], schedule[1:])
        model, _ = port.train(model, x, y, first, rate)
        model, losses = port.train(model, x, y, second, float(steps["second_learning_rate"]))
    else:
        model, losses = port.train(model, x, y, int(schedule) if of_all else schedule, rate)
    return {"loss": losses, **port.export(model)}


def _predicted(port: Any, function: str, model: Any, x: Any, y: Any) -> dict[str, Any]:
    """Answer one function of a case of all rows of a split."""
    if function == "accuracy":
        return {"correct": round(port.accuracy(model, x, y) * len(x))}
    return {"outputs": port.forward(model, x)}
