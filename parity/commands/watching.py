"""`--watch`: a verdict whenever a user's port is saved."""

import contextlib
from dataclasses import replace

from parity.contract import PortName
from parity.processes.progress import Progress
from parity.reports import progress, terminal
from parity.reports.endings import STATUS, UNUSABLE_INPUT
from parity.results import overall
from parity.sessions import misfits
from parity.sessions.port_files import PortFile
from parity.sessions.session import Session
from parity.sessions.settings import Settings
from shared import interrupts
from shared.errors import InputError


def check(files: list[PortFile], others: list[str]) -> None:
    """Check that there is something to watch, and no option that --watch has no use for.

    Raises:
        InputError: there is no file, or there are such options.
    """
    if not files:
        raise InputError("--watch needs --with FILE: it judges your port again when you save it")
    if others:
        raise InputError(f"--watch prints only verdicts, so {others[0]} cannot be used with it")


def keep_judging(settings: Settings, names: list[str], ports: list[PortName], quiet: bool) -> int:
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
    from parity.sessions.watch import Watch  # what watches files takes time to import

    trials, out = settings.trials(names), terminal.console()
    watched = " and ".join(f"{port}" for port in ports if port.file)
    status = interrupts.INTERRUPTED
    with (
        Session(settings.options, Progress()) as judging,
        contextlib.suppress(KeyboardInterrupt),
        Watch(judging, trials, ports) as watch,
    ):
        while True:
            with progress.shown(quiet) as shown:
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
