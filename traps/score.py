"""How many planted bugs the judge catches and names, and whether it leaves correct ports in peace.

Run as `python -m traps.score`; see --help. The exit status is 0 where every bug is caught, no
variation is accused, and at least 90 % of the causes are named; of bugs in the examples, where 90 %
are said to be in the right layer, and 80 % are named. Examples' variations agree, too.
"""

import sys
from collections.abc import Iterator, Sequence

import click
from rich.console import Console
from rich.table import Table

from parity.contract import DTYPES
from parity.reports.endings import in_a_sentence
from parity.reports.progress import Lines
from parity.sessions.cluster import command
from traps import outcomes, record
from traps.catalogue import Bug, Entry, Variation, load, load_examples
from traps.record import Outcomes, judge

NAMED = 0.9  # the share of causes that must be named
PLACED, NAMED_IN_EXAMPLES = 0.9, 0.8  # of bugs in the examples, by layer and by cause
CATCH_STYLES = {"caught": "green", "elsewhere": "yellow", "missed": "red"}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--net", default="", help="Only nets with this text in their names.")
@click.option("--framework", default="", help="Only frameworks with this text in their names.")
@click.option("--name", default="", help="Only entries with this text in their names.")
@click.option("--record", "kept", is_flag=True, help="Keep what is said, for the guide to show.")
@command.option
def score(net: str, framework: str, name: str, kept: bool, cluster: str | None) -> None:
    """Plant every bug and every correct variation, and print what the judge says of them."""

    def chosen(entry: Entry) -> bool:
        return net in entry.net and framework in entry.framework and name in entry.name

    catalogue, examples = load(), load_examples()
    bugs = [bug for bug in catalogue.bugs if chosen(bug)]
    variations = [variation for variation in catalogue.variations if chosen(variation)]
    real = [bug for bug in examples.bugs if chosen(bug)]
    real_variations = [variation for variation in examples.variations if chosen(variation)]
    entries = [*bugs, *variations, *real, *real_variations]
    if not entries:
        raise click.UsageError("no entry has these texts in its names")
    told = Console(stderr=True, highlight=False)
    with in_a_sentence():
        if cluster is None:
            found = outcomes.run(entries, told.print)
        else:
            found = outcomes.run_on(cluster, entries, Lines(told))
    if kept:
        record.save(found, [*catalogue.entries, *examples.entries])
    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False)
    for some in filter(None, (bugs, real)):
        console.print(bug_table(some, found))
    if bugs or variations:
        for line in summary(bugs, variations, found):
            console.print(line, markup=False)
    if real or real_variations:
        for line in summary_of_examples(real, real_variations, found):
            console.print(line, markup=False)
    right = passes(bugs, variations, found) and examples_pass(real, real_variations, found)
    sys.exit(0 if right else 1)


def bug_table(bugs: Sequence[Bug], found: Outcomes) -> Table:
    """Return a row per bug: whether it was caught in each precision, where, and how it is named."""
    table = Table(box=None, padding=(0, 1, 0, 0))
    for heading in ("framework", "net", "bug", *DTYPES, "rung", "step"):
        table.add_column(heading, no_wrap=True)
    table.add_column("ratio", justify="right")
    table.add_column("diagnosis")
    table.add_column("right")
    for bug in bugs:
        last = found[bug, bug.dtypes[-1]]
        named = "-" if last.cause is None else ("yes" if last.cause in bug.causes else "no")
        table.add_row(
            bug.framework,
            bug.net,
            bug.name,
            *(_catch(bug, dtype, found) for dtype in DTYPES),
            last.rung or "-",
            "-" if last.step is None else str(last.step),
            f"{last.ratio:.3g}",
            last.cause or "-",
            named,
        )
    return table


def _catch(bug: Bug, dtype: str, found: Outcomes) -> str:
    if dtype not in bug.dtypes:
        return "-"
    catch = judge(bug, found[bug, dtype])
    return f"[{CATCH_STYLES[catch]}]{catch}[/]"


