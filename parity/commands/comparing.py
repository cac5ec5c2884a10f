"""A comparison, from its options to what it prints and writes, and the exit status."""

import contextlib
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from parity.baseline import file as baseline
from parity.baseline.recorder import Recorder
from parity.commands import watching
from parity.contract import PortName
from parity.processes import devices
from parity.processes.profile import Profile
from parity.processes.progress import Progress
from parity.reports import extras, progress, terminal, wording
from parity.reports.endings import STATUS, UNUSABLE_INPUT, complain
from parity.reports.files import discard
from parity.reports.outputs import Outputs
from parity.reports.run import FinishedRun
from parity.results import PortResult, Trial
from parity.sessions import misfits
from parity.sessions import selection as choice
from parity.sessions.port_files import PortFile, read_by
from parity.sessions.session import Session
from parity.sessions.settings import Settings
from shared import recipes
from shared.errors import InputError
from shared.files import reason

OUTPUT_OPTIONS = (
    *("json", "html", "markdown", "junit", "annotations", "pictures", "repro", "vectors"),
    "save_baseline",
)
LOCAL_OUTPUTS = ("repro", "vectors", "save_baseline")  # they ask the ports' processes more


def run(
    recipe: tuple[str, ...],
    frameworks: str | None,
    files: tuple[str, ...],
    workers: str | None,
    cluster: str | None,
    since: Path | None,
    watch: bool,
    quiet: bool,
    debug: bool,
    **options: Any,
) -> int:
    """Compare, and return the exit status; `options` are of the comparison and its outputs.

    Raises:
        ClusterError: the cluster gives no results.
        InputError: an option or a file cannot be used; the sentence says which, and why.
        ReferenceFailedError: the reference itself failed.
    """
    wanted = {name: options.pop(name) for name in OUTPUT_OPTIONS}
    options["quick"] |= watch
    settings = Settings(**options)
    if cluster is None:
        devices.check(settings.device)
    else:
        local = {f"--{name.replace('_', '-')}": wanted[name] for name in LOCAL_OUTPUTS}
        _check_cluster({"--watch": watch, "--profile": settings.profile, "--since": since, **local})
    own = list(dict.fromkeys(map(PortFile.parse, files)))
    names, own = choice.over_workers(workers, choice.recipes_of(recipe, own), own)
    ports = choice.choose(names, frameworks, own, drafts=watch)
    reading = read_by(ports, settings.data_dir, names)
    if since:
        reading[since] = "the baseline that is compared"
    recorder = _recorder_for(since, wanted["save_baseline"])
    outputs = Outputs(**wanted, inputs=reading, timeout=settings.timeout, recorder=recorder)
    if watch:
        others = {"--since": since, "--profile": settings.profile}
        watching.check(own, [*outputs.options, *(name for name, given in others.items() if given)])
        return watching.keep_judging(settings, names, ports, quiet)
    with outputs:
        start = time.monotonic()
        how = replace(settings.options, drawn=bool(outputs.pictures or outputs.html))
        judged: list[PortResult] = []
        with _told_if_interrupted(judged, outputs, quiet), progress.shown(quiet) as shown:
            missing = choice.left_out(frameworks, names)
            if missing:
                shown.warn(missing)
            if cluster is None:
                with Session(how, shown) as judging:
                    for result in _judge(judging, shown, settings, names, ports, outputs):
                        judged.append(result)
            else:
                judged += _judge_on(cluster, shown, settings, how.drawn, names, ports)
            results, skipped = misfits.set_aside(judged, ports)
            for each in skipped:
                shown.warn(each)
        given = (*recipe, *choice.given(frameworks, workers, ports), *settings.given)
        held = recorder.since(results, settings.threads) if recorder else None
        own_files = {f"{port}": port.file for port in ports if port.file}
        seconds = time.monotonic() - start
        finished = FinishedRun(results, seconds, given, settings.threads, held, own_files)
        failures = outputs.write(finished)
        try:
            _show(finished, outputs, how.profile, quiet, debug)
        except OSError as error:
            discard(sys.stdout)
            failures.append(f"standard output cannot be written ({reason(error)})")
    told = (*skipped, *wording.expectations(results), *wording.omissions(results))
    for each in told if quiet else ():
        terminal.console(stderr=True).print(each, markup=False, soft_wrap=True)
    for failure in failures:
        complain(click.get_current_context().command_path, failure, UNUSABLE_INPUT)
    return STATUS[finished.verdict] or (UNUSABLE_INPUT if failures else 0)


