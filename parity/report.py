"""The result of a comparison as a person reads it, in up to 100 columns."""

import io
import os
import time
from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from parity import consensus
from parity.comparison import LIMIT, Example
from parity.profile import KINDS, Profile
from parity.trials import Trial, by_recipe
from parity.verdicts import Diagnosis, Divergence, PortResult, Round, Rung

WIDTH = 100
COLOURS = {"agree": "green", "disagree": "bold red", "error": "bold red"}
# Ratios on the other rungs are not of noise floors.
MEASURED = ("forward", "loss", "gradients", "update", "trajectory")
DRIFTS = "one step from the reference's own weights there is right: the error is carried over"
COARSE = "in float64 it agrees: what it computes is right, but not to the precision of float32"
LEGEND = (
    "Every port is held to the NumPy port in float64. A ratio is a port's error divided by the\n"
    f"noise floor, which is how far rounding alone moves that value: up to {LIMIT:g} agrees."
)


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
    return Group(Text(LEGEND), *tables(trials, results))


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
            parts += [Text(LEGEND)] if not found.changed else []
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
    experiment = trial.experiment
    heading = Text(f"{experiment.recipe.name}", style="bold")
    heading.append(f"  {experiment.recipe}", style="not bold")
    if experiment.steps != experiment.budget:
        heading.append(f"; here {experiment.steps:,} steps")
    rows = experiment.recipe.rows
    part = f"; training sees the first {rows} of them" if rows else ""
    parts: list[RenderableType] = [Text(), heading, Text(f"data: {experiment.data.title}{part}")]
    if trial.mode == "eager":
        parts.append(Text("mode: eager, with the frameworks' compilers off"))
    together = min((result.told_apart for result in results), default=experiment.steps)
    if together < experiment.steps:
        said = f"after {together:,} steps, rounding alone decides where this run goes: beyond them"
        parts.append(Text(f"{said}\nonly single steps are compared"))
    if experiment.data.notice:
        parts.append(Text(f"STAND-IN DATA: {experiment.data.notice}", style="bold yellow"))
    parts.append(_table(results))
    parts += [_details(result, others) for result in results if result.verdict != "agree"]
    parts += _suspicions(results)
    parts += _not_provided(results) + _not_eager(results)
    return Group(*parts)


