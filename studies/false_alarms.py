"""How often are correct ports accused? A thousand random draws of them, judged with no exception.

Run as `python -m studies.false_alarms`; the exit status is 1 if any correct port was accused.
"""

import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from parity.contract import DTYPES, FRAMEWORKS, check_framework, nets_of
from parity.processes.options import Options
from parity.processes.progress import Progress
from parity.reports.endings import in_a_sentence
from parity.reports.files import writable_folder
from parity.reports.progress import Lines, Live
from parity.reports.terminal import console
from parity.sessions.cluster import command
from parity.sessions.session import Session
from parity.standard.comparison import LIMIT
from shared.recipes import RECIPES, get, unknown
from studies import on_nodes, summary
from studies.draws import COUNT, SOME, JudgedDraw, Plan, judge, own_cache

DRAWS_PER_SESSION = 8  # numbers; every framework is imported once for all of them


@click.command()
@click.argument("recipe", nargs=-1)
@click.option(
    "--draws", type=COUNT, default=1000, show_default=True, help="How many to judge, at least."
)
@click.option("--steps", type=SOME, default=200, show_default=True, help="Updates of most draws.")
@click.option(
    "--full", type=COUNT, default=2, show_default=True, help="Draws of each kind at full budget."
)
@click.option("--seed", type=COUNT, default=0, show_default=True, help="Of all draws.")
@click.option(
    "--reference",
    default="numpy",
    show_default=True,
    help="Whose ports all are held to; others than NumPy's are taken as a user's.",
)
@command.option
@click.option("--output", type=Path, default=Path("out/false-alarms"), show_default=True)
def main(
    recipe: tuple[str, ...],
    draws: int,
    steps: int,
    full: int,
    seed: int,
    reference: str,
    cluster: str | None,
    output: Path,
) -> None:
    """Judge random draws of correct ports; report every alarm, and how near the others came.

    RECIPE is what to draw; without one, all are.
    """
    for name in recipe:
        if name not in RECIPES:
            raise click.UsageError(unknown("recipe", name, list(RECIPES)))
    with in_a_sentence():
        check_framework(reference)
    names = [name for name in recipe or RECIPES if get(name).net in nets_of(reference)]
    if not names:
        raise click.UsageError(f"{reference} has no port of {', '.join(recipe)}")
    if not (draws or full):
        raise click.UsageError("--draws and --full are 0: there is nothing to judge")
    with in_a_sentence():
        folder = writable_folder(output)
    kinds = verdicts(names)
    numbers = max(full, -(-draws // kinds))
    plan: list[tuple[int, int | None]] = [
        (number, steps if number < numbers - full else None) for number in range(numbers)
    ]
    plans = [
        Plan(tuple(names), tuple(plan[at : at + DRAWS_PER_SESSION]), seed, reference)
        for at in range(0, len(plan), DRAWS_PER_SESSION)
    ]
    if cluster is not None:
        plans = [cell for each in plans for cell in each.cells()]
    with in_a_sentence():
        judged = list(run(plans, numbers * kinds, cluster))
    alarms = [each for each in judged if each.verdict != "agree"]
    report = {
        "limit": LIMIT,
        "seed": seed,
        "alarms": [to_json(each) for each in alarms],
        "judged": [to_json(each) for each in judged],
    }
    (folder / "false-alarms.json").write_text(json.dumps(report, indent=1) + "\n")
    summary.draw(judged, folder / "false-alarms")
    console().print(summary.report(judged))
    sys.exit(1 if alarms else 0)


def verdicts(names: Sequence[str]) -> int:
    """Return how many verdicts there are on one draw of each of some recipes."""
    ports = [sum(get(name).net in nets_of(each) for each in FRAMEWORKS) for name in names]
    return sum(len(DTYPES) * number - 1 for number in ports)


def run(plans: list[Plan], expected: int, cluster: str | None = None) -> Iterator[JudgedDraw]:
    """Judge all ports on each draw of some plans, telling of it meanwhile.

    Args:
        plans: what to draw.
        expected: how many verdicts there will be, for whoever waits.
        cluster: the address of a scheduler on whose nodes to judge, None for this machine.

    Yields:
        Each verdict but the reference's own.

    Raises:
        ClusterError, InputError: see `on_nodes.judge`.
        ReferenceFailedError: the reference itself failed.
    """
    told = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
    judged = _here(plans, told) if cluster is None else on_nodes.judge(cluster, plans, Lines(told))
    start, done, alarms = time.monotonic(), 0, 0
    reference = plans[0].reference
    for drawn, group in groupby(judged, key=lambda each: each.draw):
        # That the reference agrees with itself in float64 says nothing.
        own = [each for each in group if (each.port, each.dtype) != (reference, "float64")]
        done += len(own)
        alarms += sum(each.verdict != "agree" for each in own)
        worst = max(own, key=lambda each: each.worst.ratio)
        seconds = time.monotonic() - start
        counts = f"{done:,} of {expected:,} draws, {alarms} alarms"
        told.print(f"{seconds:6.0f} s  {counts}; {drawn}: {worst}")
        yield from own


def _here(plans: list[Plan], told: Console) -> Iterator[JudgedDraw]:
    """Judge plans on this machine; a terminal shows who is at what."""
    with own_cache() as folder:
        for plan in plans:
            with (
                Live(told) if told.is_terminal else Progress() as shown,
                Session(Options(), shown) as session,
            ):
                yield from judge(plan, folder, session)


def to_json(judged: JudgedDraw) -> dict[str, Any]:
    """Return the verdict on one draw; a ratio that is no finite number is its name."""
    rungs = [asdict(rung) for rung in judged.rungs]
    for rung in rungs:
        rung["ratio"] = rung["ratio"] if math.isfinite(rung["ratio"]) else str(rung["ratio"])
    return {**asdict(judged), "rungs": rungs}


if __name__ == "__main__":
    main()
