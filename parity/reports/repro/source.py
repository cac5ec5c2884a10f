"""A port's own code, without what surrounds it in Lockstep."""

import ast
import tokenize
from pathlib import Path
from typing import NamedTuple

from parity.contract import RUNTIME
from shared import syntax
from shared.recipes import FUNCTIONS

OURS = ("impls", "shared")


class Source(NamedTuple):
    """A port's code, and which modules it still imports from Lockstep or from its own folder."""

    code: str
    elsewhere: tuple[str, ...]


def read(path: Path, own_runtime: bool) -> Source:
    """Return a port's code as it is, but for `main` and what only `main` needs of Lockstep.

    own_runtime: whether the file itself has `configure`, `to_native` and `to_numpy`.
    """
    with tokenize.open(path) as file:
        text = file.read()
    body = syntax.parse(text).body
    kept = [node for node in body if not _is_guard(node)]
    used = _names([node for node in kept if not _is_main(node)])
    kept = [node for node in kept if not (_is_main(node) and "main" not in used)]
    used = _names(kept) | set(FUNCTIONS) | (set(RUNTIME) if own_runtime else set())
    kept = [node for node in kept if not _is_ours(node) or _binds(node) & {*used, "*"}]
    modules = [module for node in kept for module in _modules(node)]
    elsewhere = [name for name in modules if _top(name) in OURS or _beside(path, _top(name))]
    dropped = [node for node in body if node not in kept]
    return Source(_without(text, dropped, kept), tuple(dict.fromkeys(elsewhere)))


def _without(text: str, dropped: list[ast.stmt], kept: list[ast.stmt]) -> str:
    """Return the text without the lines of some statements, unless others share them."""
    shared = {line for node in kept for line in _lines(node)}
    gone = {line for node in dropped for line in _lines(node)} - shared
    lines: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if number not in gone:
            lines.append(line)
            continue
        while lines and not lines[-1].strip():  # the blank lines after it are enough
            lines.pop()
    return "\n".join(lines).strip("\n")


def _lines(node: ast.stmt) -> range:
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    return range(first, (node.end_lineno or first) + 1)


def _is_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef) and node.name == "main"


def _is_guard(node: ast.stmt) -> bool:
    test = ast.unparse(node.test) if isinstance(node, ast.If) else ""
    return "__name__" in test and "'__main__'" in test


def _is_ours(node: ast.stmt) -> bool:
    return any(_top(module) in OURS for module in _modules(node))


def _modules(node: ast.stmt) -> list[str]:
    """Return the modules that a statement imports, or imports from."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module else []


def _binds(node: ast.stmt) -> set[str]:
    """Return the names that an import gives."""
    names = node.names if isinstance(node, ast.Import | ast.ImportFrom) else []
    return {alias.asname or _top(alias.name) for alias in names}


def _names(nodes: list[ast.stmt]) -> set[str]:
    return {part.id for node in nodes for part in ast.walk(node) if isinstance(part, ast.Name)}


def _beside(path: Path, name: str) -> bool:
    return (path.parent / f"{name}.py").is_file() or (path.parent / name).is_dir()


def _top(module: str) -> str:
    return module.partition(".")[0]
