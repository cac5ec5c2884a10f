"""Lockstep's command line: compare ports of the same small networks, and say whether they agree."""

from shared import interrupts

if __name__ == "__main__":
    interrupts.end_at_once()  # also while the rest is imported

import contextlib
import io
import os
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.table import Table

from parity import contract
from parity.baseline import file as baseline
from parity.baseline.recorder import Recorder
from parity.processes import devices
from parity.processes.profile import Profile
from parity.processes.progress import Progress
from parity.processes.standards import ReferenceFailedError
from parity.reports import extras, progress, terminal, wording
from parity.reports.files import discard
from parity.reports.outputs import Outputs
from parity.reports.run import FinishedRun
from parity.results import PortResult, Trial, overall
from parity.sessions import misfits, session
from parity.sessions import selection as choice
from parity.sessions.port_files import PortFile, read_by
from parity.sessions.settings import EAGER_STEPS, QUICK_ROWS, QUICK_STEPS, Settings
from shared import recipes
from shared.errors import ClusterError, InputError
from shared.files import reason

STATUS = {"agree": 0, "disagree": 1, "error": 3}
OUTPUT_OPTIONS = (
    *("json", "html", "markdown", "junit", "annotations", "pictures", "repro", "vectors"),
    "save_baseline",
)
LOCAL_OUTPUTS = ("repro", "vectors", "save_baseline")  # they ask the ports' processes more
UNUSABLE_INPUT, FAILED = 2, 3
EXAMPLES = """\b
Examples:
  python compare.py                          all recipes, all frameworks
  python compare.py planar --steps 500       one recipe, cut short
  python compare.py mnist --frameworks torch,jax
  python compare.py mnist --with my_port.py  your own port beside the others
  python compare.py --source mnist --frameworks torch,jax
  python compare.py --init torch my_model:Net
  python compare.py --quiet --json -         one JSON object, printed

\b
Exit status:
  0 all agree   1 some port disagrees   2 unusable input   3 a port failed
"""
PATH = click.Path(path_type=Path)


