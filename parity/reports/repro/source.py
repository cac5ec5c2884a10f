"""A port's own code, without what surrounds it in Lockstep."""

import ast
import tokenize
from pathlib import Path
from typing import NamedTuple

from parity.contract import RUNTIME, module_name
from shared import port_parts, syntax
from shared.port_parts import OURS
from shared.recipes import FUNCTIONS

# Lines that bind no name of the port's.
FIND_HELPERS = '__import__("sys").path.append(__file__.removesuffix(".py"))  # its own modules'
NAME = (
    "__name__ = {!r}  # as in Lockstep",
    '__import__("sys").modules[__name__] = __import__("sys").modules["__main__"]',
)


class Source(NamedTuple):
    """A port's code as a script holds it, and what it needs beside it.

    elsewhere: the modules that it still imports from Lockstep. helpers: the files that it imports
    from its own folder, by path in there. named: whether it asks for its own name, and so has the
    one that it had in Lockstep.
    """

    code: str
    elsewhere: tuple[str, ...] = ()
    helpers: tuple[Path, ...] = ()
    named: bool = False


def read(path: Path, own_runtime: bool) -> Source:
    """Return a port's code as it is, but for `main` and what only `main` needs of Lockstep.

    own_runtime: whether the file itself has `configure`, `to_native` and `to_numpy`.
    """
    text = _text(path)
    body = syntax.parse(text).body
    kept = [node for node in body if not _is_guard(node)]
    used = _names([node for node in kept if not _is_main(node)])
    kept = [node for node in kept if not (_is_main(node) and "main" not in used)]
    used = _names(kept) | set(FUNCTIONS) | (set(RUNTIME) if own_runtime else set())
    kept = [node for node in kept if not _is_ours(node) or _binds(node) & {*used, "*"}]
    modules = [module for node in kept for module in _modules(node)]
    elsewhere = dict.fromkeys(name for name in modules if _top(name) in OURS)
    dropped = [node for node in body if node not in kept]
    helpers, named = tuple(port_parts.helpers(path)), "__name__" in used
    preamble = [FIND_HELPERS] * bool(helpers) + [
        line.format(module_name(path)) for line in NAME
    ] * named
    return Source(
        _preceded(_without(text, dropped, kept), preamble), tuple(elsewhere), helpers, named
    )


def _text(path: Path) -> str:
    """Return a file's text, its lines ended by newlines and nothing else."""
    try:
        with tokenize.open(path) as file:
            return file.read()
    except (SyntaxError, UnicodeDecodeError):  # bytes in a comment that Python passes over
        text = path.read_bytes().decode(errors="replace")
        return text.replace("\r\n", "\n").replace("\r", "\n")


def _preceded(code: str, lines: list[str]) -> str:
    """Return code with some lines before its first statement that may have others before it."""
    if not lines:
        return code
    first = [node for node in syntax.parse(code).body if not _stands_first(node)]
    at = _lines(first[0]).start - 1 if first else len(code.split("\n"))
    own = code.split("\n")
    return "\n".join([*own[:at], *lines, *own[at:]])


def _stands_first(node: ast.stmt) -> bool:
    """Whether a statement is a docstring or imports from __future__."""
    if isinstance(node, ast.ImportFrom):
        return node.module == "__future__"
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _without(text: str, dropped: list[ast.stmt], kept: list[ast.stmt]) -> str:
    """Return the text without the lines of some statements, unless others share them."""
    shared = {line for node in kept for line in _lines(node)}
    gone = {line for node in dropped for line in _lines(node)} - shared
    lines: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):  # ast counts no form feed
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
    """Whether a statement is the usual guard, of which nothing is run in Lockstep."""
    if not isinstance(node, ast.If) or node.orelse:
        return False
    return ast.unparse(node.test) in ("__name__ == '__main__'", "'__main__' == __name__")


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


def _top(module: str) -> str:
    return module.partition(".")[0]
