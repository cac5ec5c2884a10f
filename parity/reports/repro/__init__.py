"""Scripts that show a divergence without Lockstep, each with the arrays that it needs."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from parity.contract import ROOT, PortName
from parity.judging.inquiry import Inquiry
from parity.reports.files import whole_file
from parity.reports.repro import printed, rows, runs, script, source, steps
from parity.reports.repro.scene import Demonstration, Scene
from parity.results import PortResult

CASES = {
    "data": rows.data,
    **dict.fromkeys(("forward", "loss", "gradients"), steps.one_call),
    "update": steps.update,
    "trajectory": runs.free_run,
    "accuracy": rows.accuracy,
    "published": printed.figure,
}


class Scripts:
    """Writes a script for every result with a divergence. told: how to run each, or why not."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[str] = []

    def add(self, result: PortResult, inquiry: Inquiry) -> None:
        """Write a script, if there is a divergence; what goes wrong changes no verdict."""
        if result.divergence is None:
            return
        try:
            self.told.append(f"reproduce with: python {self._write(result, inquiry)}")
        except Exception as error:
            self.told.append(f"no script for {_name(result)} ({type(error).__name__}: {error})")

    def _write(self, result: PortResult, inquiry: Inquiry) -> Path:
        """Write a script and its arrays, while what they are made of is at hand."""
        scene = Scene(result, inquiry)
        case = CASES[scene.rung](scene)
        path = self.folder / f"{_name(result)}.py"
        arrays = path.with_suffix(".npz")
        own = source.read(_file(inquiry.run.port, scene.inputs.net), result.framework == "own")
        text = script.text(scene, case, own, arrays.name)
        with whole_file(arrays) as stream:
            np.savez_compressed(stream, **_arrays(case))
        with whole_file(path) as stream:
            stream.write(text.encode())
        return path


def _name(result: PortResult) -> str:
    """Return what a result's files are called, in letters that any system takes."""
    eager = ["eager"] if result.requested == "eager" else []
    port = result.port.removesuffix(".py")
    name = "-".join([result.recipe, port, result.dtype, *eager])
    return re.sub(r"[^\w.]+", "-", name)


def _file(port: PortName, net: str) -> Path:
    return port.file or ROOT / "impls" / port.name / f"{net}.py"


def _arrays(case: Demonstration) -> dict[str, Any]:
    """Return all that a script loads, by name."""
    arrays: dict[str, Any] = {"x": case.x, "y": case.y, **case.extra}
    if case.schedule is not None and not isinstance(case.schedule, int):
        arrays["schedule"] = case.schedule
    for kind, values in (
        ("weights", case.weights),
        ("expected", case.expected),
        ("floor", case.floors),
    ):
        arrays |= {f"{kind} {name}": value for name, value in values.items()}
    return arrays
