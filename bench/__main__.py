"""Run as `python -m bench`; see --help."""

import json
from pathlib import Path

import click
from rich.console import Console

from bench import charts, growth, noise, report
from bench.goals import Goal, goals
from bench.library import LIBRARIES
from bench.measure import BenchResult, run
from parity.contract import is_installed
from parity.reports.endings import in_a_sentence
from parity.reports.files import writable_folder
from shared import recipes

BENCH_RECIPES = ("iris", "planar", "mnist")
GROWTH_PORTS = ("numpy", "tensorflow", "torch", "jax")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("recipe", nargs=-1)
@click.option(
    "--rounds",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="After the first calls.",
)
@click.option("--growth/--no-growth", "grows", default=True, help="Also over growing sizes.")
@click.option(
    "--noise/--no-noise",
    "errs",
    default=True,
    show_default=True,
    help="Also noise floors, and whole comparisons.",
)
@click.option("--output", type=Path, default=Path("out/bench"), show_default=True)
def main(recipe: tuple[str, ...], rounds: int, grows: bool, errs: bool, output: Path) -> None:
    """Time every port against other idioms, peers and floors: in alternation, on one thread."""
    with in_a_sentence():
        folder = writable_folder(output)
    for name in recipe:
        if name not in BENCH_RECIPES:
            raise click.UsageError(recipes.unknown("benchmark of", name, list(BENCH_RECIPES)))
    names = list(dict.fromkeys(recipe)) or list(BENCH_RECIPES)
    told = Console(stderr=True, highlight=False)
    console = Console(highlight=False, width=None if told.is_terminal else 130)
    libraries = [name for name in LIBRARIES if is_installed(name)]
    results: list[BenchResult] = []
    reached: list[Goal] = []
    for own in run(names, libraries, rounds, told.print):
        console.print(report.table(own))
        results += own
        reached += goals(own)
    if errs:
        reached += noise.goals(libraries, rounds, told.print)
    console.print(report.compiling(results))
    console.print(report.goal_table(reached))
    charts.save(charts.bars(results), folder / "bars")
    growths = []
    if grows:
        ports = [name for name in GROWTH_PORTS if is_installed(name)]
        growths = growth.measure(ports, rounds, told.print)
        console.print(report.growth_table(growths))
        charts.save(charts.growth(growths), folder / "growth")
    text = json.dumps(report.to_json(results, reached, growths), indent=1)
    (folder / "bench.json").write_text(f"{text}\n")


if __name__ == "__main__":
    main()
