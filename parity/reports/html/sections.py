"""What a page says of each recipe, ready to be laid out."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from parity.reports import wording
from parity.reports.html import charts as drawing
from parity.reports.html.charts import Chart, Charts
from parity.reports.html.confusions import Table, confusions
from parity.reports.html.decisions import decisions
from parity.reports.html.images import Picture, weights
from parity.reports.plot_data.drawn import Drawn
from parity.reports.plot_data.looks import failing_first
from parity.reports.run import FinishedRun
from parity.reports.wording import Finding, finding
from parity.results import PortResult, RungResult, Trial, Verdict, by_recipe, overall


@dataclass(frozen=True)
class Row:
    """One result. anchor: by which it is linked to. cells: of its table's COLUMNS."""

    anchor: str
    result: PortResult
    cells: tuple[str, ...]
    finding: Finding | None

    @property
    def verdict(self) -> Verdict:
        """The verdict on it."""
        return self.result.verdict

    @property
    def eager(self) -> str:
        """That the port ran without its compiler, if that was asked for."""
        return wording.eager(self.result)

    @property
    def ratio(self) -> str:
        """The worst ratio in few characters, or what there is instead."""
        worst = wording.worst(self.result)
        if self.verdict == "error":
            return "error"
        return f"{worst.ratio:.2g}" if worst else self.verdict

    @property
    def rungs(self) -> tuple[RungResult, ...]:
        """What each rung found."""
        return self.result.rungs


@dataclass(frozen=True)
class Section:
    """One recipe in one mode: all that is said and shown of it."""

    anchor: str
    name: str
    summary: str
    data: str
    stand_in: str | None
    conditions: list[str]
    verdict: Verdict
    rows: list[Row]
    suspicions: list[str]
    notes: list[str]
    ports: list[int]
    free_runs: list[Chart]
    rungs: list[tuple[str, list[Chart]]]
    decisions: list[Chart]
    weights: list[Picture]
    confusions: list[Table]

    def cell(self, port: str, dtype: str) -> Row | None:
        """Return the result of a port in one precision, if there is one."""
        found = (r for r in self.rows if (r.result.port, r.result.dtype) == (port, dtype))
        return next(found, None)


def sections(run: FinishedRun, charts: Charts) -> Iterator[Section]:
    """Yield a section for each recipe and mode, and add its charts; what fails comes first."""
    number = 0
    for trial, group in by_recipe(run.results):
        rows = []
        for result in failing_first(group, charts.looks):
            told = None if result.verdict == "agree" else finding(result, run.results)
            rows.append(Row(f"result-{number}", result, wording.row(result), told))
            number += 1
        yield _section(trial, group, rows, charts)


def _section(trial: Trial, results: list[PortResult], rows: list[Row], charts: Charts) -> Section:
    name, eager = trial.experiment.recipe.name, trial.mode == "eager"
    good = [result for result in results if result.verdict != "error"]
    drawn = Drawn(trial.experiment, good, charts.looks) if good else None
    images = drawn is not None and drawn.net == "mnist"
    steps = drawing.single_steps(charts, results)
    return Section(
        anchor=f"{name}-eager" if eager else name,
        name=f"{name}, eager" if eager else name,
        summary=wording.summary(trial),
        data=wording.data(trial),
        stand_in=wording.stand_in(trial),
        conditions=list(wording.conditions(trial, results)),
        verdict=overall(results),
        rows=rows,
        suspicions=list(wording.suspicions(results)),
        notes=[*wording.expectations(results), *wording.omissions(results)],
        ports=[charts.ports.index(port) for port in dict.fromkeys(r.result.port for r in rows)],
        free_runs=list(drawing.free_runs(charts, results)),
        rungs=[
            (dtype, list(own))
            for dtype, own in groupby(steps, key=lambda chart: chart.title.rpartition(", ")[2])
        ],
        decisions=list(decisions(charts, drawn)) if drawn else [],
        weights=weights(drawn) if drawn and images else [],
        confusions=confusions(results),
    )
