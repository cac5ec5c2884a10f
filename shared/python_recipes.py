"""A recipe that is written in Python: what it says is read, and nothing of it is run here."""

import ast
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

from shared import syntax
from shared.errors import InputError

MADE = ("x", "data")  # a file that assigns the one, or defines the other, makes its own data


def said(path: Path, source: bytes, keys: Container[str]) -> dict[str, Any]:
    """Return what a file says of some keys, each written out as a name at its top level.

    Raises:
        InputError: it is not Python, or computes what it says of one.
    """
    try:
        tree = syntax.parse(source)
    except (SyntaxError, ValueError) as error:
        raise InputError(f"{path} is not Python ({error})") from error
    values: dict[str, Any] = {}
    for name, value in _assigned(tree):
        if name in keys:
            values[name] = _literal(path, name, value)
    makes = [name for name, _ in _assigned(tree)] + [
        node.name for node in tree.body if isinstance(node, ast.FunctionDef)
    ]
    if "data" not in values and any(name in MADE for name in makes):
        values["data"] = path.name
    return values


def _assigned(tree: ast.Module) -> Iterator[tuple[str, ast.expr | None]]:
    """Yield the names that get values at the top level, with the values of those alone."""
    for node in tree.body:
        targets: list[ast.expr] = []
        value: ast.expr | None = None
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, ast.AnnAssign):
            targets, value = [node.target], node.value
        elif isinstance(node, ast.AugAssign):
            targets = [node.target]
        for target in targets:
            for each in ast.walk(target):
                if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
                    yield each.id, value if each is target else None


def _literal(path: Path, name: str, value: ast.expr | None) -> Any:
    try:
        if value is not None:
            return ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        pass
    raise InputError(
        f"{path} computes {name}, which is read, not run: write out its value, {name} = ..."
    )
