"""Run the dictionary's cells: `python -m guide.doctests torch` tells which give something else.

A framework is imported only because its cells do, in the process of the one that is asked for.
"""

import ast
import linecache
import os
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import CodeType
from typing import Any

from guide import dictionary, values
from guide.dictionary import IN_GENERAL, Cell, Dictionary, Row
from shared.recipes import unknown
from shared.syntax import parse

Names = dict[str, Any]
# What the hidden code of cells, and the expectations, may call.
HELPERS = {
    name: getattr(values, name)
    for name in ("dtype", "moments", "plain", "printed", "raises", "same")
}
ON_CPU = {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "2"}


class Doctests:
    """A framework whose cells are run, each in names of its own and in a folder for all.

    What a cell changes for the whole process, it changes back.
    """

    def __init__(self, framework: str, of: Dictionary) -> None:
        self.framework = framework
        self.before = compile(of.before[framework], "before", "exec")
        self.expected = compile(f"{of.before['numpy']}\n{of.expected}", "expected", "exec")
        exec(of.once[framework], {})  # noqa: S102 - our own code, as all that is run here

    def problem(self, row: Row) -> str:
        """Run a row's cell; return what is wrong with what it gives, or nothing."""
        try:
            expected, floor = self._expected(row.gives), self._expected(row.floor)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                # Nobody should learn what is about to go.
                for kind in (DeprecationWarning, FutureWarning):
                    warnings.filterwarnings("error", category=kind, module="cell")
                value = values.plain(self._run(row.cells[self.framework]))
        except Exception:  # whatever a cell raises is wrong with it
            return traceback.format_exc(limit=-2)
        return "" if values.same(value, expected, floor) else f"gives {value!r}, not {expected!r}"

    def _expected(self, gives: str) -> Any:
        names: Names = {}
        exec(self.expected, names)  # noqa: S102
        return eval(gives, names)  # noqa: S307

    def _run(self, cell: Cell) -> Any:
        """Return what the row is told of a cell.

        Its `read` has, besides the cell's own names and HELPERS: `_`, what the last line is worth;
        `again()`, which runs the cell once more; and `under(wrap, "v")`, what `wrap`, a compiler,
        makes of the cell as a function of v.
        """
        names: Names = {"__name__": "cell", **HELPERS}
        exec(self.before, names)  # noqa: S102
        exec(cell.before, names)  # noqa: S102
        code = _Code(cell.code)
        names["again"] = lambda: code.run(names)
        names["under"] = lambda wrap, *given: wrap(code.function(names, *given))(
            *(names[name] for name in given)
        )
        try:
            names["_"] = code.run(names)
            return eval(cell.read, names)  # noqa: S307
        finally:
            exec(cell.after, names)  # noqa: S102


class _Code:
    """The code of a cell, in two parts: its last line, if that is an expression, and the rest."""

    def __init__(self, source: str) -> None:
        self.last: CodeType | None = None
        *rest, last = parse(source).body
        file = _seen(source)
        if isinstance(last, ast.Expr):
            self.last = compile(ast.Expression(last.value), file, "eval")
        else:
            rest.append(last)
        self.rest = compile(ast.Module(rest, []), file, "exec")

    def run(self, names: Names) -> Any:
        """Run it all; return what the last line is worth, if it is an expression."""
        exec(self.rest, names)  # noqa: S102
        return eval(self.last, names) if self.last else None  # noqa: S307

    def function(self, names: Names, *given: str) -> Callable[..., Any]:
        """Return it as a function of some of the names that it uses."""

        def body(*arguments: Any) -> Any:
            return self.run({**names, **dict(zip(given, arguments, strict=True))})

        return body


def _seen(source: str) -> str:
    """Return a name under which source is found, as AutoGraph looks for that of functions."""
    name = f"<cell {len(linecache.cache)}>"
    linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
    return name


def problems(
    framework: str, whole: Dictionary, kinds: Mapping[str, Sequence[Row]]
) -> dict[str, dict[str, str]]:
    """Run rows of several kinds in a folder of their own; return what is wrong with each, by name.

    Args:
        framework: whose cells are run.
        whole: the dictionary that says what they start from.
        kinds: the rows, by what they are.
    """
    os.environ.update(ON_CPU)
    home = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            doctests = Doctests(framework, whole)
            return {
                kind: {row.name: doctests.problem(row) for row in rows}
                for kind, rows in kinds.items()
            }
        finally:
            os.chdir(home)


def main(framework: str) -> int:
    """Run a framework's cells, and print those that give something else.

    Returns:
        The exit status: 1 if there are such, 2 if there is no such framework.
    """
    if framework not in IN_GENERAL:
        told = unknown("framework", framework, list(IN_GENERAL))
        print(f"python -m guide.doctests: {told}", file=sys.stderr)  # noqa: T201
        return 2
    whole = dictionary.load()
    rows = [row for row in whole.rows if framework in row.cells]
    found = problems(framework, whole, {"cells": rows})["cells"]
    wrong = {name: problem for name, problem in found.items() if problem}
    for name, problem in wrong.items():
        print(f"{name}: {problem}\n")  # noqa: T201
    print(f"{len(rows) - len(wrong)} of {len(rows)} cells give what they should")  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2] or [""]))
