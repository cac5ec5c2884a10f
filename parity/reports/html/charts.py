"""What a page's charts show, as plain data; charts.js draws it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.reports.html.pool import Pool, short
from parity.reports.plot_data.drawn import free_ratios
from parity.reports.plot_data.looks import Looks, failing_first, is_failing, looks
from parity.reports.plot_data.thinning import kept
from parity.reports.run import FinishedRun
from parity.results import STEPWISE, Curves, PortResult
from parity.standard.comparison import LIMIT

Array = NDArray[Any]
SERIES = 3  # that decide which points of a curve are kept: ratio, and the losses' both ends
POINTS_PER_PAGE = 24_000  # of all free runs on a page
FEWEST, MOST = 8, 160  # stretches of a free run, in each of which the largest is kept
LOSS_DIGITS, RATIO_DIGITS = 5, 3
MANY_STEPS, WIDE_RANGE = 50, 30  # from here on, a log axis shows more


@dataclass(frozen=True)
class Chart:
    """A chart: its place on the page, what it is called, and what it is seen to say.

    kind: how wide it is drawn. fails: whether it is of one port alone, which fails.
    """

    number: int
    title: str
    finding: str
    kind: str
    fails: bool = False


class Charts:
    """All charts of one page: the more free runs there are, the fewer points each is drawn by."""

    def __init__(self, run: FinishedRun) -> None:
        self.ports = run.ports
        self.looks = looks(run.results)
        long = sum(r.curves is not None and len(r.curves.losses) > MANY_STEPS for r in run.results)
        self.stretches = min(max(POINTS_PER_PAGE // (SERIES * max(long, 1)), FEWEST), MOST)
        self.pool = Pool()
        self.specs: list[dict[str, Any]] = []

    @property
    def data(self) -> dict[str, Any]:
        """All that charts.js needs."""
        return {
            "limit": LIMIT,
            "ports": list(self.ports),
            "looks": [self.looks[port] for port in self.ports],
            "arrays": self.pool.arrays,
            "charts": self.specs,
        }

    def add(
        self, title: str, finding: str, kind: str, *, fails: bool = False, **spec: Any
    ) -> Chart:
        """Keep a chart, and return what the page says of it.

        Args:
            title: what it shows.
            finding: what it is seen to say, a sentence.
            kind: how charts.js draws it: "loss", "ratio", "rung", "plane" or "seconds".
            fails: whether it is of one port alone, which fails.
            **spec: the rest that charts.js draws it from; arrays by their places in the pool.
        """
        self.specs.append({"kind": kind, **spec})
        return Chart(len(self.specs) - 1, title, finding, kind, fails)

    def port(self, result: PortResult) -> int:
        """Return the number of a result's port."""
        return self.ports.index(result.port)

    def shorten(self, values: Array, digits: int) -> int:
        """Return the place in the pool of numbers, (n,), with few significant digits."""
        return self.pool.add(short(value, digits) for value in values)


def free_runs(charts: Charts, results: list[PortResult]) -> Iterator[Chart]:
    """Add the losses of the free runs, and their ratios, in each precision."""
    for dtype in dict.fromkeys(result.dtype for result in results):
        own = failing_first([r for r in results if r.dtype == dtype], charts.looks)
        ran = [(result, result.curves) for result in own if result.curves]
        if not ran:
            continue
        steps = _steps_shown(charts, [curves for _, curves in ran])
        x = charts.pool.add(steps.tolist())
        finite = np.concatenate([c.losses[np.isfinite(c.losses)] for _, c in ran])
        yield charts.add(
            f"Loss, {dtype}",
            _losses_said(ran, charts.looks),
            "loss",
            log_x=len(ran[0][1].losses) > MANY_STEPS,
            log_y=bool(finite.size and finite.min() > 0)
            and bool(finite.max() > WIDE_RANGE * finite.min()),
            curves=[
                {
                    "port": charts.port(result),
                    "x": x,
                    "y": charts.shorten(curves.losses[steps], LOSS_DIGITS),
                }
                for result, curves in ran
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
                    "x": x,
                    "y": charts.shorten(free_ratios(curves)[steps], RATIO_DIGITS),
                }
                for result, curves in ran
            ],
        )


def _steps_shown(charts: Charts, runs: list[Curves]) -> NDArray[np.int64]:
    """Return the steps of free runs that are drawn, that with the worst ratio of each among them.

    They are the same for all, so that one can be read beside the other; in each stretch they are
    those of the largest ratio, and of the largest and the smallest loss, of any run.
    """
    ratios, losses = [free_ratios(r) for r in runs], [r.losses for r in runs]
    extremes = (np.fmax.reduce(each) for each in (ratios, losses, [-loss for loss in losses]))
    worst = [ratio.argmax() for ratio in ratios]
    return np.union1d(kept([*extremes], charts.stretches), worst)


def single_steps(charts: Charts, results: list[PortResult]) -> Iterator[Chart]:
    """Add the ratios of single steps, each from the reference's own weights, rung by rung."""
    for dtype in dict.fromkeys(result.dtype for result in results):
        for rung in STEPWISE:
            own = failing_first([r for r in results if r.dtype == dtype], charts.looks)
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


def _losses_said(ran: list[tuple[PortResult, Curves]], own: Looks) -> str:
    bad = [r.port for r, curves in ran if not np.isfinite(curves.losses).all()]
    if bad:
        return f"Losses that are not finite: {', '.join(bad)}."
    ends = {result.port: float(curves.losses[-1]) for result, curves in ran}
    failing = {port: end for port, end in ends.items() if is_failing(own[port])}
    others = {port: end for port, end in ends.items() if port not in failing}
    said = [f"{port} ends at {end + 0.0:.6f}" for port, end in failing.items()]
    if others:
        low, high = (f"{end(others.values()) + 0.0:.6f}" for end in (min, max))
        where = f"at {low}" if low == high else f"between {low} and {high}"
        if len(others) == 1:
            said.append(f"{next(iter(others)) if failing else 'the loss'} ends {where}")
        else:
            said.append(f"{'the others' if failing else 'all losses'} end {where}")
    return f"After {len(ran[0][1].losses):,} steps, {', '.join(said)}."


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
