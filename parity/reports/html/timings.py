"""What took how long, as charts.

Imports are left out: what they take depends on what else starts at the same time, and on the disk.
"""

from collections.abc import Iterator

from parity.reports.html.charts import Chart, Charts
from parity.reports.html.pool import short
from parity.results import PortResult

OF_RECIPES = {"first_step": "First step", "train": "Whole run"}
SECONDS_DIGITS = 3  # significant ones


def timings(charts: Charts, results: list[PortResult]) -> Iterator[Chart]:
    """Add bars of what took how long: each recipe's first step and whole run."""
    for what, title in OF_RECIPES.items():
        for dtype in dict.fromkeys(result.dtype for result in results):
            own = [result for result in results if result.dtype == dtype]
            by_port = {port: _spent(own, port, what) for port in charts.ports}
            by_port = {port: spent for port, spent in by_port.items() if spent}
            if by_port:
                total = {port: sum(spent.values()) for port, spent in by_port.items()}
                bars = [_bars(charts, port, spent) for port, spent in by_port.items()]
                said = f"In all: {_said(total)}"
                yield charts.add(f"{title}, {dtype}", said, "seconds", bars=bars)


def _spent(results: list[PortResult], port: str, what: str) -> dict[str, float]:
    """Return the seconds that a port took, by recipe."""
    return {
        f"{r.recipe}, eager" if r.requested == "eager" else r.recipe: spent
        for r in results
        if r.port == port and (spent := r.seconds[what]) is not None
    }


def _bars(charts: Charts, port: str, seconds: dict[str, float]) -> dict[str, int]:
    return {
        "port": charts.ports.index(port),
        "x": charts.pool.add(seconds),
        "y": charts.pool.add(short(spent, SECONDS_DIGITS) for spent in seconds.values()),
    }


def _said(seconds: dict[str, float]) -> str:
    fastest, slowest = min(seconds, key=seconds.__getitem__), max(seconds, key=seconds.__getitem__)
    if fastest == slowest:
        return f"{seconds[fastest]:.2g} s, {fastest}."
    return f"from {seconds[fastest]:.2g} s, {fastest}, to {seconds[slowest]:.2g} s, {slowest}."