def last_line(results: list[PortResult], seconds: float) -> Text:
    """Return the verdict on everything in one line."""
    compared = sum(result.compared for result in results)
    wrong = [result for result in results if result.verdict != "agree"]
    tail = f"{compared:,} values compared in {seconds:.{0 if seconds > 10 else 1}f} s"
    stand_in = " (STAND-IN DATA)" if any(r.data["stand_in"] for r in results) else ""
    if not wrong:
        return Text(f"All {len(results)} agree; {tail}{stand_in}", style="bold green")
    counts = [
        f"{number} {word}"
        for verdict, word in (("disagree", "disagree"), ("error", "in error"))
        if (number := sum(r.verdict == verdict for r in wrong))
    ]
    return Text(f"{' and '.join(counts)} of {len(results)}; {tail}{stand_in}", style="bold red")


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
    table.add_column("port", overflow="fold", max_width=20)
    for name in ("dtype", "verdict"):
        table.add_column(name, no_wrap=True)
    for name in ("last loss", "train", "test", "ratio"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("worst on", no_wrap=True)
    for name in ("step", "values", "s"):
        table.add_column(name, justify="right", no_wrap=True)
    for result in results:
        worst = _worst(result)
        cells = (
            result.port,
            result.dtype,
            result.verdict,
            "" if result.loss["last"] is None else f"{result.loss['last'] + 0.0:.6f}",  # not -0
            _percent(result.accuracy["train"]),
            _percent(result.accuracy["test"]),
            f"{worst.ratio:.2g}" if worst else "",
            _place(worst),
            f"{worst.step}" if worst else "",
            _count(result.compared),
            "" if result.seconds["train"] is None else f"{result.seconds['train']:.1f}",
        )
        # Text, because a port's names may hold what rich takes for markup.
        table.add_row(*(Text(cell, style=COLOURS.get(cell, "")) for cell in cells))
    return table


def _worst(result: PortResult) -> Rung | None:
    measured = [rung for rung in result.rungs if rung.rung in MEASURED and rung.compared]
    return max(measured, key=lambda rung: rung.ratio, default=None)


def _place(rung: Rung | None) -> str:
    if rung is None:
        return ""
    name = (rung.tensor or "").partition(" of ")[0]
    return rung.rung if name == rung.rung else f"{rung.rung} {name}"


def _percent(fraction: float | None) -> str:
    return "" if fraction is None else f"{100 * fraction:.2f}%"


def _count(number: int) -> str:
    if number < 1_000_000:
        return f"{number:,}"
    return f"{number / 1e6:.0f} M"


def _details(result: PortResult, others: list[PortResult]) -> RenderableType:
    """Return the first divergence of a port, with a table of values, or its error, or both."""
    eager = ", eager" if result.requested == result.mode == "eager" else ""
    title = Text(f"{result.port} {result.dtype}{eager}", style="bold red")
    parts: list[RenderableType] = [Text()]
    if result.error:
        parts.append(title + Text(f": {result.error}", style="not bold red"))
    divergence = result.divergence
    if divergence:
        share = f"{divergence.mismatches:,} of {divergence.size:,} values are over the limit"
        ratio = f", the worst by a ratio of {divergence.ratio:.3g}" if divergence.mismatches else ""
        what = f" differs first on {divergence.rung}, step {divergence.step}, {divergence.tensor}"
        parts.append(title + Text(what, style="not bold red"))
        if divergence.size:
            parts.append(Text(f"  {share}{ratio}"))
        if divergence.rung == "trajectory" and divergence.teacher_forced is False:
            parts.append(Text(f"  {DRIFTS}"))
        digits = 9 if result.dtype == "float32" else 17  # enough to tell any two numbers apart
        parts.append(Padding(_examples(divergence, digits), (0, 0, 0, 2)))
    parts += [Text(f"  {line}") for line in _elsewhere(result, others)]
    if result.diagnosis:
        parts.append(Padding(_diagnosis(result.diagnosis), (0, 0, 0, 2)))
    return Group(*parts)


def _diagnosis(diagnosis: Diagnosis) -> Text:
    """Return what it looks like, how sure that is, and why."""
    text = Text("looks like: ")
    text.append(diagnosis.cause, style="bold")
    return text.append(f" (confidence {diagnosis.confidence:.0%})\n{diagnosis.evidence}")


def _suspicions(results: list[PortResult]) -> list[RenderableType]:
    """Say where the reference stands alone against ports that agree with each other."""
    parts: list[RenderableType] = []
    for dtype in dict.fromkeys(result.dtype for result in results):
        group = [result for result in results if result.dtype == dtype]
        for ports in consensus.suspects(group):
            names = f"{', '.join(ports[:-1])} and {ports[-1]}"
            said = (
                f"\n{names} differ from the reference in {dtype} in the same way, and agree with "
                "each other:\nthe reference, NumPy's port, is the odd one out, and suspect itself"
            )
            parts.append(Text(said, style="bold yellow"))
    return parts


def _elsewhere(result: PortResult, others: list[PortResult]) -> Iterator[str]:
    """Say where else the same port agrees on the same recipe, and what that means."""
    own = {
        (other.dtype, other.mode)
        for other in others
        if (other.recipe, other.port, other.verdict) == (result.recipe, result.port, "agree")
    }
    if result.dtype == "float32" and ("float64", result.mode) in own:
        yield COARSE
    other_mode = "eager" if result.mode == "compiled" else "compiled"
    if (result.dtype, other_mode) in own:
        yield f"in {other_mode} mode it agrees: it matters how often Python itself runs its code"


def _examples(divergence: Divergence, digits: int) -> Table:
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("index")
    table.add_column("expected", justify="right")
    table.add_column("got", justify="right")
    for example in divergence.examples:
        expected, got = _value(example.expected, digits), _value(example.got, digits)
        table.add_row(Text(_index(example)), Text(expected), Text(got))
    return table


def _index(example: Example) -> str:
    return str(list(example.index)) if example.index else "-"


def _value(value: float | int | str, digits: int) -> str:
    return f"{value:#.{digits}g}" if isinstance(value, float) else str(value)


def _not_provided(results: list[PortResult]) -> list[RenderableType]:
    lacking = {result.port: result.not_provided for result in results if result.not_provided}
    return [
        Text(f"{port} does not provide {', '.join(functions)}: not compared", style="yellow")
        for port, functions in lacking.items()
    ]


def _not_eager(results: list[PortResult]) -> list[RenderableType]:
    ports = dict.fromkeys(r.port for r in results if r.requested == "eager" != r.mode)
    return [
        Text(f"{port} has no run_eagerly to switch its compiler off: judged compiled", "yellow")
        for port in ports
    ]
