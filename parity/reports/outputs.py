"""All that a comparison may leave behind: opened before the work, written at its end."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from parity.judging.inquiry import Witness
from parity.reports import extras
from parity.reports.as_json import to_json
from parity.reports.files import OutputFile, writable_folder
from parity.reports.junit import to_junit
from parity.reports.markdown import to_markdown
from parity.reports.repro import Scripts
from parity.reports.run import FinishedRun
from shared.errors import InputError

STDOUT = "-"


@dataclass
class Outputs:
    """The files and folders asked for; each field is an option of compare.py, which describes it.

    Entering it tries all of them, before any work is done.

    Raises:
        InputError: one cannot be written, two are the same, or a package for one is missing.
    """

    json: str | None = None
    html: str | None = None
    markdown: str | None = None
    junit: str | None = None
    pictures: Path | None = None
    repro: Path | None = None
    scripts: Scripts | None = field(default=None, init=False)
    stack: ExitStack = field(default_factory=ExitStack, init=False, repr=False)
    files: dict[str, OutputFile] = field(default_factory=dict, init=False)

    @property
    def options(self) -> list[str]:
        """The options of which something is asked for."""
        folders = {"--pictures": self.pictures, "--repro": self.repro}
        return [*self._names(), *(option for option, folder in folders.items() if folder)]

    @property
    def on_stdout(self) -> bool:
        """Whether standard output is taken by one of the files."""
        return STDOUT in (self.json, self.markdown)

    @property
    def witness(self) -> Witness | None:
        """What is to be called with each result as soon as it is there."""
        return self.scripts.add if self.scripts else None

    def __enter__(self) -> Self:
        self._check()
        for folder in filter(None, (self.pictures, self.repro)):
            writable_folder(folder)
        self.scripts = Scripts(self.repro) if self.repro else None
        with ExitStack() as stack:
            for option, name in self._names().items():
                self.files[option] = stack.enter_context(OutputFile(name))
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self.stack.close()

    def _names(self) -> dict[str, str]:
        """Return the files asked for, by option."""
        names = {
            "--json": self.json,
            "--html": self.html,
            "--markdown": self.markdown,
            "--junit": self.junit,
        }
        return {option: name for option, name in names.items() if name is not None}

    def _check(self) -> None:
        """Check that no two files are the same, and that what they need is installed."""
        for option in self.options:
            extras.require(option)
        taken: dict[Path | str, str] = {}
        for option, name in self._names().items():
            if name == STDOUT and option in ("--html", "--junit"):
                raise InputError(f"{option} is -, but only --json and --markdown can be printed")
            place = STDOUT if name == STDOUT else Path(name).resolve()
            if place in taken:
                what = "standard output" if name == STDOUT else name
                raise InputError(f"{taken[place]} and {option} are both {what}: name another file")
            taken[place] = option

    def write(self, run: FinishedRun) -> None:
        """Write everything."""
        for option, file in self.files.items():
            file.write(RENDER[option](run))
        if self.pictures:
            from parity.reports import pictures  # matplotlib takes a second to import

            pictures.draw(run.results, self.pictures)


def _html(run: FinishedRun) -> str:
    from parity.reports.html import to_html  # jinja2 and Plotly take a while to import

    return to_html(run)


RENDER: dict[str, Callable[[FinishedRun], str]] = {
    "--json": lambda run: to_json(run.results),
    "--html": _html,
    "--markdown": to_markdown,
    "--junit": to_junit,
}
