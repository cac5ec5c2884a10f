"""The notes on what differs between the frameworks, function by function: impls/notes.toml.

It has a table per function with a `note` for whoever reads it, a line for each framework of which
there is more to say, or both; [net.function] for what a net has of its own; and an [[overview]] for
each thing that differs at a glance: `what` it is, the `function` where it shows, and an answer for
every framework.
"""

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
class Note:
    """What there is to say of a function.

    shared: paragraphs for whoever reads it. lines: for those who look at a framework, by its name:
    the first sentence of each says the most, and a page folds the others below it.
    """

    shared: tuple[str, ...] = ()
    lines: dict[str, str] = field(default_factory=dict)

    def parts(self, framework: str) -> tuple[str, str]:
        """Return the first sentence of a framework's line, and the others; of none, nothing."""
        first, *others = re.split(r"(?<=[.?]) ", self.lines.get(framework, ""), maxsplit=1)
        return first, "".join(others)

    @property
    def text(self) -> str:
        """All that it says."""
        return " ".join((*self.shared, *self.lines.values()))

    def and_then(self, other: "Note") -> "Note":
        """Return it, followed by another: of each framework there is still one line."""
        lines = {
            framework: " ".join(
                of[framework] for of in (self.lines, other.lines) if framework in of
            )
            for framework in self.lines | other.lines
        }
        return Note((*self.shared, *other.shared), lines)


NOTHING = Note()


@dataclass(frozen=True)
class Notes:
    """general: by function. special: of one net's own, by net and function."""

    overview: list[Difference]
    general: dict[str, Note]
    special: dict[tuple[str, str], Note]

    def of(self, net: Net, function: str) -> Note:
        """Return what there is to say of a function of a net, its own after what holds for all.

        What holds for all of our nets does not for the examples.
        """
        general = NOTHING if net.is_example else self.general.get(function, NOTHING)
        return general.and_then(self.special.get((net.name, function), NOTHING))


def load(file: Path = FILE) -> Notes:
    """Read the notes.

    Raises:
        InputError: a table of the file is no note.
    """
    tables = tomllib.loads(file.read_text())
    overview = [_difference(file, table) for table in tables.pop("overview", ())]
    general: dict[str, Note] = {}
    special: dict[tuple[str, str], Note] = {}
    for name, table in tables.items():
        if any(isinstance(said, dict) for said in table.values()):
            for function, inner in table.items():
                special[name, function] = _note(file, f"{name}.{function}", inner)
        else:
            general[name] = _note(file, name, table)
    return Notes(overview, general, special)


def _difference(file: Path, table: dict[str, str]) -> Difference:
    what, answers = table.pop("what"), {name: table.get(name, "") for name in ORDER}
    if missing := [name for name, answer in answers.items() if not answer]:
        raise InputError(f"{file.name}: what differs in {what!r} has nothing for {missing[0]}")
    return Difference(what, table["function"], answers)


def _note(file: Path, name: str, table: Any) -> Note:
    """Return a note, each text of it in one line, as it is typed in several."""
    if not isinstance(table, dict) or not table or set(table) - {"note", *ORDER}:
        raise InputError(
            f"{file.name}: [{name}] should have a note, lines of frameworks, and nothing else"
        )
    texts = {key: " ".join(f"{text}".split()) for key, text in table.items()}
    shared = (texts.pop("note"),) if "note" in texts else ()
    return Note(shared, {framework: texts[framework] for framework in ORDER if framework in texts})
