"""How commands beside compare.py end where something goes wrong: with a sentence and a status."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import click

from parity.processes.standards import ReferenceFailedError
from parity.processes.worker import WorkerDiedError
from shared.errors import ClusterError, InputError


@contextmanager
def in_a_sentence() -> Iterator[None]:
    """Let what goes wrong meanwhile end the command as it ends compare.py.

    Raises:
        click.exceptions.Exit: something did, and standard error says what.
    """
    try:
        yield
    except InputError as error:
        _end(2, error)
    except (ClusterError, ReferenceFailedError, WorkerDiedError) as error:
        _end(3, error)


def _end(status: int, error: Exception) -> NoReturn:
    context = click.get_current_context()
    click.echo(f"{context.command_path}: {error}", err=True)
    context.exit(status)