@contextlib.contextmanager
def _told_if_interrupted(
    results: list[PortResult], outputs: Outputs, quiet: bool
) -> Iterator[None]:
    """Print the results that are finished where Ctrl-C ends the rest; no report is made of them.

    Args:
        results: all that are finished.
        outputs, quiet: as for `_show`.
    """
    try:
        yield
    except KeyboardInterrupt:
        out = terminal.console(stderr=outputs.on_stdout)
        with contextlib.suppress(OSError):  # the terminal itself may be gone
            if results and not quiet:
                out.print(terminal.whole(results))
                out.print(wording.unfinished(results), markup=False)
        raise


def _judge(
    judging: Session,
    shown: Progress,
    settings: Settings,
    names: list[str],
    ports: list[PortName],
    outputs: Outputs,
) -> Iterator[PortResult]:
    """Yield a result per recipe, precision, mode and port, as soon as it is there.

    Args:
        judging: where they are compared.
        shown: is told of stand-in data.
        settings: how they are compared.
        names: of the recipes.
        ports: all that are compared.
        outputs: what is told of each result; a baseline there must be of the same trials.

    Raises:
        InputError: data is missing, or the baseline is of something else.
        ReferenceFailedError: the reference itself failed.
    """
    if any(recipes.get(name).workers is None for name in names):
        judging.begin(ports)  # they import while the data is read
    trials = _made_trials(settings, names, shown)
    if outputs.recorder:
        outputs.recorder.check(trials)
    yield from judging.compare(trials, ports, outputs.witness)


def _judge_on(
    address: str,
    shown: Progress,
    settings: Settings,
    drawn: bool,
    names: list[str],
    ports: list[PortName],
) -> list[PortResult]:
    """Return what `_judge` does, from the nodes of a cluster.

    Args:
        address: of its scheduler.
        shown, settings, names, ports: as for `_judge`.
        drawn: whether results are drawn.

    Raises:
        ClusterError: the cluster gives no results.
        InputError: there is no such cluster, or a node has other versions or no data.
        ReferenceFailedError: the reference itself failed.
    """
    from parity.sessions.cluster import cell  # which takes Dask, and the time to import it
    from parity.sessions.cluster.client import Cluster

    with Cluster(address, shown) as cluster:
        trials = _made_trials(settings, names, shown)
        return cell.compare(cluster, settings, drawn, names, trials, ports)


def _made_trials(settings: Settings, names: list[str], shown: Progress) -> list[Trial]:
    """Return what to compare on, and tell of stand-in data."""
    trials = settings.trials(names)
    notices = [trial.experiment.data.notice for trial in trials]
    for notice in filter(None, dict.fromkeys(notices)):
        shown.warn(f"STAND-IN DATA: {notice}")
    return trials


def _recorder_for(since: Path | None, saved: str | None) -> Recorder | None:
    """Return what keeps a run's numbers, if they go into a baseline or are held to one.

    Raises:
        InputError: the file of the baseline cannot be used.
    """
    if since is None:
        return Recorder() if saved is not None else None
    return Recorder(baseline.read(since), since)


def _show(
    finished: FinishedRun, outputs: Outputs, profile: Profile | None, quiet: bool, debug: bool
) -> None:
    """Print what a comparison found.

    Args:
        finished: the comparison.
        outputs: what else it leaves; where standard output takes some of that, all the rest goes
            to standard error.
        profile: where its time went, if that is asked for.
        quiet: print only the last line.
        debug: print tracebacks.

    Raises:
        OSError: standard output cannot be written.
    """
    out = terminal.console(stderr=outputs.on_stdout)
    if not quiet:
        out.print(terminal.whole(finished.results))
        for line in outputs.scripts.told if outputs.scripts else ():
            out.print(line, markup=False, soft_wrap=True)
        for result in finished.results if debug else ():
            out.print(result.traceback or "", markup=False, end="")
        if finished.since:
            out.print(terminal.since_report(finished.since))
    if profile:
        out.print(terminal.profile(profile, finished.results))
    outputs.print(finished)
    if not (quiet and outputs.on_stdout):
        out.print(terminal.last_line(finished.results, finished.seconds, finished.since))


def _check_cluster(others: dict[str, object]) -> None:
    """Check that Dask is there, and that nothing needs ports' processes on this machine.

    others: what is given of the options that do.

    Raises:
        InputError: it is not, or something does.
    """
    extras.require("--cluster")
    for option in (name for name, given in others.items() if given):
        raise InputError(
            f"--cluster judges ports on other machines, and {option} needs their processes on this "
            "one: leave out one of the two"
        )
