"""What all reports say of a result, and how: plain text, in the same words everywhere."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from parity.contract import REFERENCE
from parity.judging import consensus
from parity.results import (
    STEPWISE,
    Diagnosis,
    Divergence,
    Inside,
    Layer,
    PortResult,
    RungResult,
    Trial,
)
from parity.standard.comparison import LIMIT, Example
from parity.standard.inputs import reference_of
from shared import rows

# Ratios on the other rungs are not of noise floors.
MEASURED = (*STEPWISE, "trajectory")
DRIFTS = "one step from the reference's own weights there is right: the error is carried over"
RUNS_OFTEN = (
    "eager mode runs the port's Python code at every step, compiled mode only while it is traced, "
    "so look for code whose effect depends on that"
)
FEW = 5  # tensors, as small nets have
FEW_NAMED = 3  # ports or recipes, in a title
MOST_LISTED = 6  # names of layers in one sentence
FINER = 2**29  # how many times finer float64 rounds than float32
FINE = (
    "in float32 it agrees: what is off is too small to show there, such as another small constant, "
    "or a learning rate that is computed in float32"
)
COARSE = "in float64 it agrees: what it computes is right, but not to the precision of float32"
HEADING = ("index", "expected", "got")
Values = tuple[tuple[str, str, str], ...]  # with a cell for each of these
# Of a table with a row per port and precision, as `row` fills it.
COLUMNS = (
    *("port", "dtype", "verdict", "last loss", "train", "test"),
    *("ratio", "worst on", "step", "values", "s"),
)


def legend(results: list[PortResult]) -> str:
    """Return what ports are held to, and what a ratio is."""
    return (
        f"Every port is held to {_referred(results)} in float64. A ratio is a port's error divided "
        "by the noise floor, which is how far rounding alone moves that value: up to "
        f"{LIMIT:g} agrees."
    )


def headline(results: list[PortResult]) -> str:
    """Return the verdict on everything in a few words."""
    verdicts = [result.verdict for result in results]
    wrong, failed = verdicts.count("disagree"), verdicts.count("error")
    of_all = _counted(len(results), "result")
    if not wrong and not failed:
        known = sum(bool(result.known_differences) for result in results)
        but = f", {known} with expected differences" if known else ""
        if len(results) == 1:
            return f"The only result agrees{', with expected differences' if known else ''}"
        return f"All {of_all} agree{but}"
    if not wrong:
        return f"{failed} of {of_all} {_is(failed)} in error"
    disagree = "disagrees" if wrong == 1 else "disagree"
    failures = f", {failed} {_is(failed)} in error" if failed else ""
    return f"{wrong} of {of_all} {disagree}{failures}"


def title(results: list[PortResult], written: Callable[[str], str] = str) -> str:
    """Return who disagrees on what, as far as a few words say that, and how many agree.

    written: how names of ports and recipes are written.
    """
    wrong = [result for result in results if result.verdict != "agree"]
    if not wrong:
        return headline(results)
    of_port: dict[str, list[PortResult]] = {}
    for result in wrong:
        of_port.setdefault(result.port, []).append(result)
    groups: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for port, own in of_port.items():  # those that do the same on the same recipes
        recipes = tuple(dict.fromkeys(written(result.recipe) for result in own))
        groups.setdefault((recipes, _verdicts(own)), []).append(written(port))
    if len(groups) > 1 and len(of_port) > FEW_NAMED:
        every = tuple(dict.fromkeys(written(result.recipe) for result in wrong))
        groups = {(every, _verdicts(wrong)): [written(port) for port in of_port]}
    clauses, before = list[str](), ""
    for (recipes, verdicts), ports in groups.items():
        verb = _verb(verdicts, len(ports))
        who = listed(ports) if len(ports) <= FEW_NAMED else _counted(len(ports), "port")
        on = listed([*recipes]) if len(recipes) <= FEW_NAMED else _counted(len(recipes), "recipe")
        clauses.append(f"{who} on {on}" if verb == before else f"{who} {verb} on {on}")
        before = verb
    said = ", ".join(clauses) + _alone(wrong, results)
    agree = len(results) - len(wrong)
    of_all = f"; {agree} of {len(results)} results agree{'s' * (agree == 1)}"
    return said + of_all * (len(results) > 1)


def _verdicts(results: list[PortResult]) -> tuple[str, ...]:
    return tuple(sorted({result.verdict for result in results}))


def _verb(verdicts: tuple[str, ...], ports: int) -> str:
    """Return what so many ports do that come to some verdicts: "disagrees or fails"."""
    verbs = {"disagree": "disagree", "error": "fail"}
    return " or ".join(verbs[verdict] + "s" * (ports == 1) for verdict in verdicts)


def _alone(wrong: list[PortResult], results: list[PortResult]) -> str:
    """Return in which precision alone one port is wrong on one recipe, if there are others."""
    if len({(result.port, result.recipe) for result in wrong}) > 1:
        return ""
    own = {r.dtype for r in results if (r.port, r.recipe) == (wrong[0].port, wrong[0].recipe)}
    return f" in {wrong[0].dtype}" if len({result.dtype for result in wrong}) < len(own) else ""


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def unfinished(results: list[PortResult]) -> str:
    """Return what is said below the results of a comparison that was interrupted."""
    finished = _counted(len(results), "result")
    return f"interrupted after {finished}; no report was written"


def effort(results: list[PortResult], seconds: float) -> str:
    """Return how much was compared in what time, and on what, if that stands in for other data."""
    compared = sum(result.compared for result in results)
    stand_in = " (STAND-IN DATA)" if any(r.data["stand_in"] for r in results) else ""
    return f"{compared:,} values compared in {seconds:.{0 if seconds > 10 else 1}f} s{stand_in}"


def summary(trial: Trial) -> str:
    """Return what a recipe is, in one line without its name."""
    experiment = trial.experiment
    cut = f"; here {experiment.steps:,} steps" if experiment.steps != experiment.budget else ""
    return f"{experiment.recipe}{cut}"


def data(trial: Trial) -> str:
    """Return what a recipe's data is, in one line."""
    experiment, whole = trial.experiment, trial.experiment.data
    part = ""
    if rows.count(experiment.x) < rows.count(whole.x):
        part += f"; training sees the first {rows.count(experiment.x):,} of them"
    if experiment.x_test is not None and whole.x_test is not None:
        seen, there = rows.count(experiment.x_test), rows.count(whole.x_test)
        part += f"; testing sees the first {seen:,} of its {there:,}" if seen < there else ""
    return f"data: {whole.title}{part}"


