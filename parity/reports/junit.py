"""The result of a comparison as JUnit XML, which CI servers show as tests."""

from datetime import datetime
from itertools import groupby
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from parity.baseline.changes import Change
from parity.reports import since as baseline
from parity.reports import wording
from parity.reports.run import FinishedRun, environment
from parity.reports.wording import Finding, finding
from parity.results import PortResult


def to_junit(run: FinishedRun) -> str:
    """Return a suite for each recipe, with a case for each port, precision and mode."""
    changes = run.since.changes if run.since else []
    root = Element("testsuites", {"name": "Lockstep", **_counts(run.results, changes)})
    written = datetime.now().isoformat(timespec="seconds")
    by_recipe = sorted(run.results, key=lambda result: _order(run, result))
    for recipe, group in groupby(by_recipe, key=lambda result: result.recipe):
        results = list(group)
        own = [change for change in changes if change.trial.recipe == recipe]
        about = {"name": recipe, **_counts(results, own), "skipped": "0", "timestamp": written}
        suite = SubElement(root, "testsuite", about)
        properties = SubElement(suite, "properties")
        for name, value in _properties(run, results[0]).items():
            SubElement(properties, "property", name=name, value=value)
        for result in results:
            _case(suite, result, finding(result, run.results))
        for change in own:
            _changed(suite, change)
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _order(run: FinishedRun, result: PortResult) -> int:
    """Return the place of a result's recipe; its modes may lie apart."""
    recipes = [each.recipe for each in run.results]
    return recipes.index(result.recipe)


def _counts(results: list[PortResult], changes: list[Change]) -> dict[str, str]:
    """Return what a suite counts of its cases, and all suites of theirs."""
    verdicts = [result.verdict for result in results]
    moved = sum(not change.holds for change in changes)
    return {
        "tests": f"{len(results) + len(changes)}",
        "failures": f"{verdicts.count('disagree') + moved}",
        "errors": f"{verdicts.count('error')}",
        "time": f"{sum(map(_seconds, results)):.3f}",
    }


def _seconds(result: PortResult) -> float:
    """Return how long the port took over its first step and its whole run, to the millisecond."""
    spent = (result.seconds.get(what) or 0.0 for what in ("first_step", "train"))
    return round(sum(spent), 3)


def _changed(suite: Element, change: Change) -> None:
    """Add the case of a port that is held to a baseline."""
    trial = change.trial
    case = SubElement(
        suite,
        "testcase",
        classname=f"lockstep.{trial.recipe}",
        name=f"{change.port} {trial.dtype} {trial.mode} since the baseline",
        time="0.000",
    )
    if change.holds:
        said = f"{change.compared:,} values compared, {change.other_bits:,} with other bits"
        SubElement(case, "system-out").text = said
        return
    moved = baseline.of(change)
    SubElement(case, "failure", message=moved.title, type=change.kind).text = f"{moved}"


def _properties(run: FinishedRun, result: PortResult) -> dict[str, str]:
    """Return where a suite ran, and on what."""
    where = environment()
    since = "; ".join(baseline.surroundings(run.since)) if run.since else ""
    return {
        "python": where["python"],
        "platform": where["platform"],
        **where["versions"],
        "device": result.device,
        "threads": f"{run.threads}",
        "options": " ".join(run.options),
        "data": result.data.get("name") or "",
        "stand-in data": result.data.get("stand_in") or "",
        **({"since the baseline": since} if since else {}),
    }


def _case(suite: Element, result: PortResult, found: Finding) -> None:
    case = SubElement(
        suite,
        "testcase",
        classname=f"lockstep.{result.recipe}",
        name=f"{result.port} {result.dtype} {result.requested}",
        time=f"{_seconds(result):.3f}",
    )
    expected = list(wording.expectations([result]))
    if result.verdict == "agree":
        worst = wording.worst(result)
        ratio = f"; worst ratio {worst.ratio:.2g} on {worst.rung}" if worst else ""
        said = [f"{result.compared:,} values compared{ratio}", *expected]
        SubElement(case, "system-out").text = "\n".join(said)
        return
    message = (found.titles or [found.who])[0]
    kind = "failure" if result.verdict == "disagree" else "error"
    what = found.cause or ("differs from the reference" if kind == "failure" else "failed")
    element = SubElement(case, kind, message=message, type=what)
    element.text = str(found)
    if expected:
        SubElement(case, "system-out").text = "\n".join(expected)
    if result.traceback:
        SubElement(case, "system-err").text = result.traceback
