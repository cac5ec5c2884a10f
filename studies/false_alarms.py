"""How often are correct ports accused? A thousand random draws of them, judged with no exception.

Run as `python -m studies.false_alarms`; the exit status is 1 if any correct port was accused.
"""

import json
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from parity.contract import DTYPES, FRAMEWORKS, check_framework, nets_of
from parity.reports.files import writable_folder
from parity.reports.terminal import console
from parity.standard.comparison import LIMIT
from shared.recipes import RECIPES, get, unknown
from studies import summary
from studies.draws import JudgedDraw, draw, judge, own_cache, referred

DRAWS_PER_SESSION = 8  # numbers; every framework is imported once for all of them


@click.command()
@click.argument("recipe", nargs=-1)
@click.option("--draws", default=1000, show_default=True, help="How many to judge, at least.")
@click.option("--steps", default=200, show_default=True, help="Updates of most draws.")
@click.option("--full", default=2, show_default=True, help="Draws of each kind at full budget.")
@click.option("--seed", default=0, show_default=True, help="Of all draws.")
@click.option(
    "--reference",
    default="numpy",
    show_default=True,
    help="Whose ports all are held to; others than NumPy's are taken as a user's.",
)
@click.option("--output", type=Path, default=Path("out/false-alarms"), show_default=True)
def main(
    recipe: tuple[str, ...],
    draws: int,
    steps: int,
    full: int,
    seed: int,
    reference: str,
    output: Path,
) -> None:
    """Judge random draws of correct ports; report every alarm, and how near the others came.

    RECIPE is what to draw; without one, all are.
    """
    for name in recipe:
        if name not in RECIPES:
            raise click.UsageError(unknown("recipe", name, list(RECIPES)))
    check_framework(reference)
    names = [name for name in recipe or RECIPES if get(name).net in nets_of(reference)]
    folder = writable_folder(output)
    ports = [sum(get(name).net in nets_of(each) for each in FRAMEWORKS) for name in names]
    kinds = sum(len(DTYPES) * number - 1 for number in ports)
    numbers = max(full, -(-draws // kinds))
    plan: list[tuple[int, int | None]] = [
        (number, steps if number < numbers - full else None) for number in range(numbers)
    ]
    with own_cache() as cache:
        judged = list(run(names, plan, seed, numbers * kinds, reference, cache))
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


def run(
    names: list[str],
    plan: list[tuple[int, int | None]],
    seed: int,
    expected: int,
    reference: str,
    folder: Path,
) -> Iterator[JudgedDraw]:
    """Judge all ports in both precisions on each draw of some recipes, telling of it meanwhile.

    Args:
        names: of the recipes.
        plan: of each draw, its number and how many updates it makes, None for the full budget.
        seed: of all draws.
        expected: how many verdicts there will be, for whoever waits.
        reference: the framework whose ports all are held to.
        folder: for files that go away with the study.

    Yields:
        Each verdict but the reference's own.
    """
    ports = [check_framework(name) for name in FRAMEWORKS]
    told = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
    start, done, alarms = time.monotonic(), 0, 0
    for at in range(0, len(plan), DRAWS_PER_SESSION):
        experiments = [
            draw(name, dtype, number, steps, seed)
            for number, steps in plan[at : at + DRAWS_PER_SESSION]
            for name in names
            for dtype in DTYPES
        ]
        if reference != "numpy":
            experiments = [referred(each, reference, folder) for each in experiments]
        for drawn, group in groupby(judge(experiments, ports, told), key=lambda each: each.draw):
            # That the reference agrees with itself in float64 says nothing.
            own = [each for each in group if (each.port, each.dtype) != (reference, "float64")]
            done += len(own)
            alarms += sum(each.verdict != "agree" for each in own)
            worst = max(own, key=lambda each: each.worst.ratio)
            seconds = time.monotonic() - start
            counts = f"{done:,} of {expected:,} draws, {alarms} alarms"
            told.print(f"{seconds:6.0f} s  {counts}; {drawn}: {worst}")
            yield from own


def to_json(judged: JudgedDraw) -> dict[str, Any]:
    """Return the verdict on one draw; a ratio that is no finite number is its name."""
    rungs = [asdict(rung) for rung in judged.rungs]
    for rung in rungs:
        rung["ratio"] = rung["ratio"] if math.isfinite(rung["ratio"]) else str(rung["ratio"])
    return {**asdict(judged), "rungs": rungs}


if __name__ == "__main__":
    main()
