"""How commands beside compare.py end where something goes wrong: with a sentence and a status."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from parity.processes.standards import ReferenceFailedError
from shared.errors import ClusterError, InputError


class _UnusableInputError(click.ClickException):
    exit_code = 2


class _FailedError(click.ClickException):
    exit_code = 3


@contextmanager
def in_a_sentence() -> Iterator[None]:
    """Let what goes wrong meanwhile end the command in a sentence, with the status of compare.py.

    Raises:
        click.ClickException: something did, of which click tells.
    """
    try:
        yield
    except InputError as error:
        raise _UnusableInputError(f"{error}") from error
    except (ClusterError, ReferenceFailedError) as error:
        raise _FailedError(f"{error}") from error
