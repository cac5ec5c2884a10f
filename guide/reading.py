"""Read again what the libraries do by default: run as `python -m guide.reading FRAMEWORK`.

It imports a framework only because the code in guide/differences.toml does, in the process of the
one that is asked for.
"""

import ast
import json
import math
import sys
import warnings
from typing import Any

from guide import differences, probes
from guide.differences import Cell, Row
from shared.syntax import parse


def read(framework: str) -> list[tuple[str, str, str]]:
    """Return the row, the name and the value of each cell of a framework, read now."""
    names = {name: value for name, value in vars(probes).items() if not name.startswith("_")}
    exec(differences.load().imports[framework], names)  # noqa: S102 - our own code
    rows = [row for topic in differences.load().topics for row in topic.rows]
    return [
        (row.name, cell.of, shown(row, evaluate(cell, dict(names))))
        for row in rows
        for cell in row.cells.get(framework, ())
    ]


def evaluate(cell: Cell, names: dict[str, Any]) -> Any:
    """Run the code of a cell; return what its last line is worth."""
    *before, last = parse(cell.code.strip()).body
    assert isinstance(last, ast.Expr)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # defaults that bite are often deprecated
        exec(compile(ast.Module(before, []), cell.of, "exec"), names)  # noqa: S102
        return eval(compile(ast.Expression(last.value), cell.of, "eval"), names)  # noqa: S307


def shown(row: Row, value: Any) -> str:
    """Return a value as the page shows it: what its number means, if the row says so.

    Raises:
        LookupError: the row says what numbers mean, and not what this one does.
    """
    if isinstance(value, tuple):
        return "; ".join(map(str, value))
    if not row.means or not isinstance(value, int | float) or isinstance(value, bool):
        return str(value)
    for meaning, numbers in row.means.items():
        if any(is_written(number, value) for number in numbers):
            return meaning
    raise LookupError(f"{row.name!r} does not say what {value} means")


def is_written(number: str, value: float) -> bool:
    """Tell whether a value is a number, to the last decimal that this is written with."""
    digits, e, _ = number.partition("e")
    decimals = len(digits.partition(".")[2])
    same = float(f"{value:.{decimals}{'e' if e else 'f'}}") if decimals else value
    return same == float(number) or (math.isnan(same) and number == "nan")


if __name__ == "__main__":
    json.dump(read(sys.argv[1]), sys.stdout)
