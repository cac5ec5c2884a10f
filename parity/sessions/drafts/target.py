"""What a user calls a model: MODULE:NAME or FILE.py:NAME, with arguments behind it."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from shared import files
from shared.errors import InputError

FORM = re.compile(r"(?P<where>.+?):(?P<name>[^\W\d]\w*(?:\.[^\W\d]\w*)*)(?P<arguments>\(.*\))?")


@dataclass(frozen=True)
class Target:
    """Where a model is.

    text: what it is called, without its arguments. folder: the one on Python's path from which the
    module is imported. name: in the module; dotted, if it is inside something there.
    arguments: of the call that makes the model, in parentheses; empty if none are given.
    """

    text: str
    folder: Path
    module: str
    name: str
    arguments: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what a text says.

        Raises:
            InputError: it says nothing of the kind, or names a file that is not there.
        """
        said = FORM.fullmatch(text.strip())
        if not said:
            raise InputError(
                f"{text!r} names no model: write MODULE:NAME, or FILE.py:NAME, such as my_model:Net"
            )
        where, name, arguments = said.groups(default="")
        folder, module = Path.cwd(), where
        if where.endswith(".py"):
            folder, module = _imported_from(Path(where))
        return cls(f"{where}:{name}", folder, module, name, arguments)

    @property
    def last(self) -> str:
        """The last part of the name."""
        return self.name.rpartition(".")[2]

    @property
    def stem(self) -> str:
        """The name in snake case, by which files are called."""
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", self.last)
        return words.lower()


def _imported_from(path: Path) -> tuple[Path, str]:
    """Return the folder that must be on Python's path, and the module's name from there."""
    if not files.is_regular(path):
        raise InputError(f"there is no file {path}: name the module or the file of your model")
    folder, module = path.absolute().parent, path.stem
    while files.is_regular(folder / "__init__.py"):
        folder, module = folder.parent, f"{folder.name}.{module}"
    return folder, module
