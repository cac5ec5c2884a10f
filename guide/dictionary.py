"""The dictionary: what each framework says for the same operation, as its ports say it.

impls/dictionary.toml has an [[operation]] each, with a `name`, the `net` that its code is of, and
for every framework either code, that stands once in the port; several pieces of code; a table with
the `code` and another `net` or, for what is no port, its `file`; or a table with the reason why
there is `none`. Where the code stands is looked up anew each time.
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guide.ports import ORDER
from parity.contract import ROOT
from shared.errors import InputError

FILE = ROOT / "impls" / "dictionary.toml"


@dataclass(frozen=True)
class Quote:
    """Whole lines of a file.

    file: from the project's root. net: whose port it is, or None. start: the first line's number.
    """

    file: str
    net: str | None
    start: int
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Operation:
    """A row: quotes by framework, or why there are none."""

    name: str
    note: str
    quotes: dict[str, tuple[Quote, ...]]
    none: dict[str, str]

    @property
    def anchor(self) -> str:
        """Its name as part of an address."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")


def load(file: Path = FILE) -> list[Operation]:
    """Read the dictionary, and look all its code up.

    Raises:
        InputError: some code does not stand once in its file, or a framework is passed over.
    """
    tables = tomllib.loads(file.read_text())["operation"]
    return [_operation(table) for table in tables]


def _operation(table: dict[str, Any]) -> Operation:
    name, net = table["name"], table.get("net", "mnist")
    quotes: dict[str, tuple[Quote, ...]] = {}
    none: dict[str, str] = {}
    for framework in ORDER:
        said = table.get(framework)
        if said is None:
            raise InputError(
                f"the dictionary's {name!r} has nothing for {framework}: quote its code, or say "
                "why there is none"
            )
        if isinstance(said, dict) and "none" in said:
            none[framework] = said["none"]
        else:
            pieces = said if isinstance(said, list) else [said]
            quotes[framework] = tuple(_quote(name, framework, net, piece) for piece in pieces)
    return Operation(name, table.get("note", ""), quotes, none)


def _quote(name: str, framework: str, net: str, piece: str | dict[str, str]) -> Quote:
    said = {"code": piece} if isinstance(piece, str) else piece
    of: str | None = None if "file" in said else said.get("net", net)
    file = said.get("file", f"impls/{framework}/{of}.py")
    path, code = ROOT / file, said["code"].strip()
    source = path.read_text() if path.is_file() else ""
    if (times := source.count(code)) != 1:
        raise InputError(
            f"the dictionary's {name!r} quotes {code.splitlines()[0]!r}, which stands {times} "
            f"times in {file}, where it should stand once: mend impls/dictionary.toml"
        )
    start = source.count("\n", 0, source.index(code)) + 1
    stop = start + code.count("\n")
    return Quote(file, of, start, tuple(source.split("\n")[start - 1 : stop]))
