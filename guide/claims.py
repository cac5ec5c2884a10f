"""What the notes and the dictionary claim, with code that shows it: impls/claims/*.toml.

A [[claim]] `says` a piece of a sentence that stands there, and has for each framework that it is
about code whose last line is True; whoever looks at that framework must see the sentence.
guide/doctests.py runs it as it runs the dictionary's cells.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path

from guide.dictionary import Cell, Dictionary, Row
from guide.notes import Notes
from guide.ports import ORDER
from parity.contract import ROOT
from shared.errors import InputError

FOLDER = ROOT / "impls" / "claims"


def texts(notes: Notes, dictionary: Dictionary) -> dict[str, list[str]]:
    """Return all that claims may be about, by the framework whose readers see it."""
    all_notes = [*notes.general.values(), *notes.special.values()]
    shared = [text for note in all_notes for text in note.shared]
    feet = [row.foot for row in dictionary.footed]
    return {
        framework: [*shared, *feet, *(note.lines.get(framework, "") for note in all_notes)]
        for framework in ORDER
    }


def load(texts: Mapping[str, list[str]], folder: Path = FOLDER) -> list[Row]:
    """Return the claims as rows, each by what it says.

    texts: as `texts` returns them.

    Raises:
        InputError: what one says stands nowhere.
    """
    claims = []
    for file in sorted(folder.glob("*.toml")):
        for table in tomllib.loads(file.read_text())["claim"]:
            says = " ".join(table.pop("says").split())
            for framework in table:
                if not any(says in text for text in texts[framework]):
                    raise InputError(
                        f"{file.name} shows {says!r} for {framework}, which neither the notes nor "
                        "the dictionary says"
                    )
            cells = {framework: Cell(code.strip()) for framework, code in table.items()}
            claims.append(Row(says, "True", cells, {}, {}))
    return claims