def summary(bugs: Sequence[Bug], variations: Sequence[Variation], found: Outcomes) -> list[str]:
    """Return what it all amounts to, and each disappointment by name."""
    lines = []
    if bugs:
        caught = [bug for bug in bugs if not missed(bug, found)]
        lines.append(f"caught: {_share(len(caught), len(bugs))} bugs")
        for dtype in reversed(DTYPES):
            able = [bug for bug in bugs if dtype in bug.dtypes]
            right = [bug for bug in able if found[bug, dtype].cause in bug.causes]
            lines.append(f"cause named in {dtype}: {_share(len(right), len(able))}")
    lines.append(f"correct variations that agree: {_agree(variations, found)}")
    lines += _disappointments(bugs, found)
    lines += [line for each in variations for line in accusations(each, found)]
    return lines


def _agree(variations: Sequence[Variation], found: Outcomes) -> str:
    agree = sum(not accusations(each, found) for each in variations)
    return _share(agree, len(variations))


def summary_of_examples(
    bugs: Sequence[Bug], variations: Sequence[Variation], found: Outcomes
) -> list[str]:
    """Return how many bugs in the examples are caught, placed and named, and what is not."""
    caught = [bug for bug in bugs if not missed(bug, found)]
    lines = [f"caught in the examples: {_share(len(caught), len(bugs))} bugs"]
    placed = [bug for bug in bugs if bug.layer]
    right = [bug for bug in placed if _placed(bug, found)]
    named = [bug for bug in bugs if _named(bug, found)]
    lines.append(f"right layer: {_share(len(right), len(placed))} that are in one")
    lines.append(f"cause named: {_share(len(named), len(bugs))}")
    lines.append(f"correct variations of the examples: {_agree(variations, found)}")
    lines += _disappointments(bugs, found)
    for bug in bugs:
        (said,) = (found[bug, dtype] for dtype in bug.dtypes)
        if bug.layer and not _placed(bug, found):
            lines.append(f"elsewhere: {bug}, in {bug.layer}: {said.layer}")
        if not _named(bug, found):
            lines.append(f"not named: {bug}, {bug.causes[0]}: {said.cause}")
    lines += [line for each in variations for line in accusations(each, found)]
    return lines


def _disappointments(bugs: Sequence[Bug], found: Outcomes) -> Iterator[str]:
    """Yield where a bug was not caught on its rung."""
    for bug in bugs:
        for dtype in bug.dtypes:
            catch, outcome = judge(bug, found[bug, dtype]), found[bug, dtype]
            if catch != "caught":
                yield f"{catch}: {bug} {dtype}, due on {bug.rung}: {outcome.says}"


def _named(bug: Bug, found: Outcomes) -> bool:
    return all(found[bug, dtype].cause in bug.causes for dtype in bug.dtypes)


def _placed(bug: Bug, found: Outcomes) -> bool:
    return all(found[bug, dtype].layer == bug.layer for dtype in bug.dtypes)


def missed(bug: Bug, found: Outcomes) -> bool:
    """Whether the bug slipped through in a precision that can show it."""
    return any(judge(bug, found[bug, dtype]) == "missed" for dtype in bug.dtypes)


def accusations(variation: Variation, found: Outcomes) -> list[str]:
    """Return in a sentence each what a correct port is accused of."""
    said = {dtype: found[variation, dtype] for dtype in variation.judged}
    return [
        f"accused: {variation} {dtype}: {outcome.says}"
        for dtype, outcome in said.items()
        if outcome.verdict != "agree"
    ]


def passes(bugs: Sequence[Bug], variations: Sequence[Variation], found: Outcomes) -> bool:
    """Whether all bugs are caught, enough of them are named, and no variation is accused."""
    named = [found[bug, bug.dtypes[-1]].cause in bug.causes for bug in bugs]
    return (
        not any(missed(bug, found) for bug in bugs)
        and not any(accusations(variation, found) for variation in variations)
        and sum(named) >= NAMED * len(named)
    )


def examples_pass(bugs: Sequence[Bug], variations: Sequence[Variation], found: Outcomes) -> bool:
    """Whether all bugs in the examples are caught, enough are placed and named, none is accused."""
    placed = [_placed(bug, found) for bug in bugs if bug.layer]
    named = [_named(bug, found) for bug in bugs]
    return (
        not any(missed(bug, found) for bug in bugs)
        and not any(accusations(variation, found) for variation in variations)
        and sum(placed) >= PLACED * len(placed)
        and sum(named) >= NAMED_IN_EXAMPLES * len(named)
    )


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole}" + (f" ({part / whole:.0%})" if whole else "")


if __name__ == "__main__":
    score()
