"""What was measured, as tables for a person and as JSON."""

import math
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.goals import Goal
from bench.growth import Growth
from bench.measure import BenchResult

VERSIONED = ("numpy", "tensorflow", "torch", "jax", "scikit-learn", "keras", "numba")


def table(results: list[BenchResult]) -> RenderableType:
    """Return the contenders of one recipe, the fastest first."""
    recipe = results[0].recipe
    shown = Table(box=None, padding=(0, 1, 0, 0), header_style="dim")
    shown.add_column("contender")
    shown.add_column("kind")
    for name in (
        "µs per step",
        "quartiles",
        "first call s",
        "at budget s",
        "to numpy",
        "to its port",
    ):
        shown.add_column(name, justify="right", no_wrap=True)
    ports = {r.contender.framework: r for r in results if r.contender.kind == "port"}
    for result in results:
        low, high = result.quartiles
        cut = result.steps < result.budget
        cells = (
            result.who,
            result.contender.kind,
            f"{result.micros:,.1f}",
            f"{low:,.1f} - {high:,.1f}",
            f"{result.first:.2f}" + (f" ({result.steps:,})" if cut else ""),
            f"{result.at_budget:.2f}",
            *(_ratio(result, ports.get(name)) for name in ("numpy", result.contender.framework)),
        )
        style = "bold" if result.contender.kind == "port" else ""
        shown.add_row(*(Text(cell, style=style) for cell in cells))
    return Group(Text(f"\n{recipe}, {results[0].budget:,} steps", style="bold"), shown)


def _ratio(result: BenchResult, port: BenchResult | None) -> str:
    return f"{result.micros / port.micros:.2f}" if port else ""


def compiling(results: Sequence[BenchResult]) -> RenderableType:
    """Return from how many steps on compiling for long pays, against the port that does not."""
    ports = {(r.recipe, r.contender.framework): r for r in results if r.contender.kind == "port"}
    lines = []
    for result in results:
        port = ports.get((result.recipe, result.contender.framework))
        if result.contender.slow_start and port:
            steps = result.pays_from(port)
            said = "never pays" if math.isinf(steps) else f"pays from {steps:,.0f} steps on"
            lines.append(
                f"{result.recipe}: {result.who}, first call {result.first:.1f} s, {said} against "
                f"the port's {port.micros:,.0f} µs per step"
            )
    return Text("\n".join(["", *lines]))


def goal_table(goals: Sequence[Goal]) -> RenderableType:
    """Return every goal with what was measured."""
    shown = Table("goal", "ratio", "limit", "", box=None, header_style="dim")
    for goal in goals:
        word = Text("met", "green") if goal.met else Text("missed", "bold red")
        shown.add_row(goal.what, f"{goal.ratio:.2f}", f"{goal.limit:.2f}", word)
    return Group(Text(""), shown)


def growth_table(growths: Sequence[Growth]) -> RenderableType:
    """Return how the ports grow, and who wins from which size on."""
    parts: list[RenderableType] = []
    for growth in growths:
        shown = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        shown.add_column(growth.axis, justify="right")
        ports = list(growth.values)
        for port in ports:
            shown.add_column(port, justify="right")
        for place, size in enumerate(growth.sizes):
            own = [growth.values[port][place] for port in ports]
            best = min((v for v in own if v == v), default=float("nan"))
            cells = [Text(f"{v:,.4g}", style="bold" if v == best else "") for v in own]
            shown.add_row(f"{size:,}", *cells)
        parts += [Text(f"\n{growth.title}", style="bold"), shown, Text(growth.winners())]
    return Group(*parts)


def to_json(
    results: Sequence[BenchResult], goals: Sequence[Goal], growths: Sequence[Growth]
) -> dict[str, Any]:
    """Return all that was measured."""
    return {
        "environment": {
            "python": platform.python_version(),
            "platform": platform.platform(),
            "cores": os.cpu_count(),
            "versions": {name: found for name in VERSIONED if (found := _version(name))},
        },
        "results": [
            {
                "recipe": r.recipe,
                "framework": r.contender.framework,
                "name": r.contender.name,
                "kind": r.contender.kind,
                "steps": r.steps,
                "budget": r.budget,
                "first_seconds": r.firsts,
                "again_seconds": r.agains,
                "seconds": r.seconds,
                "micros_per_step": r.micros,
                "quartiles": r.quartiles,
                "losses": [r.first_loss, r.last_loss],
            }
            for r in results
        ],
        "goals": [{**asdict(goal), "met": goal.met} for goal in goals],
        "growth": [asdict(growth) for growth in growths],
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
