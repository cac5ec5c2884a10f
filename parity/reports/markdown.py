"""The result of a comparison in GitHub's flavour of Markdown, short enough for a job summary."""

import re
from collections.abc import Iterable

from parity.baseline.changes import Since
from parity.reports import since as baseline
from parity.reports import wording
from parity.reports.plot_data.looks import Looks, failing_first, looks
from parity.reports.run import FinishedRun, environment
from parity.reports.wording import Finding, Values, finding
from parity.results import PortResult, by_recipe

MOST_BYTES = 1024 * 1024 - 4096  # that GitHub takes of a job summary, less what it may add
EMOJI = {"agree": "✅", "disagree": "❌", "error": "⚠️"}
SPECIAL = re.compile(r"[^\w \-.,;=+/()'%]|_|www\.")


def to_markdown(run: FinishedRun) -> str:
    """Return who disagrees, what is wrong, as far as there is room for it, and all verdicts."""
    own = looks(run.results)
    parts = ["\n".join(_head(run))]
    rest = "\n".join((*_verdicts(run, own), *(_since(run.since) if run.since else ())))
    room = MOST_BYTES - _size(parts[0]) - _size(rest) - 1
    wrong = [result for result in run.results if result.verdict != "agree"]
    for number, result in enumerate(wrong):
        lines = "\n".join(_details(result, finding(result, run.results)))
        part = re.sub(r"\n{3,}", "\n\n", lines)
        room -= _size(part) + 1
        if room < 0:
            left = len(wrong) - number
            parts.append(f"Left out for its length: what is wrong with {left:,} more.\n")
            break
        parts.append(part)
    return "\n".join((*parts, rest)) + "\n"


def _size(text: str) -> int:
    return len(text.encode())


def escape(text: str) -> str:
    """Return a text, on one line, that Markdown, tables and HTML take for nothing but text."""
    words = " ".join(text.split())
    return SPECIAL.sub(lambda found: f"&#{ord(found[0][0])};{found[0][1:]}", words)


def code(text: str) -> str:
    """Return a name as code, in which GitHub looks for nobody's name and no other reference."""
    return f"<code>{escape(text)}</code>"


def _head(run: FinishedRun) -> Iterable[str]:
    yield f"## Lockstep: {wording.title(run.results, code)}"
    yield ""
    said, effort = wording.headline(run.results), wording.effort(run.results, run.seconds)
    yield f"{effort}." if said == wording.title(run.results) else f"{said}; {effort}."
    for notice in run.notices:
        yield ""
        yield f"> ⚠️ **STAND-IN DATA:** {escape(notice)}"
    yield ""


def _verdicts(run: FinishedRun, own: Looks) -> Iterable[str]:
    yield ""
    yield wording.legend(run.results)
    yield ""
    yield from _matrix(run, own)
    yield ""
    expected = [f"- {escape(said)}" for said in wording.expectations(run.results)]
    yield from [*expected, ""] if expected else []
    where = environment()
    versions = ", ".join(f"{name} {version}" for name, version in where["versions"].items())
    yield f"Python {where['python']} on {escape(where['platform'])}; {escape(versions)}."
    yield ""


def _since(since: Since) -> Iterable[str]:
    said = escape(baseline.headline(since))
    yield f"### {said[:1].upper()}{said[1:]}"
    yield ""
    yield escape(baseline.legend(since))
    yield ""
    yield from (f"- {escape(said)}" for said in (*baseline.surroundings(since), *since.left_out))
    yield ""
    yield _row(baseline.COLUMNS)
    yield "| --- | --- | --- | ---: | ---: | ---: | --- |"
    for change in since.changes:
        port, recipe, kind, *numbers = baseline.row(change)
        sign = EMOJI["agree" if change.holds else "disagree"]
        yield _row([code(port), escape(recipe), f"{sign} {kind}", *map(escape, numbers)])
    yield ""
    for moved in baseline.moved(since):
        yield f"- {escape('; '.join(filter(None, (moved.title, moved.extent))))}"
        if moved.values:
            yield ""
            yield from _values(moved.values, baseline.HEADING)
            yield ""
    yield ""


def _values(values: Values, heading: tuple[str, str, str]) -> Iterable[str]:
    yield _row(heading)
    yield "| --- | ---: | ---: |"
    for cells in values:
        yield _row(map(escape, cells))


def _matrix(run: FinishedRun, own: Looks) -> Iterable[str]:
    ports = list(dict.fromkeys(result.port for result in failing_first(run.results, own)))
    yield _row(["recipe", *map(code, ports)])
    yield _row(["---", *["---"] * len(ports)])
    for trial, results in by_recipe(run.results):
        eager = ", eager" if trial.mode == "eager" else ""
        cells = [
            "<br>".join(_cell(result) for result in results if result.port == port) or "-"
            for port in ports
        ]
        yield _row([f"{trial.experiment.recipe.name}{eager}", *cells])


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(result: PortResult) -> str:
    """Return precision, verdict and worst ratio of one result."""
    worst = wording.worst(result)
    ratio = f" {worst.ratio:.2g}" if worst and result.verdict != "error" else ""
    return f"{EMOJI[result.verdict]} {result.dtype} {wording.verdict(result)}{ratio}"


def _details(result: PortResult, found: Finding) -> Iterable[str]:
    yield "<details>"
    what = f"differs first on {_place(result)}" if result.divergence else result.verdict
    cause = f"; {found.likeness}" if found.likeness else ""
    yield (
        f"<summary>{EMOJI[result.verdict]} {escape(result.recipe)}: {code(result.port)} "
        f"{result.dtype}{wording.eager(result)} {what}{escape(cause)}</summary>"
    )
    yield ""
    if found.error:
        yield f"**{escape(result.verdict)}:** {escape(found.error)}"
        yield ""
    for line in (*found.faults, *found.extent):
        yield f"- {escape(line)}"
    if found.values:
        yield ""
        yield from _values(found.values, wording.HEADING)
        yield ""
    for line in found.elsewhere:
        yield f"- {escape(line)}"
    if found.cause:
        yield ""
        evidence = f": {escape(found.evidence)}" if found.evidence else ""
        looks, sure = ("Looks like ", f" ({found.confidence})") if found.confidence else ("", "")
        yield f"{looks}**{escape(found.cause)}**{sure}{evidence}."
    yield ""
    yield "</details>"


def _place(result: PortResult) -> str:
    assert result.divergence
    divergence = result.divergence
    return f"{divergence.rung}, step {divergence.step}, {code(str(divergence.place))}"
