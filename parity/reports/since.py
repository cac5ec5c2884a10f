"""What all reports say of a baseline, and how: plain text, in the same words everywhere."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from parity.baseline.changes import Change, Kind, Since
from parity.reports import wording
from parity.reports.wording import Values, aligned
from parity.standard.comparison import LIMIT

# Of a table with a row per port and precision, as `row` fills it.
COLUMNS = ("port", "recipe", "since then", "other bits", "values", "ratio", "worst on")
# Of one, and of several.
WRONG: dict[Kind, tuple[str, str]] = {
    "moved": ("has moved", "have moved"),
    "new": ("is new", "are new"),
    "gone": ("is gone", "are gone"),
    "in error": ("is in error", "are in error"),
}
HEADING = ("index", "before", "now")  # of values that moved


@dataclass(frozen=True)
class Moved:
    """What one port's numbers did that they should not have: in one line, how far, and where."""

    title: str
    extent: str | None = None
    values: Values = ()

    def __str__(self) -> str:
        """Return all of it, in plain lines."""
        lines = [*([self.extent] if self.extent else []), *aligned(self.values, HEADING)]
        return "\n".join([self.title, *(f"  {line}" for line in lines)])


def headline(since: Since) -> str:
    """Return what became of all numbers in a few words."""
    counts = Counter(change.kind for change in since.changes)
    wrong = [(counts[kind], words) for kind, words in WRONG.items() if counts[kind]]
    if wrong:
        (first, words), *others = wrong
        rest = [f"{number} {own[number > 1]}" for number, own in others]
        said = ", ".join([f"{first} of {len(since.changes)} {words[first > 1]}", *rest])
    elif not since.changes:
        said = "nothing was compared"
    else:
        said = "no bit has changed" if counts.keys() == {"same bits"} else "nothing has moved"
    return f"since {since.file}, {said}"


def legend(since: Since) -> str:
    """Return what a port is held to, and what moving is."""
    return (
        f"Every port is held to its own numbers in {since.file}, of {since.written} UTC. It has "
        f"moved if a value is more than {LIMIT:g} noise floors from where it was; within that, "
        "other bits are no change of meaning."
    )


def surroundings(since: Since) -> Iterator[str]:
    """Say what is otherwise than it was then: versions, flags, the processor."""
    for name, before, now in since.environment:
        yield f"{name}: {now}, was {before}"
    if not since.environment:
        yield "versions, flags and processor are as they were then"


def row(change: Change) -> tuple[str, ...]:
    """Return what became of a port's numbers as the cells of a table, one for each of COLUMNS."""
    worst = change.worst
    return (
        change.port,
        f"{change.trial}",
        change.kind,
        wording.count(change.other_bits) if worst else "",
        wording.count(change.compared) if worst else "",
        f"{worst.ratio:.2g}" if worst else "",
        f"{worst.place.rung} {worst.place.own}" if worst and worst.ratio else "",
    )


def moved(since: Since) -> Iterator[Moved]:
    """Yield what is to be said of each port whose numbers do not mean what they did."""
    for change in since.changes:
        if not change.holds:
            yield of(change)


def of(change: Change) -> Moved:
    """Return what is to be said of one such port."""
    who = f"{change.port} on {change.trial}"
    if change.kind == "new":
        return Moved(f"{who} is new: the baseline has no numbers of it")
    if change.kind == "gone":
        return Moved(f"{who} is gone: the baseline has numbers of it, and this run has none")
    if change.kind == "in error":
        return Moved(f"{who} is in error, so its numbers are held to nothing")
    first = change.first
    if first is None:
        return Moved(f"{who} gave no numbers that could be compared")
    layer = "layer " if first.rung == "forward" and first.place.name != "outputs" else ""
    where = f"first on {first.rung}, step {first.step}, {layer}{first.place}"
    if change.fault:
        return Moved(f"{who} has moved, {where}: {change.fault}")
    extent = wording.share(first.mismatches, first.size, first.ratio)
    values = wording.values(first.examples, change.trial.dtype)
    return Moved(f"{who} has moved, {where}", extent, values)
