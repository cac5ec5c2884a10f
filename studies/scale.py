"""What a cluster gains and costs, measured on this machine with nodes of one core each.

Run as `python -m studies.scale`: it times a whole comparison on one node and on two, counts the
processor seconds of one draw of the false-alarm study and how many tasks a scheduler hands out per
second, and reckons from these what a million draws take.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence

import click
import psutil
from rich.table import Table

from parity.contract import ROOT
from parity.reports.terminal import console
from shared.recipes import RECIPES
from studies.draws import SOME, Plan
from studies.loopback import cluster

DRAWS = 1_000_000
CORES = (1, 100, 10_000)
TASKS = 5_000  # tiny ones


@click.command()
@click.argument("options", nargs=-1)
@click.option(
    "--draws", type=SOME, default=1, show_default=True, help="Draws of each kind, of all recipes."
)
@click.option("--steps", type=SOME, default=200, show_default=True, help="Updates of each draw.")
def main(options: tuple[str, ...], draws: int, steps: int) -> None:
    """Measure, and reckon.

    OPTIONS are those of the comparison, after "--"; by default, it is of everything.
    """
    out = console()
    out.print(f"load of this machine before: {os.getloadavg()[0]:.1f}")
    _compare(2, options)  # from now on, noise floors and compiled programs are in the cache
    compared = [_compare(nodes, options) for nodes in (1, 2)]
    for took, busy in compared:
        each = " and ".join(f"{node:.0f}" for node in busy)
        out.print(f"{len(busy)} nodes: {took:.0f} s; processor seconds: {each}")
    (alone, (busy_alone,)), (both, busy_both) = compared
    out.print(f"two nodes take {both / alone:.2f} of one node's time")
    out.print(f"the busier has {max(busy_both) / busy_alone:.2f} of one node's processor seconds")
    number, spent, cells = _draw(draws, steps)
    out.print(f"{number} draws in {cells} cells: {spent:.0f} processor seconds on the node")
    rate = _rate()
    out.print(f"the scheduler hands out {rate:,.0f} tiny tasks per second")
    out.print(f"load of this machine after: {os.getloadavg()[0]:.1f}")
    out.print(reckoned(spent / number, spent / cells, rate))


def reckoned(per_draw: float, per_cell: float, rate: float) -> Table:
    """Return what a million draws take, and where the scheduler becomes the limit.

    Args:
        per_draw, per_cell: processor seconds.
        rate: tasks per second that a scheduler hands out.
    """
    table = Table("cores", "1,000,000 draws take", "cells per second", box=None)
    for cores in (*CORES, round(rate * per_cell)):
        hours = DRAWS * per_draw / cores / 3600
        table.add_row(f"{cores:,}", f"{hours:,.2f} hours", f"{cores / per_cell:,.1f}")
    return table


def _compare(nodes: int, options: Sequence[str]) -> tuple[float, list[float]]:
    """Compare on some nodes, which are started before.

    Returns:
        The seconds that it takes, and the processor seconds of each node.
    """
    with cluster(nodes, {}, cores=True) as dask:
        command = [sys.executable, f"{ROOT / 'compare.py'}", *options]
        before = [_spent(worker) for worker in dask.workers]
        start = time.monotonic()
        done = subprocess.run(  # noqa: S603 - a program of ours
            [*command, "--quiet", "--cluster", dask.address], check=False
        )
        if done.returncode > 1:
            raise click.ClickException(f"the comparison ended with status {done.returncode}")
        took = time.monotonic() - start
        return took, [_spent(w) - b for w, b in zip(dask.workers, before, strict=True)]


def _draw(draws: int, steps: int) -> tuple[int, float, int]:
    """Judge some draws of each kind; return how many, the node's processor seconds, and cells."""
    from studies.false_alarms import run, verdicts

    plan = Plan(tuple(RECIPES), tuple((number, steps) for number in range(draws)), seed=0)
    cells = plan.cells()
    with cluster(1, {}, cores=True) as dask:
        before = _spent(*dask.workers)
        number = len(list(run(cells, draws * verdicts(plan.names), dask.address)))
        return number, _spent(*dask.workers) - before, len(cells)


def _spent(*processes: "subprocess.Popen[bytes]") -> float:
    """Return the processor seconds of processes, and of all that they started and that ended."""
    times = [psutil.Process(process.pid).cpu_times() for process in processes]
    return float(sum(t.user + t.system + t.children_user + t.children_system for t in times))


def _rate() -> float:
    """Return how many tiny tasks a scheduler can hand out per second of its processor's."""
    from distributed import Client

    with cluster(1, {}) as dask, Client(dask.address, set_as_default=False) as client:
        client.gather(client.map(str, range(100)))
        before = _spent(dask.scheduler)
        client.gather(client.map(str, range(100, 100 + TASKS)))
        return TASKS / (_spent(dask.scheduler) - before)


if __name__ == "__main__":
    main()
