"""One page with all of a comparison: it opens from disk, and loads nothing from elsewhere."""

import base64
import hashlib
from datetime import datetime

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from parity.reports import since as baseline
from parity.reports import wording
from parity.reports.html.charts import Charts
from parity.reports.html.pool import script_json
from parity.reports.html.sections import Row, sections
from parity.reports.html.timings import timings
from parity.reports.plot_data.looks import failing_first
from parity.reports.run import FinishedRun, environment
from parity.standard.comparison import LIMIT

SYMBOLS = {"agree": "✓", "disagree": "✗", "error": "!"}


def to_html(run: FinishedRun) -> str:
    """Return the page. Whatever a port may have put into a text is escaped."""
    pages = Environment(
        loader=PackageLoader(__name__),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    pages.filters["sentence"] = lambda text: text[:1].upper() + text[1:]
    now = datetime.now().astimezone()
    charts = Charts(run)
    shown = list(sections(run, charts))
    spent = list(timings(charts, run.results))
    scripts = [plotly(), _source(pages, "charts.js")]
    page: str = pages.get_template("page.html").render(
        run=run,
        verdict=run.verdict,
        title=wording.title(run.results),
        headline=wording.headline(run.results),
        effort=wording.effort(run.results, run.seconds),
        since=run.since,
        baseline=baseline,
        legend=wording.legend(run.results),
        columns=wording.COLUMNS,
        limit=f"{LIMIT:g}",
        written=f"{now.day} {now:%B %Y, %H:%M %Z}",
        environment=environment(),
        dtypes=list(dict.fromkeys(result.dtype for result in run.results)),
        devices=list(dict.fromkeys(result.device for result in run.results)),
        sections=shown,
        wrong=_alike([row for section in shown for row in section.rows if row.finding]),
        ports=list(dict.fromkeys(r.port for r in failing_first(run.results, charts.looks))),
        timings=spent,
        looks=[charts.looks[port] for port in run.ports],
        icons=SYMBOLS,
        style=Markup(_source(pages, "style.css")),  # noqa: S704 - our own file
        data=Markup(script_json(charts.data)),  # noqa: S704 - escaped for a script element
        scripts=[Markup(script) for script in scripts],  # noqa: S704 - Plotly's and our own
        policy=_policy(scripts),
    )
    return page


def _alike(rows: list[Row]) -> list[list[Row]]:
    """Return rows of failures, those together that one port has in common in both precisions."""
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        result, found = row.result, row.finding
        own = found and (found.first, found.cause)
        key = (result.port, result.trial.mode, result.recipe, own)
        groups.setdefault(key, []).append(row)
    return list(groups.values())


def plotly() -> str:
    """Return the script that draws charts."""
    from plotly.offline import get_plotlyjs

    script: str = get_plotlyjs()
    return script


def _source(pages: Environment, name: str) -> str:
    assert pages.loader
    return pages.loader.get_source(pages, name)[0]


def _policy(scripts: list[str]) -> str:
    """Return a content security policy: these scripts run, and nothing is loaded."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
