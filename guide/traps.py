"""A trap as the guide shows it: which lines it changes, what it costs, and what was said of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from markupsafe import Markup

from guide import highlight, ports
from parity.contract import DTYPES
from parity.reports.wording import percent
from traps import costs, record
from traps.catalogue import Bug, Catalogue, Entry, changed, load, load_examples, original
from traps.costs import Cost
from traps.record import Outcome, judge
from traps.themes import THEMES

CONTEXT = 1  # unchanged lines around a change
# Words in names of entries that are not written in small letters.
WRITTEN = {
    "numpy": "NumPy",
    "torch": "PyTorch",
    "pytorch": "PyTorch",
    "relu": "ReLU",
    "nadam": "NAdam",
    "adamw": "AdamW",
    **{name: name.capitalize() for name in ("adam", "flax", "keras", "nesterov", "python")},
    **{name: name.upper() for name in ("bert", "gelu", "gpt", "sgd", "xla")},
}
HARDLY = 0.005  # half a percentage point
REPRODUCED = ": with that mistake"  # what evidence goes on with, where the reference was changed
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
    """What was said, and in a few words whether that is a catch.

    outcomes: by precision; they differ in their ratios alone.
    """

    catch: str
    outcomes: dict[str, Outcome]

    @property
    def dtypes(self) -> str:
        """The precisions in which it was said."""
        return " and ".join(self.outcomes)

    @property
    def outcome(self) -> Outcome:
        """That in the higher precision."""
        return self.outcomes[max(self.outcomes)]

    @property
    def ratios(self) -> str:
        """The error in noise floors, in each precision."""
        numbers = dict.fromkeys(f"{outcome.ratio:.2g}" for outcome in self.outcomes.values())
        return f"{' and '.join(numbers)} noise floor{'' if [*numbers] == ['1'] else 's'}"

    @property
    def evidence(self) -> str:
        """What speaks for the cause, but that the reference with the mistake does the same."""
        return (self.outcome.evidence or "").partition(REPRODUCED)[0]

    def is_like(self, catch: str, outcome: Outcome) -> bool:
        """Whether the same is said in another precision."""
        own, other = self.outcome, outcome
        return catch == self.catch and all(
            getattr(own, name) == getattr(other, name)
            for name in ("rung", "step", "tensor", "cause", "error")
        )


@dataclass(frozen=True)
class Trap:
    """An entry of the catalogue, its hunks, and what was said of it.

    line: the first line of the real port that it changes. cost: None of what was not measured.
    """

    entry: Entry
    line: int
    hunks: tuple[Hunk, ...]
    said: tuple[Said, ...]
    cost: Cost | None = None

    @property
    def is_bug(self) -> bool:
        """Whether it is wrong; else it is as right as the port itself."""
        return isinstance(self.entry, Bug)

    @property
    def address(self) -> str:
        """Where it stands in the guide."""
        return f"{'traps' if self.is_bug else 'variations'}.html#{self.entry}"

    @property
    def cause(self) -> str:
        """What a diagnosis may call it; of what is right, nothing."""
        return self.entry.causes[0] if isinstance(self.entry, Bug) else ""

    @property
    def column(self) -> str:
        """Where it stands on the page of its net: by its framework, or the library on top of it."""
        return ports.column_of(self.entry)

    @property
    def title(self) -> str:
        """Its name in words."""
        words = re.sub(r"(?<!\de)-", " ", self.entry.name)
        return heading(re.sub(r"[a-z]+", lambda found: WRITTEN.get(found[0], found[0]), words))

    @property
    def reported_in(self) -> str:
        """The issue on GitHub in which somebody reports it, as GitHub writes it; or nothing."""
        source = (self.entry.source if isinstance(self.entry, Bug) else None) or ""
        return re.sub(r"https://github\.com/(.+)/(issues|pull)/", r"\1#", source)

    @property
    def price(self) -> str:
        """What it costs, in a few characters; nothing where that was not measured."""
        if self.cost is None or self.cost.wrong is None:
            return ""
        what = self.cost.measure.split()
        right, wrong = self.figure(self.cost.right), self.figure(self.cost.wrong)
        name = "loss" if "loss" in what else "accuracy"
        return f"{name} {right} either way" if right == wrong else f"{name} {right} → {wrong}"

    def figure(self, value: float) -> str:
        """Return a figure as its cost has it: a loss, or an accuracy in percent, if it is one."""
        assert self.cost is not None
        is_share = self.cost.measure != "last loss" and 0 <= value <= 1
        return percent(value) if is_share else f"{value:.4g}"


def heading(text: str) -> str:
    """Return a clause as a heading; what begins with a tensor's name or a type stays as it is."""
    return f"{text[:1].upper()}{text[1:]}" if re.match(r"[a-z]{2,}(?!\d)\b|a ", text) else text


def traps(catalogue: Catalogue | None = None) -> list[Trap]:
    """Return all traps, bugs first, in the order of the catalogue; then those of the examples.

    Raises:
        InputError: what is said of one is not recorded.
    """
    known = catalogue or load()
    entries = (*known.entries, *load_examples().entries)
    outcomes = record.load(entries)
    spent = costs.recall(costs.measured(known.bugs))
    return [_trap(entry, outcomes, spent) for entry in entries]


def unseen(all_traps: list[Trap]) -> tuple[int, int]:
    """Return how many of how many measured traps hardly change the accuracy after a run."""
    costs_of = (trap.cost for trap in all_traps if trap.cost and "accuracy" in trap.cost.measure)
    moved = [abs(cost.right - cost.wrong) for cost in costs_of if cost.wrong is not None]
    return sum(by < HARDLY for by in moved), len(moved)


def by_theme(all_traps: list[Trap]) -> dict[str, dict[str, list[Trap]]]:
    """Return the bugs of each theme, by their causes; what has none is left out."""
    of_causes: dict[str, list[Trap]] = {}
    for trap in all_traps:
        of_causes.setdefault(trap.cause, []).append(trap)
    return {
        theme: {cause: of_causes[cause] for cause in causes if cause in of_causes}
        for theme, (_, causes) in THEMES.items()
    }


def _trap(entry: Entry, outcomes: record.Outcomes, spent: costs.Costs) -> Trap:
    dtypes = entry.dtypes if isinstance(entry, Bug) else DTYPES
    said: list[Said] = []
    for dtype in dtypes:
        outcome = outcomes[entry, dtype]
        catch = TELLING[judge(entry, outcome)] if isinstance(entry, Bug) else outcome.verdict
        if said and said[-1].is_like(catch, outcome):
            said[-1].outcomes[dtype] = outcome
        else:
            said.append(Said(catch, {dtype: outcome}))
    planted = changed(entry)
    hunks = tuple(_hunks(entry.port.read_text(), planted))
    line = _first_line(hunks)
    if entry.style:
        own = _hunks(original(entry), planted)
        hunks = tuple(tuple(replace(line, number=None) for line in hunk) for hunk in own)
    cost = spent.get(entry) if isinstance(entry, Bug) else None
    return Trap(entry, line, hunks, tuple(said), cost)


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
