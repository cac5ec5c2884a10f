"""Run as `python -m guide`; see --help."""

import sys
from pathlib import Path

import click

from parity.reports import extras
from parity.reports.files import writable_folder
from shared.errors import InputError


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--output", type=Path, default=Path("out/guide"), show_default=True)
@click.option(
    "--numbers/--no-numbers",
    "with_numbers",
    default=True,
    show_default=True,
    help="Run the ports, and show what each of their lines gave; a minute, unless it is known.",
)
def main(output: Path, with_numbers: bool) -> None:
    """Build the translation guide: a page per net, a dictionary, differences and traps."""
    try:
        extras.require("the guide")
        from guide import numbers, ports, site  # they need what is checked first

        writable_folder(output)  # before anything is run
        recorded = numbers.record(ports.nets()) if with_numbers else {}
        pages = site.build(output, recorded)
    except InputError as error:
        click.echo(f"python -m guide: {error}", err=True)
        sys.exit(2)
    click.echo(f"{len(pages)} pages; open {output / 'index.html'}")


if __name__ == "__main__":
    main()
