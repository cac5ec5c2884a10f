"""What is wrong, as GitHub's workflow commands, which it shows beside the lines of code."""

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

from parity.baseline.facts import TrialName
from parity.contract import ROOT
from parity.reports import since as baseline
from parity.reports.run import FinishedRun
from parity.reports.wording import finding
from parity.results import PortResult
from shared import files, syntax
from shared.files import UnreadableError
from shared.port_parts import LONGEST

# The function that answers a rung; any other is answered by the file as a whole.
FUNCTIONS = {
    **{name: name for name in ("forward", "loss", "gradients", "accuracy")},
    **dict.fromkeys(("update", "trajectory"), "train"),
}
RAISED = re.compile(r'^ *File "([^"\n]+)", line (\d+)', re.MULTILINE)


def to_annotations(run: FinishedRun) -> str:
    """Return a line for each result that is wrong, and for each that has moved since a baseline."""
    return "".join(f"{line}\n" for line in (*_wrong(run), *_moved(run)))


def _wrong(run: FinishedRun) -> Iterator[str]:
    for result in run.results:
        if result.verdict != "agree":
            found = finding(result, run.results)
            said = [*found.titles, *found.extent, *filter(None, [found.likeness])]
            rung = result.divergence.rung if result.divergence else None
            line = _raised_at(run, result) or _line(run, result, rung)
            yield _command(_file(run, result), line, result.recipe, "\n".join(said))


def _moved(run: FinishedRun) -> Iterator[str]:
    of = {(TrialName.of(result.trial), result.port): result for result in run.results}
    for change in run.since.changes if run.since else ():
        if not change.holds and change.kind != "in error":  # which is said of the result
            moved = baseline.of(change)
            said = "\n".join(filter(None, (moved.title, moved.extent)))
            result = of.get((change.trial, change.port))
            rung = change.first.rung if change.first else None
            file = _file(run, result) if result else None
            line = _line(run, result, rung) if result else None
            yield _command(file, line, change.trial.recipe, said)


def _file(run: FinishedRun, result: PortResult) -> Path:
    """Return the file of a port: a user's, or one of ours."""
    recipe = result.trial.experiment.recipe
    return run.files.get(result.port) or ROOT / "impls" / result.port / f"{recipe.port}.py"


def _line(run: FinishedRun, result: PortResult, rung: str | None) -> int:
    """Return where the function that answers a rung begins, or else the first line."""
    name = FUNCTIONS.get(rung or "")
    try:
        tree = syntax.parse(files.read(_file(run, result), LONGEST))
    except (UnreadableError, SyntaxError, ValueError, RecursionError, MemoryError):
        return 1
    found = (n.lineno for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name)
    return next(found, 1)


def _raised_at(run: FinishedRun, result: PortResult) -> int | None:
    """Return the line of the port's file from which an error was raised, if it was from there."""
    raised = RAISED.findall(result.traceback or "" if result.error else "")
    own = os.path.realpath(_file(run, result))
    return next((int(line) for file, line in reversed(raised) if file == own), None)


def _command(file: Path | None, line: int | None, recipe: str, said: str) -> str:
    """Return an error as GitHub takes it; nothing in it can begin a command of its own."""
    place = {} if file is None else {"file": _shown(file), "line": f"{line}"}
    properties = {**place, "title": f"Lockstep, {recipe}"}
    given = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in properties.items())
    return f"::error {given}::{_escaped(said)}"


def _shown(file: Path) -> str:
    """Return a path as from the folder that this runs in, where the file lies in it."""
    here, own = Path.cwd(), Path(os.path.realpath(file))
    return str(own.relative_to(here) if own.is_relative_to(here) else own)


def _escaped(text: str, more: str = "") -> str:
    return "".join(f"%{ord(c):02X}" if c in f"%\r\n{more}" else c for c in text)