def stand_in(trial: Trial) -> str | None:
    """Return what must be said of data that stands in for other data."""
    notice = trial.experiment.data.notice
    return f"STAND-IN DATA: {notice}" if notice else None


def conditions(trial: Trial, results: list[PortResult]) -> Iterator[str]:
    """Say how the results of a recipe were come by, where that is not as usual."""
    if trial.mode == "eager":
        yield "mode: eager, with the frameworks' compilers off"
    steps = trial.experiment.steps
    together = min((result.told_apart for result in results), default=steps)
    if together < steps:
        yield (
            f"after {together:,} steps, rounding alone decides where this run goes: beyond them "
            "only single steps are compared"
        )


def row(result: PortResult) -> tuple[str, ...]:
    """Return a result as the cells of a table, one for each of COLUMNS."""
    found = worst(result)
    return (
        result.port,
        result.dtype,
        verdict(result),
        "" if result.loss["last"] is None else f"{result.loss['last'] + 0.0:.6f}",  # not -0
        percent(result.accuracy["train"]),
        percent(result.accuracy["test"]),
        f"{found.ratio:.2g}" if found else "",
        _place(found),
        f"{found.place.step}" if found and found.place else "",
        count(result.compared),
        "" if result.seconds["train"] is None else f"{result.seconds['train']:.1f}",
    )


