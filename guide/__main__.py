"""Run as `python -m guide`; see --help."""

import sys
from pathlib import Path

import click

from parity.reports import extras
from shared.errors import InputError


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--output", type=Path, default=Path("out/guide"), show_default=True)
def main(output: Path) -> None:
    """Build the translation guide: a page per net, a dictionary, differences and traps."""
    try:
        extras.require("the guide")
        from guide import site  # it needs what is checked first

        pages = site.build(output)
    except InputError as error:
        click.echo(f"python -m guide: {error}", err=True)
        sys.exit(2)
    click.echo(f"{len(pages)} pages; open {output / 'index.html'}")


if __name__ == "__main__":
    main()
