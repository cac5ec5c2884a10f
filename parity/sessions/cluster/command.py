"""--cluster as an option of other commands than compare.py."""

import click

from parity.reports import extras
from parity.reports.endings import in_a_sentence


def _checked(context: click.Context, parameter: click.Parameter, address: str | None) -> str | None:
    """Return the address, if Dask is there for one."""
    if address is not None:
        with in_a_sentence():
            extras.require("--cluster")
    return address


option = click.option(
    "--cluster",
    metavar="ADDRESS",
    callback=_checked,
    help="Judge on the nodes of the Dask cluster whose scheduler is there.",
)
