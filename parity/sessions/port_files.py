"""Users' files: whether each can be a port, told before any work is done."""

import os
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from parity.contract import PortName
from shared import files, mnist_files, recipes
from shared.errors import InputError
from shared.port_parts import LONGEST, parts

INIT = "__init__.py"


@dataclass(frozen=True)
class PortFile:
    """A user's file as --with names it: RECIPE=FILE, or FILE alone."""

    path: Path
    recipe: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what a text says; in front of "=" stands a recipe, unless all of it is a file.

        Raises:
            InputError: there is no such recipe.
        """
        recipe, equals, path = text.partition("=")
        named = equals and path and not set("/\\") & set(recipe)
        if not named or (recipe not in recipes.RECIPES and files.is_regular(Path(text))):
            return cls(Path(text))
        return cls(Path(path), recipes.get(recipe).name)

    def __str__(self) -> str:
        return f"{self.recipe}={self.path}" if self.recipe else f"{self.path}"


def check_files(paths: list[Path], drafts: bool = False) -> list[PortName]:
    """Return the names of users' ports: those of their files or, where two are alike, their paths.

    drafts: whether they need not be Python yet.

    Raises:
        InputError: a file cannot be read, or is no Python.
    """
    for path in paths:
        if drafts:
            check_file(path)
        else:
            check_python(path)
    names = [path.name for path in paths]
    return [
        PortName(path.name if names.count(path.name) == 1 else str(path), path.absolute())
        for path in paths
    ]


def check_file(path: Path) -> bytes:
    """Check that a port's file can be read, and is called as Python files are.

    Returns:
        Its content.

    Raises:
        InputError: it cannot, or is not.
    """
    if path.suffix == ".ipynb":
        raise InputError(f"{path} is a notebook: export it as a .py file, and name that")
    if files.is_regular(path / INIT):
        raise InputError(f"{path} is a folder: name the file in it, {path / INIT}")
    try:
        content = files.read(path, LONGEST)
    except files.UnreadableError as error:
        raise InputError(f"{path} {error}: --with takes a Python file") from error
    if path.suffix != ".py":
        raise InputError(f"{path} does not end in .py, as a Python file does: rename it")
    if content.lstrip().startswith(b"{") and b'"cells"' in content:
        raise InputError(f"{path} holds a notebook: export it as Python, and name that")
    return content


def check_python(path: Path) -> None:
    """Check that a port's file can be read, and is Python.

    Raises:
        InputError: it cannot, or is not.
    """
    content = check_file(path)
    try:
        with warnings.catch_warnings(action="ignore"):  # they are for whoever runs the file
            compile(content, path, "exec")
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        where = f", line {line}" if line else ""
        raise InputError(f"{path}{where} is not Python ({error.args[0]})") from error
    except (RecursionError, MemoryError, OverflowError) as error:
        raise InputError(f"{path} is nested too deeply for Python to read it") from error


def read_by(
    ports: list[PortName], data_dir: Path | None, names: Iterable[str] = ()
) -> dict[Path, str]:
    """Return the files that a comparison may read, each with what it is, for no output to hit.

    Args:
        ports: what is compared.
        data_dir: where MNIST may be.
        names: of the recipes.
    """
    found = {
        path: f"part of the recipe {name}"
        for name in names
        for file in recipes.get(name).files
        for path in (parts(file) if file.suffix == ".py" else (file,))
    }
    found |= {
        path: f"part of the port {port}" for port in ports if port.file for path in parts(port.file)
    }
    variable = os.environ.get("LOCKSTEP_DATA")
    for folder in [*([data_dir] if data_dir else []), *([Path(variable)] if variable else [])]:
        for name in mnist_files.SHA256:
            for path in (folder / name, folder / "mnist" / name):
                found[path] = "one of MNIST's files"
    return found
