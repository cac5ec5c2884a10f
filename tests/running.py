"""Where the tests' ports are, and running compare.py on them as a user does."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from parity.contract import ROOT
from tests import forked

__all__ = ["PORTS", "ROOT", "Compare", "Run", "printed_by", "result_of", "run_compare"]

PORTS = Path(__file__).parent / "ports"
# What the guide's code in a framework needs besides that.
NEEDS = {"jax": ("flax", "optax"), "tensorflow": ("keras",)}


def result_of(
    report: Mapping[str, Any], port: str, dtype: str, recipe: str | None = None
) -> dict[str, Any]:
    """Return the one result of a port in one precision, as a comparison's JSON has it."""
    found = [
        result
        for result in report["results"]
        if result["port"] == port
        and result["dtype"] == dtype
        and recipe in (None, result["recipe"])
    ]
    if len(found) != 1:
        raise LookupError(f"{len(found)} results of {port} in {dtype}")
    return dict(found[0])


class Run(NamedTuple):
    """One run of compare.py: its exit status, what it printed, and its JSON, if it came so far."""

    status: int
    stdout: str
    stderr: str
    report: dict[str, Any]

    def result(self, port: str, dtype: str, recipe: str | None = None) -> dict[str, Any]:
        """Return the one result of a port in one precision."""
        return result_of(self.report, port, dtype, recipe)


def run_compare(environment: Mapping[str, str], file: Path, *arguments: object) -> Run:
    """Run compare.py in a process of its own, and return what came of it."""
    workers = {name: os.environ[name] for name in forked.VARIABLES if name in os.environ}
    done = subprocess.run(
        [sys.executable, ROOT / "compare.py", *map(str, arguments), "--json", file],
        env={**workers, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    report = json.loads(file.read_text()) if file.is_file() else {}
    return Run(done.returncode, done.stdout, done.stderr, report)


def printed_by(module: str, framework: str, *packages: str) -> Any:
    """Return what a module prints as JSON when it is run on a framework, in a process of its own.

    The test is skipped where something is missing that the guide's code in the framework needs.

    Args:
        module: which takes a framework's name.
        framework: the name.
        packages: what it needs besides NEEDS.
    """
    for package in (framework, *NEEDS.get(framework, ()), *packages):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    done = subprocess.run(
        [sys.executable, "-m", module, framework],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


Compare = Callable[..., Run]
