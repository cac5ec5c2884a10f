"""From TensorFlow 1 to 2: what became of each piece of the tutorial, quoted from both ports.

impls/migration.toml has a [[piece]] for each: its `name`, the code of the port of TensorFlow 1, and
that of TensorFlow 2, one piece of code or several, or none, and a `note`. For what the tutorial
does without, `elsewhere` names the row of the dictionary that has what it became.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guide import markup, quotes
from guide.quotes import Quote
from parity.contract import ROOT

FILE = ROOT / "impls" / "migration.toml"
NET = "mnist"


@dataclass(frozen=True)
class Piece:
    """A piece of a program in TensorFlow 1, and what it became."""

    name: str
    before: tuple[Quote, ...]
    after: tuple[Quote, ...]
    note: str

    @property
    def anchor(self) -> str:
        """Its name as part of an address."""
        return markup.anchor(self.name)


@dataclass(frozen=True)
class Migration:
    """All pieces, and by what TensorFlow 1 calls it the row of the dictionary for anything else."""

    pieces: list[Piece]
    elsewhere: dict[str, str]


def load(file: Path = FILE) -> Migration:
    """Read all pieces, and look up the code that they quote.

    Raises:
        InputError: some code does not stand once in its port.
    """
    whole = tomllib.loads(file.read_text())
    pieces = [
        Piece(
            table["name"],
            _quotes(table, "tensorflow_v1"),
            _quotes(table, "tensorflow"),
            " ".join(table["note"].split()),
        )
        for table in whole["piece"]
    ]
    return Migration(pieces, whole["elsewhere"])


def _quotes(table: dict[str, Any], framework: str) -> tuple[Quote, ...]:
    quoting = f"the migration's {table['name']!r}"
    return quotes.find(quoting, framework, NET, table.get(framework, []))
