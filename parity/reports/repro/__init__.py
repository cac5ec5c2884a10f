"""Scripts that show a divergence without Lockstep, each with the arrays that it needs."""

import contextlib
import hashlib
import os
import re
import shlex
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from parity.contract import ROOT, PortName
from parity.judging.inquiry import Inquiry
from parity.reports.files import whole_file
from parity.reports.repro import printed, rows, runs, script, source, steps
from parity.reports.repro.runner import Runner
from parity.reports.repro.scene import Demonstration, Scene
from parity.results import PortResult
from shared.renames import Renames, to_port
from shared.rows import named

LONGEST_NAME = 160  # bytes of a port's
CASES = {
    "data": rows.data,
    **dict.fromkeys(("forward", "loss", "gradients"), steps.one_call),
    "update": steps.update,
    "trajectory": runs.free_run,
    "accuracy": rows.accuracy,
    "published": printed.figure,
}


class Scripts:
    """Writes a script for every result with a divergence, and runs it; a context.

    Args:
        folder: to write to.
        timeout: seconds that a script may take.
        inputs: files that must stay as they are.
    """

    def __init__(self, folder: Path, timeout: float = 300.0, inputs: Iterable[Path] = ()) -> None:
        self.folder = folder
        self._taken = {os.path.realpath(path).casefold() for path in inputs}
        self._told: list[Future[str]] = []
        self._runner = Runner(timeout)
        self._pool = ThreadPoolExecutor(1)  # one core is left to those who are timed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._runner.stop()
        self._pool.shutdown(cancel_futures=True)

    @property
    def told(self) -> list[str]:
        """How to run each script, or why there is none, once all have been run."""
        return [future.result() for future in self._told]

    def add(self, result: PortResult, inquiry: Inquiry) -> None:
        """Write a script, if there is a divergence; what goes wrong changes no verdict."""
        if result.divergence is None:
            return
        if inquiry.standard.inputs.workers:
            self._decline(result, "it would take several workers")
            return
        try:
            name = self._free(_name(result))
            written = self._write(name, result, inquiry)
        except Exception as error:
            self._decline(result, f"{type(error).__name__}: {error}")
        else:
            self._told.append(self._pool.submit(self._try, written))

    def _decline(self, result: PortResult, why: str) -> None:
        """Tell why there is no script."""
        told: Future[str] = Future()
        told.set_result(f"no script for {_name(result)} ({why})")
        self._told.append(told)

    def _free(self, name: str) -> str:
        """Return a name that no other script has, and none whose files would hit an input."""
        for number in count(1):
            chosen = name if number == 1 else f"{name}-{number}"
            files = {
                os.path.realpath(self.folder / f"{chosen}{end}").casefold()
                for end in (".py", ".npz")
            }
            if not files & self._taken:
                self._taken |= files
                return chosen
        raise AssertionError("there is always another number")

    def _write(self, name: str, result: PortResult, inquiry: Inquiry) -> "Written":
        """Write a script and its arrays, while what they are made of is at hand."""
        scene = Scene(result, inquiry)
        case = CASES[scene.rung](scene)
        path = self.folder / f"{name}.py"
        arrays = path.with_name(f"{name}.npz")
        port = _file(inquiry.run.port, scene.inputs.net)
        own = source.read(port, result.framework == "own")
        text = script.text(scene, case, own, arrays.name)
        written = Written(path, [arrays], bool(own.elsewhere))
        with whole_file(arrays) as stream:
            np.savez_compressed(stream, **_arrays(case, scene.renames))
        for helper in own.helpers:
            copy = self.folder / name / helper
            copy.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(copy) as stream:
                stream.write((port.parent / helper).read_bytes())
            written.others.append(copy)
        with whole_file(path) as stream:
            stream.write(text.encode())
        return written

    def _try(self, written: "Written") -> str:
        """Run a script once; tell how to, or remove one that does not show its difference."""
        ours = {"PYTHONPATH": str(ROOT)} if written.needs_lockstep else {}
        failure = self._runner.run(written.path, ours)
        if failure:
            written.remove()
            return f"no script for {written.path.stem}: {failure}"
        variables = [f"{name}={shlex.quote(value)}" for name, value in ours.items()]
        return f"reproduce with: {' '.join([*variables, 'python', shlex.quote(f'{written.path}')])}"


class Written(NamedTuple):
    """A script, and the other files that belong to it."""

    path: Path
    others: list[Path]
    needs_lockstep: bool

    def remove(self) -> None:
        """Remove all of it, and the folders that are left empty."""
        for path in (self.path, *self.others):
            with contextlib.suppress(OSError):
                path.unlink()
        own = self.path.with_suffix("")
        for path in self.others:
            for folder in path.parents if path.is_relative_to(own) else ():
                if folder.is_relative_to(own):
                    with contextlib.suppress(OSError):
                        folder.rmdir()


def _name(result: PortResult) -> str:
    """Return what a result's files are called, in letters that any system takes."""
    eager = ["eager"] if result.requested == "eager" else []
    port = result.port.removesuffix(".py")
    if len(port.encode(errors="replace")) > LONGEST_NAME:
        digest = hashlib.sha256(port.encode(errors="replace")).hexdigest()
        port = f"{port[: LONGEST_NAME // 4]}-{digest[:8]}"  # a letter is at most four bytes
    name = "-".join([result.recipe, port, result.dtype, *eager])
    return re.sub(r"[^\w.]+", "-", name)


def _file(port: PortName, net: str) -> Path:
    return port.file or ROOT / "impls" / port.name / f"{net}.py"


def _arrays(case: Demonstration, renames: Renames) -> dict[str, Any]:
    """Return all that a script loads, by name; weights by the port's, and in its layout."""
    arrays: dict[str, Any] = {**named("x", case.x), **named("y", case.y), **case.extra}
    if case.schedule is not None and not isinstance(case.schedule, int):
        arrays["schedule"] = case.schedule
    for kind, values in (
        ("weights", case.weights),
        ("expected", case.expected),
        ("floor", case.floors),
    ):
        own = to_port(renames, values)
        arrays |= {f"{kind} {name}": value for name, value in own.items()}
    return arrays
