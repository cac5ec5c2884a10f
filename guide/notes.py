"""The notes on what differs between the frameworks, function by function: impls/notes.toml."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from parity.contract import ROOT
from shared.errors import InputError

FILE = ROOT / "impls" / "notes.toml"


@dataclass(frozen=True)
class Notes:
    """general: by function. special: of one net's own, by net and function."""

    general: dict[str, str]
    special: dict[tuple[str, str], str]

    def of(self, net: str, function: str) -> list[str]:
        """Return what there is to say of a function of a net, the net's own first."""
        said = (self.special.get((net, function)), self.general.get(function))
        return [note for note in said if note]


def load(file: Path = FILE) -> Notes:
    """Read the notes.

    Raises:
        InputError: a table of the file is no note.
    """
    general: dict[str, str] = {}
    special: dict[tuple[str, str], str] = {}
    for name, table in tomllib.loads(file.read_text()).items():
        if set(table) == {"note"}:
            general[name] = _text(table["note"])
            continue
        for function, inner in table.items():
            if not isinstance(inner, dict) or set(inner) != {"note"}:
                raise InputError(f"{file.name}: [{name}] has {function!r}, where a note is due")
            special[name, function] = _text(inner["note"])
    return Notes(general, special)


def _text(note: str) -> str:
    """Return a note in one line, as it is typed in several."""
    return " ".join(note.split())
