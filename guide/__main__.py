"""Run as `python -m guide`; see --help."""

import sys
from pathlib import Path

import click

from parity.reports import extras
from shared.errors import InputError


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--output", type=Path, default=Path("out/guide"), show_default=True)
@click.option(
    "--address",
    default="",
    metavar="URL",
    help="Where the pages will be published: for the sitemap, and for 404.html.",
)
@click.option(
    "--repository",
    default="",
    metavar="URL",
    help="Where the project's files can be read, such as https://github.com/OWNER/lockstep/blob/main.",
)
def main(output: Path, address: str, repository: str) -> None:
    """Build the translation guide, with README and docs, as pages for a disk or a static host."""
    for name, url in (("--address", address), ("--repository", repository)):
        if url and not url.startswith(("https://", "http://")):
            raise click.UsageError(f"{name} is {url!r}: give it whole, as https://...")
    try:
        extras.require("the guide")
        from guide import site  # it needs what is checked first

        files = site.build(output, address, repository)
    except InputError as error:
        click.echo(f"python -m guide: {error}", err=True)
        sys.exit(2)
    pages = sum(file.suffix == ".html" for file in files)
    click.echo(f"{pages} pages; open {output / 'index.html'}")


if __name__ == "__main__":
    main()
