"""The result of a comparison as a person reads it, in up to 100 columns."""

import io
import os
import time

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from parity.processes.profile import KINDS, Profile
from parity.reports import wording
from parity.reports.wording import Finding
from parity.results import PortResult, Round, Trial, by_recipe

WIDTH = 100
COLOURS = {"agree": "green", "disagree": "bold red", "error": "bold red"}


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Print no more where nobody reads, as under `| head`; the verdict is still the status."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


def console(stderr: bool = False) -> Console:
    """Return a console of at most WIDTH columns; where there is no terminal, of just so many."""
    console = _Console(stderr=stderr, highlight=False, soft_wrap=False)
    console.width = min(console.width, WIDTH) if console.is_terminal else WIDTH
    return console


def whole(trials: list[Trial], results: list[PortResult]) -> RenderableType:
    """Return all there is to say but the last line: a table per recipe, and what is wrong."""
    return Group(Text(wording.LEGEND), *tables(trials, results))


def tables(trials: list[Trial], results: list[PortResult]) -> list[RenderableType]:
    """Return a table per recipe, and what is wrong."""
    return [recipe_report(trial, group, results) for trial, group in by_recipe(trials, results)]


def look(trials: list[Trial], found: Round, verdict_alone: bool) -> RenderableType:
    """Return what came of one look at ports that are watched."""
    parts: list[RenderableType] = []
    if found.changed:
        names = " and ".join(f"{port}" for port in found.changed)
        parts += [Text(), Text(f"{time.strftime('%H:%M:%S')}  {names} changed", style="bold cyan")]
    parts += [Text(fault, style="bold red") for fault in found.faults]
    if found.results:
        if not verdict_alone:
            parts += [Text(wording.LEGEND)] if not found.changed else []
            parts += tables(trials, found.results)
        parts.append(last_line(found.results, found.seconds))
    return Group(*parts)


def as_text(trials: list[Trial], results: list[PortResult], seconds: float) -> str:
    """Return the whole report with its last line, in plain text."""
    plain = Console(file=io.StringIO(), width=WIDTH, color_system=None)
    with plain.capture() as capture:
        plain.print(whole(trials, results), last_line(results, seconds))
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
    parts.append(_table(results))
    wrong = [result for result in results if result.verdict != "agree"]
    parts += [_details(wording.finding(result, others)) for result in wrong]
    parts += [Text(f"\n{said}", style="bold yellow") for said in wording.suspicions(results)]
    parts += [Text(said, style="yellow") for said in wording.omissions(results)]
    return Group(*parts)


def last_line(results: list[PortResult], seconds: float) -> Text:
    """Return the verdict on everything in one line."""
    good = all(result.verdict == "agree" for result in results)
    text = f"{wording.headline(results)}; {wording.effort(results, seconds)}"
    return Text(text, style="bold green" if good else "bold red")


def profile(spent: Profile, results: list[PortResult]) -> RenderableType:
    """Return a row per process: its seconds by kind of work, and the peak of its memory."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
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
        f"data, judged\nand reported in {time.process_time():.1f} s of {whole:.1f} s."
    )
    return Group(Text(), table, Text(note))


def _table(results: list[PortResult]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim")
    for name in wording.COLUMNS:
        if name == "port":
            table.add_column(name, overflow="fold", max_width=20)
        else:
            left = name in ("dtype", "verdict", "worst on")
            table.add_column(name, justify="left" if left else "right", no_wrap=True)
    for result in results:
        # Text, because a port's names may hold what rich takes for markup.
        cells = (Text(cell, style=COLOURS.get(cell, "")) for cell in wording.row(result))
        table.add_row(*cells)
    return table


def _details(finding: Finding) -> RenderableType:
    """Return the first divergence of a port, with a table of values, or its error, or both."""
    title = Text(finding.who, style="bold red")
    parts: list[RenderableType] = [Text()]
    if finding.error:
        parts.append(title + Text(f": {finding.error}", style="not bold red"))
    if finding.where:
        parts.append(title + Text(f" {finding.where}", style="not bold red"))
        parts += [Text(f"  {line}") for line in finding.extent]
        parts.append(Padding(_values(finding), (0, 0, 0, 2)))
    parts += [Text(f"  {line}") for line in finding.elsewhere]
    if finding.cause:
        likeness = Text("looks like: ").append(finding.cause, style="bold")
        likeness.append(f" ({finding.confidence})\n{finding.evidence}")
        parts.append(Padding(likeness, (0, 0, 0, 2)))
    return Group(*parts)


def _values(finding: Finding) -> Table:
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("index")
    table.add_column("expected", justify="right")
    table.add_column("got", justify="right")
    for row in finding.values:
        table.add_row(*map(Text, row))
    return table