@click.command(epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("recipe", nargs=-1)
@click.option(
    "--frameworks", metavar="NAMES", help="Frameworks, comma-separated. [default: all installed]"
)
@click.option(
    "--with",
    "files",
    metavar="FILE",
    multiple=True,
    help="Your own port (repeatable); RECIPE=FILE names its recipe.",
)
@click.option(
    "--workers",
    metavar="NUMBERS",
    help="Spread each batch over that many processes: ports for it, on one recipe per number.",
)
@click.option(
    "--dtype",
    metavar="NAME",
    help="float32, float64 or both. [default: what your own recipe says, else both]",
)
@click.option(
    "--mode",
    default="compiled",
    show_default=True,
    help="compiled: each framework at its fastest; eager: compilers switched off; or both.",
)
@click.option(
    "--steps",
    type=int,
    metavar="N",
    help=f"Updates to make. [default: the recipe's; at most {EAGER_STEPS} in eager mode]",
)
@click.option(
    "--seed", type=int, metavar="N", help="For weights and batch order. [default: the recipe's]"
)
@click.option(
    "--data",
    default="auto",
    show_default=True,
    help="mnist, digits (a small stand-in), or auto: digits if MNIST is unavailable.",
)
@click.option(
    "--data-dir",
    metavar="DIR",
    type=PATH,
    help="Folder with MNIST's four files. [default: $LOCKSTEP_DATA, the cache, a download]",
)
@click.option(
    "--device",
    default="cpu",
    show_default=True,
    help="cpu, or cuda: where ports run whose frameworks can; what they are held to stays on cpu.",
)
@click.option("--threads", default=1, show_default=True, help="Threads of each port.")
@click.option(
    "--timeout",
    default=300.0,
    show_default=True,
    help="Time limit for each call to a port, in seconds.",
)
@click.option(
    "--quick",
    is_flag=True,
    help=f"Every check, with {QUICK_STEPS} updates on {QUICK_ROWS} rows; or --steps N on all rows.",
)
@click.option(
    "--watch",
    is_flag=True,
    help="Judge the --with files again on every save; implies --quick unless --steps is given.",
)
@click.option(
    "--fresh", is_flag=True, help="Ignore the cache: measure noise floors and compile again."
)
@click.option(
    "--cluster",
    metavar="ADDRESS",
    help="Judge each recipe on a node of the Dask cluster whose scheduler is there.",
)
@click.option("--json", metavar="FILE", help="Write the result as JSON; - is standard output.")
@click.option("--html", metavar="FILE", help="Write a report with charts, one page for a browser.")
@click.option(
    "--markdown", metavar="FILE", help="Write a summary for a CI job; - is standard output."
)
@click.option("--junit", metavar="FILE", help="Write the verdicts as JUnit XML for CI servers.")
@click.option(
    "--annotations", metavar="FILE", help="Write GitHub's ::error lines; - is standard output."
)
@click.option("--pictures", metavar="DIR", type=PATH, help="Save plots to DIR.")
@click.option(
    "--repro",
    metavar="DIR",
    type=PATH,
    help="Write to DIR, for each port that differs, a script that reproduces it.",
)
@click.option(
    "--vectors",
    metavar="DIR",
    type=PATH,
    help="Write inputs, expected values and noise floors to DIR, to check a port in any language.",
)
@click.option(
    "--save-baseline",
    metavar="FILE",
    help="Write every port's own numbers to FILE, for --since to hold later ones to.",
)
@click.option(
    "--since",
    metavar="FILE",
    type=PATH,
    help="Hold every port to its own numbers in FILE, tensor by tensor.",
)
@click.option("--profile", is_flag=True, help="Print the time and memory used by each process.")
@click.option("--quiet", is_flag=True, help="Print only the last line: no progress, no tables.")
@click.option("--debug", is_flag=True, help="Show tracebacks, and the output of a crashed port.")
@click.option(
    "--source", metavar="NET", help="Show the ports of NET (or: runtime) side by side, and exit."
)
@click.option(
    "--init",
    "drafted",
    is_flag=True,
    help="Write a recipe and a reference for a model of yours, FRAMEWORK MODULE:NAME, and exit.",
)
@click.option(
    "--input",
    "shape",
    metavar="SHAPE",
    help="With --init: the shape of one example, such as 3x32x32. [default: a guess]",
)
@click.option("--list", "listed", is_flag=True, help="List recipes and frameworks, and exit.")
def compare(
    listed: bool, source: str | None, drafted: bool, shape: str | None, **options: Any
) -> int:
    """Train the same networks in several frameworks, and report whether they agree.

    RECIPE is what to train (see --list), or the file of a recipe of your own, in TOML or Python; by
    default, all of our own that take one process.
    """
    if listed:
        print_list()
        return 0
    if source is not None:
        extras.require("--source")
        from guide import terminal  # pygments and the ports' source, which nothing else needs

        terminal.show(source, options["frameworks"])
        return 0
    if drafted:
        draft(options["recipe"], shape, options["timeout"])
        return 0
    if shape is not None:
        raise InputError("--input is the shape that --init asks for: it cannot be used without")
    return run(**options)


def draft(model: tuple[str, ...], shape: str | None, timeout: float) -> None:
    """Write a recipe for a user's model, and say what to do with it.

    Args:
        model: its framework, and where it is.
        shape: of one example, if it is given.
        timeout: see `drafts.write`.

    Raises:
        InputError: there is no such model, or no recipe can be written for it.
    """
    from parity.sessions.drafts import write  # which takes what writes weights

    if len(model) != 2:
        raise InputError("--init takes FRAMEWORK MODULE:NAME, such as torch my_model:Net")
    recipe, port, weights, data = write.write(*model, shape, timeout)
    program = click.get_current_context().command_path
    program = "python compare.py" if program == "compare.py" else program
    click.echo(f"wrote {recipe}, {port}, {weights} and {data}")
    click.echo(f"edit the loss and the optimizer in {port}, and put your own data into {data}")
    click.echo(f"try it: {program} {recipe}")
    click.echo(f"judge a port: {program} {recipe} --with my_port.py")


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
    """Compare, and return the exit status; `options` are of the comparison and its outputs."""
    wanted = {name: options.pop(name) for name in OUTPUT_OPTIONS}
    options["quick"] |= watch
    settings = Settings(**options)
    if cluster is None:
        devices.check(settings.device)
    else:
        local = {f"--{name.replace('_', '-')}": wanted[name] for name in LOCAL_OUTPUTS}
        check_cluster({"--watch": watch, "--profile": settings.profile, "--since": since, **local})
    own = list(dict.fromkeys(map(PortFile.parse, files)))
    names, own = choice.over_workers(workers, choice.recipes_of(recipe, own), own)
    ports = choice.choose(names, frameworks, own, drafts=watch)
    reading = read_by(ports, settings.data_dir, names)
    if since:
        reading[since] = "the baseline that is compared"
    recorder = recorder_for(since, wanted["save_baseline"])
    outputs = Outputs(**wanted, inputs=reading, timeout=settings.timeout, recorder=recorder)
    if watch:
        others = {"--since": since, "--profile": settings.profile}
        check_watch(own, [*outputs.options, *(name for name, given in others.items() if given)])
        return keep_judging(settings, names, ports, quiet)
    with outputs:
        start = time.monotonic()
        how = replace(settings.options, drawn=bool(outputs.pictures or outputs.html))
        judged: list[PortResult] = []
        with told_if_interrupted(judged, outputs, quiet), progress_for(quiet) as shown:
            missing = choice.left_out(frameworks, names)
            if missing:
                shown.warn(missing)
            if cluster is None:
                with session.Session(how, shown) as judging:
                    for result in judge(judging, shown, settings, names, ports, outputs):
                        judged.append(result)
            else:
                judged += judge_on(cluster, shown, settings, how.drawn, names, ports)
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
            show(finished, outputs, how.profile, quiet, debug)
        except OSError as error:
            discard(sys.stdout)
            failures.append(f"standard output cannot be written ({reason(error)})")
    told = (*skipped, *wording.expectations(results), *wording.omissions(results))
    for each in told if quiet else ():
        terminal.console(stderr=True).print(each, markup=False, soft_wrap=True)
    for failure in failures:
        complain(click.get_current_context().command_path, failure)
    return STATUS[finished.verdict] or (UNUSABLE_INPUT if failures else 0)


@contextlib.contextmanager
def told_if_interrupted(results: list[PortResult], outputs: Outputs, quiet: bool) -> Iterator[None]:
    """Print the results that are finished where Ctrl-C ends the rest; no report is made of them.

    Args:
        results: all that are finished.
        outputs, quiet: as for `show`.
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


def judge(
    judging: session.Session,
    shown: Progress,
    settings: Settings,
    names: list[str],
    ports: list[contract.PortName],
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
    trials = made_trials(settings, names, shown)
    if outputs.recorder:
        outputs.recorder.check(trials)
    yield from judging.compare(trials, ports, outputs.witness)


def judge_on(
    address: str,
    shown: Progress,
    settings: Settings,
    drawn: bool,
    names: list[str],
    ports: list[contract.PortName],
) -> list[PortResult]:
    """Return what `judge` does, from the nodes of a cluster.

    Args:
        address: of its scheduler.
        shown, settings, names, ports: as for `judge`.
        drawn: whether results are drawn.

    Raises:
        ClusterError: the cluster gives no results.
        InputError: there is no such cluster, or a node has other versions or no data.
        ReferenceFailedError: the reference itself failed.
    """
    from parity.sessions.cluster import cell  # which takes Dask, and the time to import it
    from parity.sessions.cluster.client import Cluster

    with Cluster(address, shown) as cluster:
        trials = made_trials(settings, names, shown)
        return cell.compare(cluster, settings, drawn, names, trials, ports)


def made_trials(settings: Settings, names: list[str], shown: Progress) -> list[Trial]:
    """Return what to compare on, and tell of stand-in data."""
    trials = settings.trials(names)
    notices = [trial.experiment.data.notice for trial in trials]
    for notice in filter(None, dict.fromkeys(notices)):
        shown.warn(f"STAND-IN DATA: {notice}")
    return trials


def recorder_for(since: Path | None, saved: str | None) -> Recorder | None:
    """Return what keeps a run's numbers, if they go into a baseline or are held to one.

    Raises:
        InputError: the file of the baseline cannot be used.
    """
    if since is None:
        return Recorder() if saved is not None else None
    return Recorder(baseline.read(since), since)


def show(
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


def check_cluster(others: dict[str, object]) -> None:
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


def check_watch(files: list[PortFile], others: list[str]) -> None:
    """Check that there is something to watch, and no option that --watch has no use for.

    Raises:
        InputError: there is no file, or there are such options.
    """
    if not files:
        raise InputError("--watch needs --with FILE: it judges your port again when you save it")
    if others:
        raise InputError(f"--watch prints only verdicts, so {others[0]} cannot be used with it")


def keep_judging(
    settings: Settings, names: list[str], ports: list[contract.PortName], quiet: bool
) -> int:
    """Print the verdict on all ports and, until Ctrl-C, on users' ports whenever they change.

    Args:
        settings: how they are compared.
        names: of the recipes.
        ports: all that are compared; users' files among them are watched.
        quiet: print only each verdict's last line, and no progress.

    Returns:
        The exit status that goes with the last verdict.

    Raises:
        InputError: there is no such recipe, its data is missing, or the files cannot be watched.
        ReferenceFailedError: the reference itself failed.
    """
    from parity.sessions.watch import (
        Watch,  # it takes what watches files, and the time to import it
    )

    trials, out = settings.trials(names), terminal.console()
    watched = " and ".join(f"{port}" for port in ports if port.file)
    status = interrupts.INTERRUPTED
    with (
        session.Session(settings.options, Progress()) as judging,
        contextlib.suppress(KeyboardInterrupt),
        Watch(judging, trials, ports) as watch,
    ):
        while True:
            with progress_for(quiet) as shown:
                judging.tell(shown)
                found = watch.judge()
                results, skipped = misfits.set_aside(found.results, ports)
                found = replace(found, results=results)
                for each in skipped:
                    shown.warn(each)
            out.print(terminal.look(found, verdict_alone=quiet))
            status = UNUSABLE_INPUT if found.faults else STATUS[overall(found.results)]
            out.print(f"watching {watched}; Ctrl-C ends", style="dim", markup=False)
            watch.wait()
    return status


def progress_for(quiet: bool) -> Progress:
    """Return how to tell of progress: live on a terminal, in lines elsewhere, or not at all."""
    console = terminal.console(stderr=True)
    if quiet:
        return Progress()
    return progress.Live(console) if console.is_terminal else progress.Lines(console)


def print_list() -> None:
    """Print what there is to compare."""
    out = terminal.console()
    listed = {
        "Recipes": {
            recipe.name: str(recipe)
            for recipe in (*recipes.RECIPES.values(), *recipes.over_workers())
        },
        "Frameworks": {
            name: ("installed" if contract.is_installed(name) else "not installed") + nets(name)
            for name in contract.FRAMEWORKS
        },
    }
    for title, rows in listed.items():
        table = Table(title, "", box=None, padding=(0, 2, 0, 0))
        for name, text in rows.items():
            table.add_row(name, text)
        out.print(table)


def nets(framework: str) -> str:
    """Return which nets a framework has ports of, unless it has all."""
    own = contract.nets_of(framework)
    return "" if own == contract.nets_of("numpy") else f"; {', '.join(own)} only"


def main(program: str = "compare.py") -> NoReturn:
    """Run the command line, and exit with the status that docs/ci.md lists.

    program: what it is called, in front of errors and in the examples.
    """
    interrupts.raise_keyboard_interrupt()
    make_streams_usable()
    if program != "compare.py":
        compare.epilog = EXAMPLES.replace("python compare.py", program)
    try:
        status = invoke(program)
    except InputError as error:
        status = complain(program, str(error), UNUSABLE_INPUT)
    except click.ClickException as error:
        status = complain(program, error.format_message(), UNUSABLE_INPUT)
    except (ClusterError, ReferenceFailedError) as error:
        status = complain(program, str(error), FAILED)
    except (KeyboardInterrupt, click.Abort):
        status = complain(program, "interrupted", interrupts.INTERRUPTED)
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        status = complain(
            program, f"an internal error, not the fault of any port ({what}); see --debug", FAILED
        )
    sys.exit(status)


def make_streams_usable() -> None:
    """Let all that is printed be printed somehow: nowhere, where a stream is closed."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            nothing = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(nothing, "r" if name == "stdin" else "w"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def invoke(program: str) -> int:
    """Do what the command line asks for, and return the exit status.

    `compare.main` would make status 1 of any pipe that nobody reads.
    """
    try:
        context = compare.make_context(program, sys.argv[1:])
    except click.exceptions.Exit as end:  # the help was printed
        return end.exit_code
    except BrokenPipeError:  # it would have been
        discard(sys.stdout)
        return 0
    with context:
        return int(compare.invoke(context))


def complain(program: str, sentence: str, status: int = UNUSABLE_INPUT) -> int:
    """Print one sentence on standard error and, with --debug, where it came from.

    Returns:
        The status.
    """
    try:
        print(f"{program}: {sentence}", file=sys.stderr, flush=True)  # noqa: T201 - the way out
        if "--debug" in sys.argv and sys.exc_info()[0]:
            traceback.print_exc()
    except OSError:
        discard(sys.stderr)
    return status


if __name__ == "__main__":
    main()
