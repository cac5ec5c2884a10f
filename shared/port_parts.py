"""The files that a user's port is made of: its own, and what it imports from its own folder."""

import ast
import os
from collections.abc import Iterator
from pathlib import Path

from shared import files, syntax

LONGEST = 1 << 24  # bytes of a file of Python
PORTS = "impls"
OURS = (PORTS, "shared")  # packages of Lockstep's own, wherever a port lies
ROOT = Path(__file__).parent.parent


def parts(file: Path) -> set[Path]:
    """Return the files that a port is made of, each as it is named and as what a link leads to.

    Files that are not there are among them: an import finds them as soon as they are.
    """
    found: set[Path] = set()
    left = [file]
    while left:
        path = left.pop()
        if path not in found:
            found.update(ways(path))
            left += _imported(path, file.parent)
    return found


def ways(path: Path) -> tuple[Path, Path]:
    """Return a file as it is named and, where that is a link, as what it leads to."""
    return path, Path(os.path.realpath(path))


def helpers(file: Path) -> list[Path]:
    """Return the files, by path in its folder, that a port imports from there."""
    folder = file.parent
    beside = (path for path in parts(file) - {file} if path.is_relative_to(folder))
    return sorted(path.relative_to(folder) for path in beside if files.is_regular(path))


def imports(file: Path, package: str) -> bool:
    """Whether a port imports a package, by itself or by a helper, or by a port of ours."""
    seen: set[Path] = set()
    left = {file}
    while left:
        path = left.pop()
        seen.add(path)
        for level, module in [found for part in parts(path) for found in _modules(part)]:
            if not level and module.partition(".")[0] == package:
                return True
            if not level and module.partition(".")[0] == PORTS:
                left |= {each for each in _files(ROOT, module) if each not in seen}
    return False


def _imported(path: Path, folder: Path) -> Iterator[Path]:
    """Yield where the modules that a file imports would lie in a folder, or in its own package."""
    for level, module in _modules(path):
        yield from _along([folder, *path.parents][: level + 1][-1], module)


def _modules(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the modules that a file imports, by how many packages up, and name."""
    try:
        tree = syntax.parse(files.read(path, LONGEST))
    except (files.UnreadableError, SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.level, f"{node.module or ''}.{alias.name}".strip(".")


def _along(folder: Path, module: str) -> Iterator[Path]:
    """Yield the files of a module, and of all packages that it is in, below a port's folder."""
    if module.partition(".")[0] not in OURS:
        yield from _files(folder, module)


def _files(folder: Path, module: str) -> Iterator[Path]:
    for name in module.split("."):
        folder /= name
        yield folder.with_name(f"{name}.py")
        yield folder / "__init__.py"
