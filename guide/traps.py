"""A trap as the guide shows it: which lines it changes, and what was said of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from markupsafe import Markup

from guide import highlight
from parity.contract import DTYPES
from traps import record
from traps.catalogue import Bug, Catalogue, Entry, changed, load, load_examples, original
from traps.record import Outcome, judge
from traps.themes import THEMES, theme_of

CONTEXT = 1  # unchanged lines around a change
TELLING = {
    "caught": "caught",
    "elsewhere": "caught, but elsewhere than expected",
    "missed": "not caught",
}


@dataclass(frozen=True)
class Line:
    """A line of a change: of both ports ("same"), of the real one or of the changed one alone.

    number: in the real port; a line of a changed port alone, or of a port in another style, has
    none. html: its tokens in spans.
    """

    kind: str
    number: int | None
    html: Markup


Hunk = tuple[Line, ...]


@dataclass(frozen=True)
class Said:
    """What was said in one precision, and in a few words whether that is a catch."""

    dtype: str
    catch: str
    outcome: Outcome


@dataclass(frozen=True)
class Trap:
    """An entry of the catalogue, its hunks, and what was said of it.

    line: the first line of the real port that it changes.
    """

    entry: Entry
    line: int
    hunks: tuple[Hunk, ...]
    said: tuple[Said, ...]

    @property
    def is_bug(self) -> bool:
        """Whether it is wrong; else it is as right as the port itself."""
        return isinstance(self.entry, Bug)

    @property
    def column(self) -> str:
        """Where it stands on the page of its net: by its framework, or the library on top of it."""
        if self.entry.example:
            return self.entry.example.removeprefix(f"{self.entry.net}_").removesuffix(".py")
        return self.entry.framework

    @property
    def title(self) -> str:
        """Its name in words."""
        return re.sub(r"(?<!\de)-", " ", self.entry.name).capitalize()


def traps(catalogue: Catalogue | None = None) -> list[Trap]:
    """Return all traps, bugs first, in the order of the catalogue; then those of the examples.

    Raises:
        InputError: what is said of one is not recorded.
    """
    known = catalogue or load()
    entries = (*known.entries, *load_examples().entries)
    outcomes = record.load(entries)
    return [_trap(entry, outcomes) for entry in entries]


def by_theme(all_traps: list[Trap]) -> dict[str, list[Trap]]:
    """Return the bugs of each theme, the same causes together; those in examples have none."""
    found: dict[str, list[Trap]] = {theme: [] for theme in THEMES}
    for trap in all_traps:
        if isinstance(trap.entry, Bug) and not trap.entry.example:
            found[theme_of(trap.entry.causes[0])].append(trap)
    for theme, (_, causes) in THEMES.items():
        found[theme].sort(key=lambda trap: causes.index(_cause(trap)))
    return found


def _cause(trap: Trap) -> str:
    return trap.entry.causes[0] if isinstance(trap.entry, Bug) else ""


def _trap(entry: Entry, outcomes: record.Outcomes) -> Trap:
    dtypes = entry.dtypes if isinstance(entry, Bug) else DTYPES
    said = []
    for dtype in dtypes:
        outcome = outcomes[entry, dtype]
        catch = TELLING[judge(entry, outcome)] if isinstance(entry, Bug) else outcome.verdict
        said.append(Said(dtype, catch, outcome))
    planted = changed(entry)
    hunks = tuple(_hunks(entry.port.read_text(), planted))
    line = _first_line(hunks)
    if entry.style:
        own = _hunks(original(entry), planted)
        hunks = tuple(tuple(replace(line, number=None) for line in hunk) for hunk in own)
    return Trap(entry, line, hunks, tuple(said))


def _first_line(hunks: tuple[Hunk, ...]) -> int:
    """Return the number of the first line that is changed, or else of one beside a change."""
    numbered = [(line.kind != "real", line.number) for hunk in hunks for line in hunk]
    return min((real, number) for real, number in numbered if number)[1]


def _hunks(*sources: str) -> Iterator[Hunk]:
    """Yield the changes, each with a line around it; what is wrong comes before what is right."""
    real, other = (source.removesuffix("\n").split("\n") for source in sources)
    html, instead = map(highlight.lines, sources)
    for group in SequenceMatcher(None, real, other, autojunk=False).get_grouped_opcodes(CONTEXT):
        lines: list[Line] = []
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                lines += [Line("same", i + 1, html[i]) for i in range(i1, i2) if real[i]]
            else:
                lines += [Line("changed", None, instead[j]) for j in range(j1, j2)]
                lines += [Line("real", i + 1, html[i]) for i in range(i1, i2)]
        yield tuple(lines)