def verdict(result: PortResult) -> str:
    """Return the verdict in a word: "expected" where a port agrees but for known differences."""
    known = any(each.place for each in result.known_differences)
    return "expected" if known and result.verdict == "agree" else result.verdict


def worst(result: PortResult) -> RungResult | None:
    """Return the rung with the largest ratio, of those that are held to noise floors."""
    measured = [rung for rung in result.rungs if rung.rung in MEASURED and rung.compared]
    return max(measured, key=lambda rung: rung.ratio, default=None)


def _place(rung: RungResult | None) -> str:
    if rung is None or rung.place is None:
        return ""
    name = rung.place.own
    return rung.rung if name == rung.rung else f"{rung.rung} {name}"


def percent(fraction: float | None) -> str:
    """Return a fraction in percent, or nothing of none."""
    return "" if fraction is None else f"{100 * fraction:.2f}%"


def count(number: int) -> str:
    """Return a number of values in a few characters."""
    return f"{number:,}" if number < 1_000_000 else f"{number / 1e6:.0f} M"


def who(result: PortResult) -> str:
    """Return which port this is, in which precision and, if that was asked for, mode."""
    return f"{result.port} {result.dtype}{eager(result)}"


def eager(result: PortResult) -> str:
    """Return that a port ran without its compiler, if that was asked for."""
    return ", eager" if result.requested == result.mode == "eager" else ""


@dataclass(frozen=True)
class Finding:
    """What is wrong with one result.

    who: which port. error: why it has no verdict. faults: what came of differences that the recipe
    expects, where that is wrong. where: what differs first. extent: how far. values: index,
    expected and got. elsewhere: which layers are right, and where the same port agrees. cause: the
    mistake that it looks like, with its confidence and its evidence.
    """

    who: str
    error: str | None
    faults: tuple[str, ...]
    where: str | None
    extent: tuple[str, ...]
    values: Values
    elsewhere: tuple[str, ...]
    cause: str | None = None
    confidence: str | None = None
    evidence: str | None = None

    @property
    def first(self) -> str:
        """What is wrong, or the first thing of all that is."""
        return next(filter(None, (self.error, self.where, *self.faults)), "")

    @property
    def titles(self) -> list[str]:
        """One line each for the error, for what differs and for faults, as far as there are any."""
        error = [f"{self.who}: {self.error}"] if self.error else []
        differs = [self.where] if self.where else []
        return error + [f"{self.who} {each}" for each in (*differs, *self.faults)]

    @property
    def likeness(self) -> str | None:
        """What it looks like, in one line."""
        if self.cause and self.confidence:
            return f"looks like: {self.cause} ({self.confidence})"
        return self.cause

    def __str__(self) -> str:
        """Return all of it, in plain lines."""
        lines = [*self.titles, *(f"  {line}" for line in self.extent)]
        lines += [f"  {line}" for line in aligned(self.values)]
        lines += [f"  {line}" for line in (*self.elsewhere, self.likeness, self.evidence) if line]
        return "\n".join(lines)


def aligned(values: Values, heading: tuple[str, str, str] = HEADING) -> list[str]:
    """Return examples as a table in plain lines, with a heading; of none, no lines."""
    table = [heading, *values] if values else []
    widths = [max(len(row[column]) for row in table) if table else 0 for column in range(3)]
    return [
        f"{index:<{widths[0]}}   {expected:>{widths[1]}}   {got:>{widths[2]}}".rstrip()
        for index, expected, got in table
    ]


def values(examples: tuple[Example, ...], dtype: str) -> Values:
    """Return values that differ as the rows of a table: index, expected, got."""
    digits = 9 if dtype == "float32" else 17  # enough to tell any two numbers apart
    return tuple(
        (_index(each), _value(each.expected, digits), _value(each.got, digits)) for each in examples
    )


