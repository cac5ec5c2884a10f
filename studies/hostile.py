"""Does anything that a port, a file, an option or a signal does cost somebody else's verdict?

Run as `python -m studies.hostile`; the exit status is 1 if anything was not handled. It needs no
network, takes ten minutes and two gigabytes at most, and does the same for the same seed.
"""

import sys
import time
from collections import Counter
from collections.abc import Mapping
from random import Random

import click
from rich.console import Console
from rich.table import Table

from parity.reports.terminal import console
from studies.hostility import files, runs
from studies.hostility.tries import Outcome, Tries, Try

# The classes of tries, and how many of each; those that start processes take seconds each.
CLASSES: Mapping[str, tuple[Tries, int]] = {
    "MNIST's files": (files.mnist, 2_000),
    "kept noise floors": (files.kept_floors, 1_000),
    "messages": (files.messages, 5_000),
    "ports": (runs.ports, 60),
    "options": (runs.options, 80),
    "signals": (runs.signals, 30),
}
OUTCOMES: tuple[Outcome, ...] = ("handled", "accepted", "crash", "hang", "left behind")
SECONDS = 100.0  # of each class


@click.command()
@click.option("--seed", default=0, show_default=True, help="Of all tries.")
@click.option("--share", default=1.0, show_default=True, help="Of the tries of each class.")
def main(seed: int, share: float) -> None:
    """Try to break the judge, and print what came of it."""
    told = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
    found: dict[str, list[Try]] = {}
    for name, (tries, count) in CLASSES.items():
        found[name] = attempt(tries, max(1, round(share * count)), seed)
        told.print(f"{name}: {len(found[name]):,} tries")
    console().print(table(found))
    wrong = [each for own in found.values() for each in own if each.outcome != "handled"]
    for each in wrong:
        console().print(f"{each.outcome}: {each.what!r}: {each.said[-500:]!r}", markup=False)
    sys.exit(1 if wrong else 0)


def attempt(tries: Tries, count: int, seed: int) -> list[Try]:
    """Return what some tries of a class came to; fewer than `count` where they take too long."""
    found: list[Try] = []
    start = time.monotonic()
    for each in tries(Random(seed)):  # noqa: S311 - a study, no secret
        found.append(each)
        if len(found) == count or time.monotonic() - start > SECONDS:
            break
    return found


def table(found: Mapping[str, list[Try]]) -> Table:
    """Return how many tries of each class came to what."""
    shown = Table("class", box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("tries", *OUTCOMES):
        shown.add_column(heading, justify="right")
    for name, own in found.items():
        counts = Counter(each.outcome for each in own)
        shown.add_row(name, f"{len(own):,}", *(f"{counts[outcome]:,}" for outcome in OUTCOMES))
    return shown


if __name__ == "__main__":
    main()
