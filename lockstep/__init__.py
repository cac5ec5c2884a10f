"""Lockstep, as installed: the command `lockstep`, and what your own tests call.

Everything else lies in one tree, which is on the path of Lockstep's own processes and of no others:
its folders have names, such as `shared`, that would be in the way of yours.
"""

import contextlib
import json
import os
import subprocess
import sys
from typing import Any

from lockstep.agreement import Agreement, assert_agree
from lockstep.errors import InputError, ReferenceFailedError
from lockstep.tree_modules import TREE

__all__ = [
    "TREE",
    "Agreement",
    "InputError",
    "ReferenceFailedError",
    "assert_agree",
    "assert_parity",
]

_TO_END = 10.0  # seconds that an interrupted comparison may take to end by itself


def assert_parity(
    recipe: str,
    port: str | os.PathLike[str],
    *,
    dtype: str | None = None,
    mode: str = "compiled",
    steps: int | None = None,
    seed: int | None = None,
    data: str = "auto",
    data_dir: str | os.PathLike[str] | None = None,
    threads: int = 1,
    timeout: float = 300.0,
) -> list[dict[str, Any]]:
    """Judge one port of a recipe's net, and return its results, as `lockstep --json` writes them.

    Args:
        recipe: the recipe's name.
        port: the Python file that holds the port.
        dtype, mode, steps, seed, data, data_dir, threads, timeout: as the options of `lockstep`, by
            whose names errors call them.

    Raises:
        AssertionError: the port does not agree, crashed, hung or returned something unusable; the
            text ends with the report that `lockstep` prints.
        InputError: an unknown recipe, a missing file, or an option that cannot be used.
        ReferenceFailedError: the reference itself failed, so there is no verdict.
    """
    __tracebackhide__ = True  # pytest shows the line that calls
    asked = {
        "recipe": recipe,
        "port": os.fspath(port),
        "dtype": dtype,
        "mode": mode,
        "steps": steps,
        "seed": seed,
        "data": data,
        "threads": threads,
        "timeout": timeout,
        "data_dir": None if data_dir is None else os.fspath(data_dir),
    }
    path = os.environ.get("PYTHONPATH")
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "parity.sessions.remote"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TREE), *([path] if path else [])])},
    ) as process:
        try:
            text, _ = process.communicate(json.dumps(asked))
        except BaseException:  # Ctrl-C, or a time limit of the tests: let it remove its files
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_TO_END)
            process.kill()
            raise
    try:
        said = json.loads(text)
    except ValueError:
        said = {"failed": f"Lockstep's process ended with {process.returncode} and gave no verdict"}
    if "results" in said:
        return list(said["results"])
    if "differs" in said:
        raise AssertionError(said["differs"])
    if "unusable" in said:
        raise InputError(said["unusable"])
    raise ReferenceFailedError(said["failed"])
