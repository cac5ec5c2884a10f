"""The dictionary: what each framework says for the same operation, in general and in its ports.

impls/dictionary/start.toml names its groups, each a file beside it with a `title` and its [[row]]s.
A row has a `name` and, if need be, a `foot`note and the words that people may look for `also`.
Where rounding moves what its cells give by more than a last place, its `floor` says, in NumPy, how
far.

`in_general` holds a cell for every framework but TensorFlow 1: its code; a table with the `code`
and what is not shown, which runs `before` and `after` it; or a table that says in two words why
there is `none`. What the last line is worth, or what the hidden `read` makes of it (as `_`), must
be what the row `gives`, an expression of NumPy's. guide/doctests.py runs all that.

`in_ports` holds what the ports say: the `net` that its code is of, and for every framework that
says it code, that stands once in the port; several pieces of code; or a table with the `code` and
another `net` or, for what is no port, its `file`. Where it stands is looked up anew each time.
"""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guide import markup, quotes
from guide.ports import ORDER
from guide.quotes import Quote
from parity.contract import ROOT
from shared.errors import InputError

FOLDER = ROOT / "impls" / "dictionary"
# TensorFlow 1 is shown as its port writes it; nobody starts to write it any more.
IN_GENERAL = tuple(name for name in ORDER if name != "tensorflow_v1")
OF_A_CELL = ("code", "before", "read", "after")


@dataclass(frozen=True)
class Cell:
    """What a framework's users write.

    code: what is shown. before, after: run around it, unseen. read: what the row is told.
    """

    code: str
    before: str = ""
    read: str = "_"
    after: str = ""


@dataclass(frozen=True)
class Row:
    """An operation: by framework its cell, or why there is none, and what its ports say.

    gives: what each cell must give, in NumPy. floor: see above.
    """

    name: str
    gives: str
    cells: dict[str, Cell]
    none: dict[str, str]
    quotes: dict[str, tuple[Quote, ...]]
    foot: str = ""
    also: str = ""
    floor: str = "0.0"

    @property
    def anchor(self) -> str:
        """Its name as part of an address."""
        return markup.anchor(self.name)


@dataclass(frozen=True)
class Group:
    """Rows that belong together."""

    name: str
    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Dictionary:
    """All groups, and what runs for their cells, by framework.

    once: before all cells. before: before each. expected: after NumPy's, before what a row gives.
    """

    groups: tuple[Group, ...]
    once: dict[str, str]
    before: dict[str, str]
    expected: str = field(repr=False)

    @property
    def rows(self) -> list[Row]:
        """The rows of all groups."""
        return [row for group in self.groups for row in group.rows]

    @property
    def footed(self) -> list[Row]:
        """The rows that have a footnote, which is numbered by their order."""
        return [row for row in self.rows if row.foot]


def load(folder: Path = FOLDER) -> Dictionary:
    """Read the dictionary, and look up all code that it quotes.

    Raises:
        InputError: some code does not stand once in its file, or a framework is passed over.
    """
    start = tomllib.loads((folder / "start.toml").read_text())
    groups = tuple(_group(folder / f"{name}.toml") for name in start["groups"])
    return Dictionary(groups, start["once"], start["before"], start["expected"]["numpy"])


def _group(file: Path) -> Group:
    table = tomllib.loads(file.read_text())
    return Group(file.stem, table["title"], tuple(row(each) for each in table["row"]))


def row(table: dict[str, Any]) -> Row:
    """Return the row that a table describes.

    Raises:
        InputError: as `load`.
    """
    name, gives = table["name"], table.get("gives", "")
    cells: dict[str, Cell] = {}
    none: dict[str, str] = {}
    for framework in IN_GENERAL:
        said = table["in_general"].get(framework)
        if said is None:
            raise InputError(
                f"the dictionary's {name!r} has nothing for {framework}: give its code, or say "
                "why there is none"
            )
        if isinstance(said, dict) and "none" in said:
            none[framework] = said["none"]
        else:
            cells[framework] = _cell(name, framework, table, said)
    if cells and not gives:
        raise InputError(f"the dictionary's {name!r} does not say what its cells give")
    quotes = _quotes(name, dict(table.get("in_ports", {})))
    foot, also, floor = table.get("foot", ""), table.get("also", ""), table.get("floor", "0.0")
    return Row(name, gives, cells, none, quotes, " ".join(foot.split()), also, floor)


def _cell(name: str, framework: str, row: dict[str, Any], said: str | dict[str, str]) -> Cell:
    own = {"code": said} if isinstance(said, str) else said
    if unknown := set(own) - set(OF_A_CELL):
        raise InputError(
            f"the dictionary's {name!r} gives {framework} {min(unknown)!r}: a cell has "
            f"{', '.join(OF_A_CELL)}, or none"
        )
    shared = {"read": row["read"]} if "read" in row else {}
    return Cell(**{key: code.strip() for key, code in {**shared, **own}.items()})


def _quotes(name: str, table: dict[str, Any]) -> dict[str, tuple[Quote, ...]]:
    net = table.pop("net", "mnist")
    if unknown := set(table) - set(ORDER):
        raise InputError(f"the dictionary's {name!r} quotes {min(unknown)!r}, which has no ports")
    return {
        framework: quotes.find(f"the dictionary's {name!r}", framework, net, said)
        for framework, said in table.items()
    }
