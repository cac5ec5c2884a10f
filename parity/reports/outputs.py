"""All that a comparison may leave behind: opened before the work, written at its end."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from parity.baseline import file as baseline
from parity.baseline.recorder import Recorder
from parity.judging.inquiry import Inquiry, Witness
from parity.reports import extras
from parity.reports.annotations import to_annotations
from parity.reports.as_json import to_json
from parity.reports.files import (
    STDOUT,
    OutputFile,
    empty_folder,
    identity,
    is_stdout,
    writable_folder,
)
from parity.reports.junit import to_junit
from parity.reports.markdown import to_markdown
from parity.reports.repro import Scripts
from parity.reports.run import FinishedRun
from parity.reports.vectors import VectorFolder
from parity.reports.wording import listed, who
from parity.results import PortResult
from shared.errors import InputError
from shared.files import is_regular, reason

BASELINE = "--save-baseline"
PRINTED = ("--json", "--markdown", "--annotations")  # those that standard output can take


@dataclass
class Outputs:
    """The files and folders asked for; each field is an option of compare.py, which describes it.

    Entering it tries all of them, before any work is done.

    inputs: the files that the comparison reads, each with what it is. recorder: keeps the numbers
    that go into a baseline, or are held to one.

    Raises:
        InputError: one cannot be written, or is an input; two are the same; or a package for one is
            missing.
    """

    json: str | None = None
    html: str | None = None
    markdown: str | None = None
    junit: str | None = None
    pictures: Path | None = None
    repro: Path | None = None
    vectors: Path | None = None
    annotations: str | None = None
    save_baseline: str | None = None
    inputs: Mapping[Path, str] = field(default_factory=dict)
    timeout: float = 300.0
    recorder: Recorder | None = None
    scripts: Scripts | None = field(default=None, init=False)
    vector_folder: VectorFolder | None = field(default=None, init=False)
    stack: ExitStack = field(default_factory=ExitStack, init=False, repr=False)
    files: dict[str, OutputFile] = field(default_factory=dict, init=False)

    @property
    def options(self) -> list[str]:
        """The options of which something is asked for."""
        return [*self._names(), *(option for option, folder in self._folders().items() if folder)]

    @property
    def on_stdout(self) -> bool:
        """Whether standard output is taken by one of the files."""
        return any(map(is_stdout, self._names().values()))

    @property
    def witness(self) -> Witness | None:
        """What is to be called with each result as soon as it is there."""
        told = [each.add for each in (self.scripts, self.vector_folder, self.recorder) if each]

        def tell(result: PortResult, inquiry: Inquiry) -> None:
            for add in told:
                add(result, inquiry)

        return tell if told else None

    def __enter__(self) -> Self:
        self._check()
        for folder in filter(None, (self.pictures, self.repro)):
            writable_folder(folder)
        if self.vectors:
            self.vector_folder = VectorFolder(empty_folder(self.vectors))
        with ExitStack() as stack:
            for option, name in self._names().items():
                opened = OutputFile(STDOUT if is_stdout(name) else name)
                self.files[option] = stack.enter_context(opened)
            if self.repro:
                scripts = Scripts(self.repro, self.timeout, [*self.inputs])
                self.scripts = stack.enter_context(scripts)
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
            "--annotations": self.annotations,
            BASELINE: self.save_baseline,
        }
        return {option: name for option, name in names.items() if name is not None}

    def _folders(self) -> dict[str, Path | None]:
        """Return the folders, by option."""
        return {"--pictures": self.pictures, "--repro": self.repro, "--vectors": self.vectors}

    def _check_vectors(self) -> None:
        """Check that nothing else is to be written where the vectors lie."""
        others = {**self._names(), **self._folders(), "--vectors": None}
        for option, name in others.items():
            path = os.path.realpath(name or "")
            if name and Path(path).is_relative_to(os.path.realpath(self.vectors or "")):
                raise InputError(
                    f"{option} {name} lies in the folder of --vectors, which holds nothing else: "
                    "name another place"
                )

    def _check(self) -> None:
        """Check that no two files are the same, and that what they need is installed."""
        for option in self.options:
            extras.require(option)
        if self.vectors:
            self._check_vectors()
        taken: dict[tuple[int, int] | str, str] = {}
        inputs = {_identity(path): what for path, what in self.inputs.items()}
        for option, name in self._names().items():
            if not name:
                raise InputError(f"{option} names no file")
            if is_stdout(name) and option not in PRINTED:
                raise InputError(
                    f"{option} is {name}, but only {listed([*PRINTED])} can be printed"
                )
            place = STDOUT if is_stdout(name) else identity(name)
            if place in taken:
                what = "standard output" if place == STDOUT else name
                raise InputError(f"{taken[place]} and {option} are both {what}: name another file")
            taken[place] = option
            read = inputs.get(place) or ("a Python file" if _is_python(name) else None)
            if read:
                raise InputError(f"{option} would overwrite {name}, {read}: name another file")

    def write(self, run: FinishedRun) -> list[str]:
        """Write all that goes to files, as far as that is possible; return what could not be."""
        failures: list[str] = []
        for option, file in self.files.items():
            if file.name != STDOUT:
                with _noting(f"{option} {file.name}", failures):
                    if option == BASELINE:
                        self._save_baseline(file, run)
                    else:
                        file.write(RENDER[option](run))
        if self.pictures:
            from parity.reports import pictures  # matplotlib takes a second to import

            with _noting(f"--pictures {self.pictures}", failures):
                pictures.draw(run.results, self.pictures)
        if self.vector_folder:
            failures += self.vector_folder.failures
            with _noting(f"--vectors {self.vectors}", failures):
                self.vector_folder.finish()
        return failures

    def _save_baseline(self, file: OutputFile, run: FinishedRun) -> None:
        """Write the baseline, if the run is whole.

        Raises:
            OSError: it is not, or the file cannot be written.
        """
        assert self.recorder
        failed = [result for result in run.results if result.verdict == "error"]
        if failed:
            named = f"{who(failed[0])} is in error on {failed[0].recipe}"
            raise OSError(f"{named}: a baseline is of a whole run")
        kept = baseline.content(self.recorder.baseline(run.results, run.options, run.threads))
        if len(kept) > baseline.LARGEST:
            raise OSError(f"{len(kept):,} bytes, where --since reads at most {baseline.LARGEST:,}")
        file.write(kept)

    def print(self, run: FinishedRun) -> None:
        """Write what goes to standard output.

        Raises:
            OSError: it cannot be written.
        """
        for option, file in self.files.items():
            if file.name == STDOUT:
                file.write(RENDER[option](run))


@contextmanager
def _noting(what: str, failures: list[str]) -> Iterator[None]:
    """Go on where something cannot be written, and note it."""
    try:
        yield
    except OSError as error:
        failures.append(f"{what} cannot be written ({reason(error)})")


def _identity(path: Path) -> tuple[int, int] | str | None:
    """Return the identity of a file that is there, if it is."""
    try:
        return identity(f"{path}")
    except InputError:
        return None


def _is_python(name: str) -> bool:
    """Whether there is a Python file of that name, which no report is."""
    path = Path(os.path.realpath(name))
    return path.suffix == ".py" and is_regular(path)


def _html(run: FinishedRun) -> str:
    from parity.reports.html import to_html  # jinja2 and Plotly take a while to import

    return to_html(run)


RENDER: dict[str, Callable[[FinishedRun], str]] = {
    "--json": lambda run: to_json(run.results, run.since),
    "--html": _html,
    "--markdown": to_markdown,
    "--junit": to_junit,
    "--annotations": to_annotations,
}
