"""Defaults that bite: what each library does unless told otherwise, as read from the library.

guide/differences.toml has a [[topic]] each, with a `name` and its [[topic.row]]: a `name`; for each
framework, what does it, with the code that reads it and the value that this gives; what goes
`wrong`, and how to `write` the other's behaviour. Where the code gives a number, `means` may say
what numbers mean: decimals to the last digit that is written, whole ones exactly. guide/reading.py
runs the code; `python -m guide.differences` prints the page.
"""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guide import markup
from guide.ports import BESIDE, ORDER, TITLES
from parity.contract import ROOT

FILE = Path(__file__).with_suffix(".toml")
PAGE = ROOT / "docs" / "differences.md"
# Columns are of more than one library.
HEADS = {name: ", ".join(filter(None, (of, BESIDE.get(name)))) for name, of in TITLES.items()}
START = """\
# What frameworks do differently

Defaults that bite, library by library. Every cell is read from the installed library by a test, as
it stands in a signature, or measured. The code that reads it is in
[guide/differences.toml](../guide/differences.toml), and beside its value in the guide that `make
guide` builds.

"""


@dataclass(frozen=True)
class Cell:
    """What a library does.

    of: the function or layer. code: reads it, in its last line. value: what that gave.
    """

    of: str
    code: str
    value: str


@dataclass(frozen=True)
class Row:
    """What differs: cells by framework, and the numbers that the code gives by what they mean."""

    name: str
    wrong: str
    write: str
    cells: dict[str, tuple[Cell, ...]]
    means: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def anchor(self) -> str:
        """Its name as part of an address."""
        return markup.anchor(self.name)


@dataclass(frozen=True)
class Topic:
    """Rows that belong together."""

    name: str
    rows: tuple[Row, ...]

    @property
    def anchor(self) -> str:
        """Its name as part of an address, as on the page in docs/."""
        return markup.anchor(self.name)

    @property
    def frameworks(self) -> list[str]:
        """Those that any row has a cell of, in the guide's order."""
        return [name for name in ORDER if any(name in row.cells for row in self.rows)]


@dataclass(frozen=True)
class Differences:
    """All topics, the versions that they were read from, and what to import, by framework."""

    topics: tuple[Topic, ...]
    versions: dict[str, str]
    imports: dict[str, str]

    @property
    def frameworks(self) -> list[str]:
        """Those that are read, in the guide's order."""
        return [name for name in ORDER if name in self.imports]


def load(file: Path = FILE) -> Differences:
    """Read the table."""
    said = tomllib.loads(file.read_text(), parse_float=str)  # with all digits that are written
    topics = tuple(Topic(t["name"], tuple(map(_row, t["row"]))) for t in said["topic"])
    return Differences(topics, said["versions"], said["imports"])


def _row(said: dict[str, Any]) -> Row:
    cells = {
        framework: tuple(Cell(of, code, value) for of, (code, value) in said[framework].items())
        for framework in ORDER
        if framework in said
    }
    means = {
        meaning: tuple(map(str, numbers if isinstance(numbers, list) else [numbers]))
        for meaning, numbers in said.get("means", {}).items()
    }
    return Row(said["name"], said["wrong"], said["write"], cells, means)


def page(differences: Differences) -> str:
    """Return docs/differences.md."""
    versions = "".join(f"- {versions}\n" for versions in differences.versions.values())
    topics = "".join(map(_topic, differences.topics))
    return f"{START}Read from\n\n{versions}{topics}"


def _topic(topic: Topic) -> str:
    heads = ["", *(HEADS[name] for name in topic.frameworks), "what goes wrong, and what to write"]
    lines = [heads, ["---"] * len(heads)]
    for row in topic.rows:
        cells = [_cells(row.cells.get(name, ())) for name in topic.frameworks]
        lines.append([row.name, *cells, f"{row.wrong} {row.write}"])
    table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    return f"\n## {topic.name}\n\n{table}"


def _cells(cells: tuple[Cell, ...]) -> str:
    return "<br>".join(f"`{cell.of}`: {cell.value}" for cell in cells)


if __name__ == "__main__":
    print(page(load()), end="")  # noqa: T201
