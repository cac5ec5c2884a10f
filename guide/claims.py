"""What the notes and the dictionary claim, with code that shows it: impls/claims/*.toml.

A [[claim]] `says` a piece of a sentence that stands there, and has for each framework that it is
about code whose last line is True. guide/doctests.py runs it as it runs the dictionary's cells.
"""

import tomllib
from collections.abc import Iterable
from pathlib import Path

from guide.dictionary import Cell, Dictionary, Row
from guide.notes import Notes
from parity.contract import ROOT
from shared.errors import InputError

FOLDER = ROOT / "impls" / "claims"


def texts(notes: Notes, dictionary: Dictionary) -> list[str]:
    """Return all that claims may be about."""
    feet = [row.foot for row in dictionary.footed]
    return [*notes.general.values(), *notes.special.values(), *feet]


def load(texts: Iterable[str], folder: Path = FOLDER) -> list[Row]:
    """Return the claims as rows, each by what it says.

    texts: the notes and footnotes, in one of which each must stand.

    Raises:
        InputError: what one says stands nowhere.
    """
    standing = list(texts)
    claims = []
    for file in sorted(folder.glob("*.toml")):
        for table in tomllib.loads(file.read_text())["claim"]:
            says = " ".join(table.pop("says").split())
            if not any(says in text for text in standing):
                raise InputError(
                    f"{file.name} shows {says!r}, which neither the notes nor the dictionary says"
                )
            cells = {framework: Cell(code.strip()) for framework, code in table.items()}
            claims.append(Row(says, "True", cells, {}, {}))
    return claims
