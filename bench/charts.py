"""Charts of what was measured, all on log axes, as PNG and SVG."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from bench.growth import Growth
from bench.measure import BenchResult

FRAMEWORK_COLOURS = {
    "numpy": "#8a8a8a",
    "jax": "#c1440e",
    "tensorflow": "#1f77b4",
    "tensorflow_v1": "#9bc4e2",
    "torch": "#e0a100",
    "sklearn": "#3c7d3c",
}
HATCHES = {"port": "", "idiom": "////", "peer": "....", "floor": "xxxx"}
MARKERS = {"numpy": "o", "jax": "s", "tensorflow": "^", "torch": "D"}


def bars(results: Sequence[BenchResult]) -> Figure:
    """Draw microseconds per step of every contender, a panel per recipe, the fastest on top."""
    recipes = list(dict.fromkeys(result.recipe for result in results))
    counts = [sum(result.recipe == recipe for result in results) for recipe in recipes]
    figure = Figure(figsize=(10, 0.27 * sum(counts) + 1.1 * len(recipes)), layout="constrained")
    panels = figure.subplots(len(recipes), 1, squeeze=False, height_ratios=counts)[:, 0]
    for recipe, axes in zip(recipes, panels, strict=True):
        own = [result for result in results if result.recipe == recipe][::-1]
        for place, result in enumerate(own):
            kind = result.contender.kind
            look: dict[str, Any] = {
                "color": FRAMEWORK_COLOURS[result.contender.framework],
                "hatch": HATCHES[kind],
                "edgecolor": "black" if kind == "port" else "white",
                "linewidth": 1.5 if kind == "port" else 0.3,
            }
            low, high = result.quartiles
            error = [[result.micros - low], [high - result.micros]]
            axes.barh(place, result.micros, xerr=error, **look)
            axes.annotate(
                f"{result.micros:,.0f}" if result.micros >= 100 else f"{result.micros:.3g}",
                (high, place),
                (4, 0),
                textcoords="offset points",
                va="center",
                fontsize=7,
            )
        axes.set_yticks(range(len(own)), [result.who for result in own], fontsize=7)
        for label, result in zip(axes.get_yticklabels(), own, strict=True):
            label.set_fontweight("bold" if result.contender.kind == "port" else "normal")
        axes.set(xscale="log", title=recipe)
        axes.margins(y=0.01, x=0.12)
    panels[-1].set_xlabel("µs per step: median and quartiles, on one thread")
    return figure


def growth(growths: Sequence[Growth]) -> Figure:
    """Draw how the ports grow; what was reckoned, not measured, is dotted."""
    figure = Figure(figsize=(5 * len(growths), 4.4), layout="constrained")
    for axes, each in zip(figure.subplots(1, len(growths), squeeze=False)[0], growths, strict=True):
        for port, values in each.values.items():
            flags = each.reckoned.get(port, [False] * len(values))
            known = [not flag for flag in flags]
            measured = values[: sum(known)]
            look: dict[str, Any] = {
                "color": FRAMEWORK_COLOURS[port],
                "marker": MARKERS.get(port, "v"),
            }
            axes.plot(each.sizes[: len(measured)], measured, label=port, **look)
            if len(measured) < len(values):
                start = len(measured) - 1
                axes.plot(
                    each.sizes[start:], values[start:], linestyle=":", color=FRAMEWORK_COLOURS[port]
                )
        axes.set(xscale="log", yscale="log", xlabel=each.axis, ylabel=each.unit)
        axes.set_title(each.title.partition(":")[0], fontsize=10)
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small")
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write a chart as PNG and SVG."""
    for suffix in (".png", ".svg"):
        figure.savefig(path.with_suffix(suffix), dpi=130)
