"""What a study of correct ports found, as tables for a person and as a picture."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from parity.contract import DTYPES
from parity.standard.comparison import LIMIT
from shared.recipes import RECIPES
from studies.draws import STUDIED_RUNGS, JudgedDraw

BAR = 20  # columns: two histograms fit side by side into 80
# The limit is one of the edges. What is under the first is counted with it, exact zeros among them.
EDGES = LIMIT * 10.0 ** (np.arange(-18, 6) / 10)
DTYPE_STYLES: dict[str, Any] = {
    "float32": {"color": "#c1440e"},
    "float64": {"color": "#b8d4ea", "hatch": "////"},
}


def report(judged: list[JudgedDraw]) -> RenderableType:
    """Return all alarms, a histogram of the draws' worst ratios, and the largest of each kind."""
    alarms = [each for each in judged if each.verdict != "agree"]
    style = "bold red" if alarms else "bold green"
    return Group(
        _bars(judged),
        Text(),
        _by_recipe(judged),
        Text(),
        _by_rung(judged),
        *(Text(f"ALARM on {each.draw}: {each}", style=style) for each in alarms),
        Text(f"{len(judged):,} draws of correct ports; alarms: {len(alarms)}", style=style),
    )


def draw(judged: list[JudgedDraw], path: Path) -> None:
    """Draw the histogram of the draws' worst ratios, as PNG and SVG."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for half, dtype in enumerate(DTYPES):  # side by side within each bin
        middle = np.sqrt(EDGES[:-1] * EDGES[1:])
        left, right = (EDGES[:-1], middle) if half == 0 else (middle, EDGES[1:])
        style = {"edgecolor": "black", "linewidth": 0.6, **DTYPE_STYLES[dtype]}
        axes.bar(left, _counts(judged, dtype), right - left, align="edge", label=dtype, **style)
    axes.axvline(LIMIT, color="black", linewidth=2, linestyle="--", label=f"limit: {LIMIT:g}")
    axes.set(xscale="log", xlabel="worst ratio of a draw, in noise floors", ylabel="draws")
    axes.set_title(f"{len(judged):,} random draws of correct ports")
    axes.legend()
    for suffix in (".png", ".svg"):
        figure.savefig(path.with_suffix(suffix), dpi=130)


def _ratios(judged: list[JudgedDraw]) -> NDArray[np.float64]:
    return np.array([each.worst.ratio for each in judged])


def _counts(judged: list[JudgedDraw], dtype: str) -> NDArray[np.int64]:
    """Return how many draws have their worst ratio in each bin; the outer ones hold the rest."""
    ratios = _ratios([each for each in judged if each.dtype == dtype])
    return np.histogram(np.clip(ratios, EDGES[0], EDGES[-1]), EDGES)[0]


def _bars(judged: list[JudgedDraw]) -> Table:
    """Return the histogram, a row per bin; a ruled line is the limit."""
    counts = {dtype: _counts(judged, dtype) for dtype in DTYPES}
    longest = max(1, *(int(numbers.max()) for numbers in counts.values()))
    table = Table("worst ratio of a draw", *DTYPES, box=None, header_style="dim")
    for number, (low, high) in enumerate(pairwise(EDGES)):
        if low == LIMIT:
            table.add_row(Text(f"limit {LIMIT:g}", style="bold"), *["─" * (BAR + 6)] * len(DTYPES))
        cells = [_bar(int(counts[dtype][number]), longest) for dtype in DTYPES]
        table.add_row(f"{low:.2f} to {high:.2f}" if number else f"up to {high:.2f}", *cells)
    return table


def _bar(count: int, longest: int) -> str:
    return f"{'█' * -(-BAR * count // longest)} {count}" if count else ""


def _by_recipe(judged: list[JudgedDraw]) -> Table:
    table = Table("recipe", "dtype", "draws", box=None, header_style="dim")
    for name in ("median", "99.9 %", "largest"):
        table.add_column(name, justify="right")
    table.add_column("which is of")
    for recipe in RECIPES:
        for dtype in DTYPES:
            own = [each for each in judged if (each.recipe, each.dtype) == (recipe, dtype)]
            if own:
                figures = np.quantile(_ratios(own), (0.5, 0.999, 1))
                worst = max(own, key=lambda each: each.worst.ratio)
                cells = (recipe, dtype, f"{len(own):,}", *(f"{ratio:.2f}" for ratio in figures))
                table.add_row(*cells, _place(worst))
    return table


def _by_rung(judged: list[JudgedDraw]) -> Table:
    table = Table("rung", "dtype", "largest", "which is of", box=None, header_style="dim")
    for rung in STUDIED_RUNGS:
        for dtype in DTYPES:
            of = [
                (worst.ratio, f"{each.recipe}#{each.number} {each.port}, {worst.tensor}")
                for each in judged
                if each.dtype == dtype
                for worst in each.rungs
                if worst.rung == rung
            ]
            if of:
                ratio, place = max(of)
                table.add_row(rung, dtype, f"{ratio:.2f}", place)
    return table


def _place(judged: JudgedDraw) -> str:
    worst = judged.worst
    return f"#{judged.number} {judged.port}, {worst.rung} {worst.tensor}, step {worst.step}"
