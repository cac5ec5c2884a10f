"""The notes on what differs between the frameworks, function by function: impls/notes.toml.

It has a table per function with its `note`; [net.function] for what a net has of its own; and, for
each thing that differs at a glance, an [[overview]]: `what` it is, the `function` where it shows,
and an answer for every framework.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from guide.ports import ORDER, Net
from parity.contract import ROOT
from shared.errors import InputError

FILE = ROOT / "impls" / "notes.toml"


@dataclass(frozen=True)
class Difference:
    """What differs at a glance: answers by framework, and the function where it shows."""

    what: str
    function: str
    answers: dict[str, str]


@dataclass(frozen=True)
class Notes:
    """general: by function. special: of one net's own, by net and function."""

    overview: list[Difference]
    general: dict[str, str]
    special: dict[tuple[str, str], str]

    def of(self, net: Net, function: str) -> list[str]:
        """Return what there is to say of a function of a net, its own after what holds for all.

        What holds for all of our nets does not for the examples.
        """
        general = None if net.is_example else self.general.get(function)
        said = (general, self.special.get((net.name, function)))
        return [note for note in said if note]


def load(file: Path = FILE) -> Notes:
    """Read the notes.

    Raises:
        InputError: a table of the file is no note.
    """
    tables = tomllib.loads(file.read_text())
    overview = [_difference(file, table) for table in tables.pop("overview", ())]
    general: dict[str, str] = {}
    special: dict[tuple[str, str], str] = {}
    for name, table in tables.items():
        if "note" in table:
            general[name] = _note(file, name, table)
        else:
            for function, inner in table.items():
                special[name, function] = _note(file, f"{name}.{function}", inner)
    return Notes(overview, general, special)


def _difference(file: Path, table: dict[str, str]) -> Difference:
    what, answers = table.pop("what"), {name: table.get(name, "") for name in ORDER}
    if missing := [name for name, answer in answers.items() if not answer]:
        raise InputError(f"{file.name}: what differs in {what!r} has nothing for {missing[0]}")
    return Difference(what, table["function"], answers)


def _note(file: Path, name: str, table: object) -> str:
    """Return a note in one line, as it is typed in several."""
    if not isinstance(table, dict) or set(table) != {"note"}:
        raise InputError(f"{file.name}: [{name}] should have a note, and nothing else")
    return " ".join(str(table["note"]).split())
