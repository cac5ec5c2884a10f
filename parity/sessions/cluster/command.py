"""--cluster as an option of other commands than compare.py."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from parity.processes.standards import ReferenceFailedError
from parity.reports import extras
from shared.errors import ClusterError, InputError


class _FailedError(click.ClickException):
    exit_code = 3


option = click.option(
    "--cluster",
    metavar="ADDRESS",
    help="Judge on the nodes of the Dask cluster whose scheduler is there.",
)


@contextmanager
def sentences(address: str | None) -> Iterator[None]:
    """Check that Dask is there, if it is needed; let what goes wrong end a command in a sentence.

    Raises:
        click.ClickException: something did; its status is compare.py's.
    """
    try:
        if address is not None:
            extras.require("--cluster")
        yield
    except InputError as error:
        raise click.UsageError(f"{error}") from error
    except (ClusterError, ReferenceFailedError) as error:
        raise _FailedError(f"{error}") from error