def finding(result: PortResult, others: list[PortResult]) -> Finding:
    """Say what is wrong with a result; `others` are all there are, for what one says of another."""
    divergence, diagnosis = result.divergence, result.diagnosis
    where = None
    if divergence:
        where = f"differs first on {divergence.rung}, step {divergence.step}, {divergence.place}"
    return Finding(
        who=who(result),
        error=result.error,
        faults=tuple(_faults(result)),
        where=where,
        extent=tuple(_extent(divergence)) if divergence else (),
        values=values(divergence.examples if divergence else (), result.dtype),
        elsewhere=(*inside(result.looked), *_elsewhere(result, others), *_unsought(result)),
        cause=diagnosis.cause if diagnosis else None,
        confidence=_confidence(diagnosis),
        evidence=diagnosis.evidence if diagnosis else None,
    )


def _unsought(result: PortResult) -> Iterator[str]:
    """Say where the search for the mistake ended in an error of its own."""
    if result.traceback and not result.error:
        yield "the search for what it looks like failed, which changes no verdict: see --debug"


def _faults(result: PortResult) -> Iterator[str]:
    """Say which differences the recipe expects that are not there."""
    for known in result.known_differences:
        if known.fault:
            other = "" if known.dtype else ", or say in which dtype it differs"
            yield (
                f"is expected to differ on {known.at} ({known.why}), but {known.fault}: take that "
                f"out of the recipe{other}"
            )


def expectations(results: list[PortResult]) -> Iterator[str]:
    """Say where ports differ as their recipe expects, and why."""
    for result in results:
        for known in result.known_differences:
            if known.place:
                yield (
                    f"expected: {who(result)} differs on {known.at}, first at step "
                    f"{known.place.step}, {known.place}, by a ratio of up to {known.ratio:.3g}: "
                    f"{known.why}"
                )
            elif not known.fault:
                yield (
                    f"expected: {who(result)} differs on {known.at} in a run of all steps; in this "
                    f"one, it does not yet: {known.why}"
                )


def _confidence(diagnosis: Diagnosis | None) -> str | None:
    """Return how sure a diagnosis is, or nothing of one that does not explain the numbers."""
    if diagnosis is None or not diagnosis.explains:
        return None
    return f"confidence {diagnosis.confidence:.0%}"


def _extent(divergence: Divergence) -> Iterator[str]:
    if divergence.size:
        yield share(divergence.mismatches, divergence.size, divergence.ratio)
    if divergence.rung in ("gradients", "update") and divergence.right:
        yield from _spread(divergence)
    if divergence.rung == "trajectory" and divergence.teacher_forced is False:
        yield DRIFTS


def _spread(divergence: Divergence) -> Iterator[str]:
    """Say which tensors of a larger net differ there, and how many agree."""
    if len(divergence.wrong) + len(divergence.right) > FEW:
        right = len(divergence.right)
        others = "the other one agrees" if right == 1 else f"the {right} others agree"
        differ = "differs" if len(divergence.wrong) == 1 else "differ"
        yield f"there, {listed(list(divergence.wrong))} {differ}; {others}"
    if divergence.first_backward:
        yield f"going back from the loss, {divergence.first_backward} is the first that differs"


def share(mismatches: int, size: int, ratio: float) -> str:
    """Say how many of how many values are over the limit, and by how much the worst is."""
    worst = f", the worst by a ratio of {ratio:.3g}" if mismatches else ""
    return f"{mismatches:,} of {size:,} values are over the limit{worst}"


def inside(looked: Inside) -> Iterator[str]:
    """Say which layer and which line of the reference are the first wrong ones."""
    layers, wrong = looked.layers, looked.wrong
    if wrong:
        yield from _layers(layers, wrong)
    elif layers and all(layer.came_out for layer in layers):
        yield f"all layers come out right, up to {layers[-1]}: what follows is wrong"
    if looked.line:
        yield "from this line of the reference on, no result comes up in the port:"
        yield f"  {looked.line}"


