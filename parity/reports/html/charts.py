"""What a page's charts show, as plain data; charts.js draws it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.reports.html.pool import Pool, short
from parity.reports.plot_data.drawn import free_ratios
from parity.reports.plot_data.thinning import kept
from parity.reports.run import FinishedRun
from parity.results import STEPWISE, Curves, PortResult
from parity.standard.comparison import LIMIT

Array = NDArray[Any]
SERIES = 3  # that decide which points of a curve are kept: ratio, and the losses' both ends
POINTS_PER_PAGE = 24_000  # of all free runs on a page
FEWEST, MOST = 24, 160  # stretches of a free run, in each of which the largest is kept
LOSS_DIGITS, RATIO_DIGITS = 5, 3
LOOKS = 5  # of lines, besides the first port's
MANY_STEPS, WIDE_RANGE = 50, 30  # from here on, a log axis shows more


@dataclass(frozen=True)
class Chart:
    """A chart: its place on the page, what it is called, and what it is seen to say.

    kind: how wide it is drawn.
    """

    number: int
    title: str
    finding: str
    kind: str


class Charts:
    """All charts of one page: the more free runs there are, the fewer points each is drawn by."""

    def __init__(self, run: FinishedRun) -> None:
        self.ports = run.ports
        long = sum(r.curves is not None and len(r.curves.losses) > MANY_STEPS for r in run.results)
        self.stretches = min(max(POINTS_PER_PAGE // (SERIES * max(long, 1)), FEWEST), MOST)
        self.pool = Pool()
        self.specs: list[dict[str, Any]] = []

    @property
    def looks(self) -> list[int]:
        """How the line of each port looks: the first one's is its own, the others take turns."""
        return [0 if number == 0 else 1 + (number - 1) % LOOKS for number in range(len(self.ports))]

    @property
    def data(self) -> dict[str, Any]:
        """All that charts.js needs."""
        return {
            "limit": LIMIT,
            "ports": list(self.ports),
            "looks": self.looks,
            "arrays": self.pool.arrays,
            "charts": self.specs,
        }

    def add(self, title: str, finding: str, kind: str, **spec: Any) -> Chart:
        """Keep a chart, and return what the page says of it.

        Args:
            title: what it shows.
            finding: what it is seen to say, a sentence.
            kind: how charts.js draws it: "loss", "ratio", "rung", "plane" or "seconds".
            **spec: the rest that charts.js draws it from; arrays by their places in the pool.
        """
        self.specs.append({"kind": kind, **spec})
        return Chart(len(self.specs) - 1, title, finding, kind)

    def port(self, result: PortResult) -> int:
        """Return the number of a result's port."""
        return self.ports.index(result.port)

    def shorten(self, values: Array, digits: int) -> int:
        """Return the place in the pool of numbers, (n,), with few significant digits."""
        return self.pool.add(short(value, digits) for value in values)


def free_runs(charts: Charts, results: list[PortResult]) -> Iterator[Chart]:
    """Add the losses of the free runs, and their ratios, in each precision."""
    for dtype in dict.fromkeys(result.dtype for result in results):
        ran = [(r, r.curves) for r in results if r.curves and r.dtype == dtype]
        if not ran:
            continue
        shown = [(result, curves, _steps_shown(charts, curves)) for result, curves in ran]
        finite = np.concatenate([c.losses[np.isfinite(c.losses)] for _, c in ran])
        yield charts.add(
            f"Loss, {dtype}",
            _losses_said(ran),
            "loss",
            log_x=len(ran[0][1].losses) > MANY_STEPS,
            log_y=bool(finite.size and finite.min() > 0)
            and bool(finite.max() > WIDE_RANGE * finite.min()),
            curves=[
                {
                    "port": charts.port(result),
                    "x": charts.pool.add(steps.tolist()),
                    "y": charts.shorten(curves.losses[steps], LOSS_DIGITS),
                }
                for result, curves, steps in shown
            ],
        )
        yield charts.add(
            f"Error over noise floor in the full run, {dtype}",
            _free_ratios_said(ran),
            "ratio",
            log_x=len(ran[0][1].losses) > MANY_STEPS,
            curves=[
                {
                    "port": charts.port(result),
                    "x": charts.pool.add(steps.tolist()),
                    "y": charts.shorten(free_ratios(curves)[steps], RATIO_DIGITS),
                }
                for result, curves, steps in shown
            ],
        )


def _steps_shown(charts: Charts, curves: Curves) -> NDArray[np.int64]:
    """Return the steps of a free run that are drawn, the one with the worst ratio among them."""
    return kept([free_ratios(curves), curves.losses, -curves.losses], charts.stretches)


def single_steps(charts: Charts, results: list[PortResult]) -> Iterator[Chart]:
    """Add the ratios of single steps, each from the reference's own weights, rung by rung."""
    for dtype in dict.fromkeys(result.dtype for result in results):
        for rung in STEPWISE:
            own = [result for result in results if result.dtype == dtype]
            climbed = [(r, [at for at in r.ratios if at.rung == rung]) for r in own]
            steps = {at.place.step for _, ratios in climbed for at in ratios}
            if len(steps) < 2:
                continue  # a single one is no curve
            said = [(r.port, at.ratio, at.place.step) for r, ratios in climbed for at in ratios]
            yield charts.add(
                f"{rung.capitalize()}, {dtype}",
                worst_said(said),
                "rung",
                log_x=max(steps) > MANY_STEPS,
                curves=[
                    {
                        "port": charts.port(result),
                        "x": charts.pool.add(at.place.step for at in ratios),
                        "y": charts.pool.add(short(at.ratio, RATIO_DIGITS) for at in ratios),
                        "text": charts.pool.add(f"{at.place}" for at in ratios),
                    }
                    for result, ratios in climbed
                    if ratios
                ],
            )


def _losses_said(ran: list[tuple[PortResult, Curves]]) -> str:
    last = [float(curves.losses[-1]) for _, curves in ran]
    bad = [r.port for r, curves in ran if not np.isfinite(curves.losses).all()]
    if bad:
        return f"Losses that are not finite: {', '.join(bad)}."
    low, high = f"{min(last) + 0.0:.6f}", f"{max(last) + 0.0:.6f}"
    where = f"at {low}" if low == high else f"between {low} and {high}"
    return (
        f"After {len(ran[0][1].losses):,} steps, all losses end {where}."
        if len(ran) > 1
        else (f"After {len(ran[0][1].losses):,} steps, the loss ends {where}.")
    )


def _free_ratios_said(ran: list[tuple[PortResult, Curves]]) -> str:
    worst = []
    for result, curves in ran:
        ratios = free_ratios(curves)
        worst.append((result.port, float(ratios.max()), int(ratios.argmax())))
    return worst_said(worst)


def worst_said(ratios: list[tuple[str, float, int]]) -> str:
    """Return a sentence on the worst of some ratios, each with its port and step."""
    port, ratio, step = max(ratios, key=lambda each: each[1])
    if ratio == 0:
        return "Exact at every step."
    size = f"{ratio:.2g}" if np.isfinite(ratio) else "infinite"
    over = "" if ratio <= LIMIT else f", over the limit of {LIMIT:g}"
    return f"Worst ratio {size}, {port}, step {step:,}{over}."
