"""The result of a comparison as a person reads it, in as many columns as there are."""

import io
import os
import time

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from parity.baseline.changes import Since
from parity.processes.profile import KINDS, Profile
from parity.reports import since as baseline
from parity.reports import wording
from parity.reports.files import discard
from parity.reports.wording import Finding, Values
from parity.results import PortResult, Round, Trial, by_recipe

WIDTH = 100  # where there is no terminal to ask
NARROWEST, WIDEST = 40, 140
NARROWEST_PORT, NARROWEST_PLACE = 12, 10
PLACE = "worst on"  # the column that can be cut short
# What a table goes without where it is too wide, in this order: columns, and those that are empty.
SPARE = ("values", "s")
SPARE_IF_EMPTY = ("test", "train", "last loss")
SPARE_AT_LAST = ("train", "test", "last loss", PLACE)
VERDICT_COLOURS = {
    "agree": "green",
    "expected": "yellow",
    "disagree": "bold red",
    "error": "bold red",
}
SINCE_COLOURS = {True: "green", False: "bold red"}


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Print no more where nobody reads, as under `| head`; the verdict is still the status."""
        discard(self.file)


def console(stderr: bool = False) -> Console:
    """Return a console as wide as the terminal or $COLUMNS, within reason; else of WIDTH."""
    console = _Console(stderr=stderr, highlight=False, soft_wrap=False)
    known = console.is_terminal or os.environ.get("COLUMNS", "").isdigit()
    console.width = max(NARROWEST, min(console.width, WIDEST)) if known else WIDTH
    return console


def whole(results: list[PortResult]) -> RenderableType:
    """Return all there is to say but the last line: a table per recipe, and what is wrong."""
    return Group(Text(wording.legend(results)), *tables(results))


def tables(results: list[PortResult]) -> list[RenderableType]:
    """Return a table per recipe, and what is wrong."""
    return [recipe_report(trial, group, results) for trial, group in by_recipe(results)]


def look(found: Round, verdict_alone: bool) -> RenderableType:
    """Return what came of one look at ports that are watched."""
    parts: list[RenderableType] = []
    if found.changed:
        names = " and ".join(f"{port}" for port in found.changed)
        parts += [Text(), Text(f"{time.strftime('%H:%M:%S')}  {names} changed", style="bold cyan")]
    parts += [Text(fault, style="bold red") for fault in found.faults]
    if found.results:
        if not verdict_alone:
            parts += [Text(wording.legend(found.results))] if not found.changed else []
            parts += tables(found.results)
        parts.append(last_line(found.results, found.seconds))
    return Group(*parts)


def as_text(results: list[PortResult], seconds: float) -> str:
    """Return the whole report with its last line, in plain text."""
    plain = Console(file=io.StringIO(), width=WIDTH, color_system=None)
    with plain.capture() as capture:
        plain.print(whole(results), last_line(results, seconds))
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def recipe_report(
    trial: Trial, results: list[PortResult], others: list[PortResult]
) -> RenderableType:
    """Return the table of one recipe, a row per port and precision, and what is wrong with any.

    others: all results there are, for what one says of another.
    """
    heading = Text(trial.experiment.recipe.name, style="bold")
    heading.append(f"  {wording.summary(trial)}", style="not bold")
    parts: list[RenderableType] = [Text(), heading, Text(wording.data(trial))]
    parts += map(Text, wording.conditions(trial, results))
    stand_in = wording.stand_in(trial)
    if stand_in:
        parts.append(Text(stand_in, style="bold yellow"))
    parts.append(Verdicts([wording.row(result) for result in results]))
    wrong = [result for result in results if result.verdict != "agree"]
    parts += [_details(wording.finding(result, others)) for result in wrong]
    parts += [Text(f"\n{said}", style="bold yellow") for said in wording.suspicions(results)]
    said = (*wording.expectations(results), *wording.omissions(results))
    parts += [Text(each, style="yellow") for each in said]
    return Group(*parts)


def last_line(results: list[PortResult], seconds: float, since: Since | None = None) -> Text:
    """Return the verdict on everything in one line."""
    good = all(result.verdict == "agree" for result in results) and (not since or since.holds)
    held = f"; {baseline.headline(since)}" if since else ""
    text = f"{wording.headline(results)}{held}; {wording.effort(results, seconds)}"
    return Text(text, style="bold green" if good else "bold red")


def since_report(since: Since) -> RenderableType:
    """Return what became of all numbers since a baseline, a row per port and precision."""
    parts: list[RenderableType] = [Text(), Text(baseline.legend(since))]
    parts += [_indented(line) for line in baseline.surroundings(since)]
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    for number, name in enumerate(baseline.COLUMNS):
        numeric = name in ("other bits", "values", "ratio")
        table.add_column(
            name, justify="right" if numeric else "left", overflow="fold", no_wrap=number > 1
        )
    for change in since.changes:
        style = SINCE_COLOURS[change.holds]
        port, recipe, kind, *numbers = map(Text, baseline.row(change))
        table.add_row(port, recipe, Text(f"{kind}", style=style), *numbers)
    parts.append(table)
    for moved in baseline.moved(since):
        parts += [Text(), Text(moved.title, style="bold red")]
        parts += [_indented(moved.extent)] if moved.extent else []
        parts += [_table(moved.values, baseline.HEADING)] if moved.values else []
    parts += [Text(said, style="yellow") for said in since.left_out]
    return Group(*parts)


def profile(spent: Profile, results: list[PortResult]) -> RenderableType:
    """Return a row per process: its seconds by kind of work, and the peak of its memory."""
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("seconds of", no_wrap=True)
    kinds = list(KINDS)
    for name in (*kinds[:2], "first steps", "whole runs", *kinds[2:], "peak MB"):
        table.add_column(name, justify="right")
    for who, memory in sorted(spent.memory.items()):
        own = [result.seconds for result in results if result.port == who]
        runs = [sum(each[name] or 0 for each in own) for name in ("first_step", "train")]
        cells = [spent.spent(who, kind) for kind in kinds]
        seconds = [f"{value:.1f}" if value else "" for value in (*cells[:2], *runs, *cells[2:])]
        table.add_row(Text(who), *seconds, f"{memory / 1e6:,.0f}" if memory else "")
    whole = time.monotonic() - spent.started
    note = (
        "Rungs include first steps (which trace and compile) and whole runs. This process read "
        f"data, judged and reported in {time.process_time():.1f} s of {whole:.1f} s."
    )
    return Group(Text(), table, Text(note))


class Verdicts:
    """A table with a row of wording's COLUMNS per port and precision, as wide as there is room.

    The names of ports stay whole for as long as there is another column to do without.
    """

    def __init__(self, rows: list[tuple[str, ...]]) -> None:
        self.rows = rows
        self.widths = {
            name: max(cell_len(cell) for cell in (name, *cells))
            for name, *cells in zip(wording.COLUMNS, *rows, strict=True)
        }

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
        widths = self.fitting(options.max_width)
        for name, width in widths.items():
            left = name in ("port", "dtype", "verdict", PLACE)
            folded = name == "port"
            table.add_column(
                name,
                width=width,
                justify="left" if left else "right",
                no_wrap=not folded,
                overflow="fold" if folded else "ellipsis",
            )
        for row in self.rows:
            # Text, because a port's names may hold what rich takes for markup.
            cells = zip(wording.COLUMNS, row, strict=True)
            table.add_row(
                *(
                    Text(cell, style=VERDICT_COLOURS.get(cell, ""))
                    for name, cell in cells
                    if name in widths
                )
            )
        yield table

    def fitting(self, room: int) -> dict[str, int]:
        """Return the columns that there is room for, and how wide each is."""
        widths = dict(self.widths)

        def missing() -> int:
            return sum(widths.values()) + len(widths) - 1 - room

        def spare(*names: str) -> None:
            for name in names:
                if missing() > 0:
                    widths.pop(name, None)

        def shorten(name: str, least: int) -> None:
            if missing() > 0 and name in widths:
                widths[name] = max(min(least, widths[name]), widths[name] - missing())

        spare(*SPARE)
        spare(*(name for name in SPARE_IF_EMPTY if not any(self._cells(name))))
        spare("step")
        shorten(PLACE, NARROWEST_PLACE)
        spare(*SPARE_AT_LAST)
        shorten("port", NARROWEST_PORT)
        return widths

    def _cells(self, name: str) -> list[str]:
        return [row[wording.COLUMNS.index(name)] for row in self.rows]


def _details(finding: Finding) -> RenderableType:
    """Return the first divergence of a port, with a table of values, or its error, or both."""
    title = Text(finding.who, style="bold red")
    parts: list[RenderableType] = [Text()]
    if finding.error:
        parts.append(title + Text(f": {finding.error}", style="not bold red"))
    if finding.where:
        parts.append(title + Text(f" {finding.where}", style="not bold red"))
        parts += [_indented(line) for line in finding.extent]
        parts.append(_table(finding.values, wording.HEADING))
    parts += [title + Text(f" {fault}", style="not bold red") for fault in finding.faults]
    parts += [_indented(line) for line in finding.elsewhere]
    if finding.cause:
        likeness = Text("looks like: " if finding.confidence else "")
        likeness.append(finding.cause, style="bold")
        likeness.append(f" ({finding.confidence})" if finding.confidence else "")
        likeness.append(f"\n{finding.evidence}")
        parts.append(_indented(likeness))
    return Group(*parts)


def _indented(line: str | Text) -> Padding:
    return Padding(line if isinstance(line, Text) else Text(line), (0, 0, 0, 2), expand=False)


def _table(values: Values, heading: tuple[str, ...]) -> Padding:
    table = Table(box=None, padding=(0, 3, 0, 0), pad_edge=False, header_style="dim")
    for number, name in enumerate(heading):
        table.add_column(name, justify="right" if number else "left")
    for row in values:
        table.add_row(*map(Text, row))
    return Padding(table, (0, 0, 0, 2), expand=False)
