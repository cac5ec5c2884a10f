"""How commands end: with a status and, where something goes wrong, a sentence."""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import click

from parity.processes.standards import ReferenceFailedError
from parity.processes.worker import WorkerDiedError
from parity.reports.files import discard
from shared.errors import ClusterError, InputError

STATUS = {"agree": 0, "disagree": 1, "error": 3}
UNUSABLE_INPUT, FAILED = 2, 3


def complain(program: str, sentence: str, status: int) -> int:
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


@contextmanager
def in_a_sentence() -> Iterator[None]:
    """Let what goes wrong meanwhile end a command beside compare.py as it ends that.

    Raises:
        click.exceptions.Exit: something did, and standard error says what.
    """
    try:
        yield
    except InputError as error:
        _end(UNUSABLE_INPUT, error)
    except (ClusterError, ReferenceFailedError, WorkerDiedError) as error:
        _end(FAILED, error)


def _end(status: int, error: Exception) -> NoReturn:
    context = click.get_current_context()
    click.echo(f"{context.command_path}: {error}", err=True)
    context.exit(status)