def _layers(layers: tuple[Layer, ...], wrong: Layer) -> Iterator[str]:
    number = layers.index(wrong)
    before = [layer.name for layer in layers[:number] if layer.came_out]
    come = "comes" if len(before) == 1 else "come"
    so_far = f"; {listed(before)} before it {come} out right" if before else ""
    if wrong.given:
        found = f"what goes into {wrong}, which is right given the reference's own input"
        yield f"first wrong: {found}{so_far}"
    elif wrong.given is None and before and not wrong.direct:
        yield f"first wrong layer: {wrong}, or what leads to it from {before[-1]}{so_far}"
    else:
        yield f"first wrong layer: {wrong}{so_far}"
    after = [layer.name for layer in layers[number + 1 :] if layer.given]
    if after:
        yield f"right, given the reference's own inputs: {listed(after)}"


def listed(names: list[str]) -> str:
    """Return names as a sentence lists them, no more than a few."""
    if len(names) > MOST_LISTED:
        return f"{', '.join(names[: MOST_LISTED - 1])} and {len(names) - MOST_LISTED + 1} others"
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def _index(example: Example) -> str:
    return str(list(example.index)) if example.index else "-"


def _value(value: float | int | str, digits: int) -> str:
    return f"{value:#.{digits}g}" if isinstance(value, float) else str(value)


def _elsewhere(result: PortResult, others: list[PortResult]) -> Iterator[str]:
    """Say where else the same port agrees on the same recipe, and what that means."""
    if result.divergence is None and result.error is None:
        return
    own = {
        (other.dtype, other.mode)
        for other in others
        if (other.recipe, other.port, other.verdict) == (result.recipe, result.port, "agree")
    }
    if result.dtype == "float32" and ("float64", result.mode) in own:
        yield COARSE if result.verdict == "disagree" else "in float64 it agrees"
    small = result.divergence and result.divergence.ratio <= LIMIT * FINER
    if result.dtype == "float64" and ("float32", result.mode) in own and small:
        yield FINE
    other_mode = "eager" if result.mode == "compiled" else "compiled"
    if (result.dtype, other_mode) in own:
        yield f"in {other_mode} mode it agrees: {RUNS_OFTEN}"


def _referred(results: list[PortResult]) -> str:
    """Return what some results are held to, in words."""
    own = dict.fromkeys(reference_of(result.trial.experiment.recipe) for result in results)
    return " or ".join("the NumPy port" if port == REFERENCE else f"{port}" for port in own)


def suspicions(results: list[PortResult]) -> Iterator[str]:
    """Say where the reference stands alone against ports that agree with each other."""
    for dtype in dict.fromkeys(result.dtype for result in results):
        group = [result for result in results if result.dtype == dtype]
        for ports in consensus.suspects(group):
            names = f"{', '.join(ports[:-1])} and {ports[-1]}"
            yield (
                f"{names} differ from the reference in {dtype} in the same way, and agree with "
                f"each other: the reference, {_referred(group)}, is the odd one out, and suspect "
                "itself"
            )


def omissions(results: list[PortResult]) -> Iterator[str]:
    """Say what was not compared, or not in the mode asked for, because a port lacks something."""
    lacking = {result.port: result.not_provided for result in results if result.not_provided}
    for port, functions in lacking.items():
        yield f"{port} does not provide {', '.join(functions)}: not compared"
    fixed = {result.port: result.fixed_rows for result in results if result.fixed_rows}
    for port, functions in fixed.items():
        yield (
            f"{port} takes no other number of rows than a batch has ({', '.join(functions)}): on "
            "half a batch not compared there"
        )
    for port in dict.fromkeys(r.port for r in results if r.requested == "eager" != r.mode):
        yield f"{port} has no run_eagerly to switch its compiler off: judged compiled"
