"""Run as `python -m guide`; see --help."""

from pathlib import Path

import click

from parity.reports import extras
from parity.reports.endings import in_a_sentence
from parity.reports.files import writable_folder


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
@click.option(
    "--numbers/--no-numbers",
    "with_numbers",
    default=True,
    show_default=True,
    help="Run the ports, and show what each of their lines gave; minutes, unless it is known.",
)
def main(output: Path, address: str, repository: str, with_numbers: bool) -> None:
    """Build the translation guide, with README and docs, as pages for a disk or a static host."""
    for name, url in (("--address", address), ("--repository", repository)):
        if url and not url.startswith(("https://", "http://")):
            raise click.UsageError(f"{name} is {url!r}: give it whole, as https://...")
    with in_a_sentence():
        extras.require("the guide")
        from guide import numbers, ports, site  # they need what is checked first

        writable_folder(output)  # before anything is run
        recorded = numbers.record(ports.nets()) if with_numbers else {}
        files = site.build(output, address, repository, recorded)
    pages = sum(file.suffix == ".html" for file in files)
    click.echo(f"{pages} pages; open {output / 'index.html'}")


if __name__ == "__main__":
    main()
