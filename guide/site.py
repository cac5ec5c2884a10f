"""The guide's pages: made from the ports' source, the notes, the dictionary and the traps."""

import json
import textwrap
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from guide import (
    dictionary,
    differences,
    documents,
    highlight,
    idioms,
    markup,
    migration,
    notes,
    numbers,
    ports,
    search,
)
from guide import traps as shown
from guide.alignment import RUNTIME_PAGE
from guide.dictionary import Dictionary
from guide.documents import Document
from guide.idioms import Idioms
from guide.notes import Notes
from guide.ports import COLUMNS, EXAMPLES, ORDER, Net
from guide.traps import Trap
from parity.contract import ROOT
from parity.reports.files import writable_folder
from parity.standard.comparison import LIMIT
from traps.reasons import REASONS
from traps.themes import THEMES

TEMPLATES = Path(__file__).parent / "templates"
EARLY_SCRIPTS = ("early.js",)  # before anything is seen
LATE_SCRIPTS = (
    *(
        "choice.js",
        "start.js",
        "differs.js",
        "planted.js",
        "tabs.js",
        "links.js",
        "search.js",
        "code.js",
    ),
    *("numbers.js", "theme.js", "filter.js", "sieve.js", "menu.js"),
)
STYLES = (
    *("style.css", "code.css", "pages.css", "cheat.css", "numbers.css", "idioms.css"),
    "print.css",
)
NOT_FOUND = "404.html"


@dataclass(frozen=True)
class Site:
    """All that the pages are made of.

    address: where the pages will be, empty if that is not known. repository: where the files are
    that documents name, likewise. recorded: the numbers of the ports' lines, as far as they were
    recorded.
    """

    nets: list[Net]
    notes: Notes
    dictionary: Dictionary
    migration: list[migration.Piece]
    differences: differences.Differences
    traps: list[Trap]
    documents: list[Document]
    idioms: Idioms
    address: str = ""
    repository: str = ""
    recorded: numbers.Recorded = field(default_factory=dict)

    @cached_property
    def environment(self) -> Environment:
        """Jinja, with what every page needs."""
        environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters.update(marked=markup.to_html, heading=shown.heading, times=_times)
        environment.globals.update(
            zip=zip,
            nets=[net for net in self.nets if net.name != RUNTIME_PAGE],
            titles={name: ports.title(name) for name in COLUMNS},
            order=ORDER,
            slug=markup.anchor,
            columns=COLUMNS,
            css=_inlined(*STYLES),
            early=_inlined(*EARLY_SCRIPTS),
            late=_inlined(*LATE_SCRIPTS),
            documents=self.documents,
            numbered=numbers.planted(self.recorded),
        )
        return environment

    @cached_property
    def index(self) -> list[search.SearchEntry]:
        """All that the search finds."""
        return search.index(
            self.nets,
            self.notes,
            self.dictionary,
            self.migration,
            self.differences,
            self.traps,
            self.documents,
        )

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Yield the name of each file and what it holds: pages, and what they and hosts need."""
        pages = dict(self.pages())
        for name, html in (pages | self.for_hosts(list(pages))).items():
            yield name, html.encode()
        yield "search-index.js", f"const searchIndex = {json.dumps(self.index)};\n".encode()
        yield "icon.svg", (TEMPLATES / "icon.svg").read_bytes()
        for document in self.documents:
            for picture in document.pictures:
                yield picture.name, picture.read_bytes()

    def for_hosts(self, pages: list[str]) -> dict[str, str]:
        """Return what hosts show for addresses that lead nowhere, and tell of where pages are."""
        found = {NOT_FOUND: self._page("404.html", frameworks=ORDER, base=self.address)}
        if self.address:
            found["sitemap.xml"] = self._page("sitemap.xml", base=self.address, pages=pages)
        return found

    def pages(self) -> Iterator[tuple[str, str]]:
        """Yield each page's file name and its HTML."""
        yield "index.html", self._page("index.html", frameworks=ORDER, overview=self.notes.overview)
        for net in self.nets:
            yield f"{net.name}.html", self._net(net)
        yield "dictionary.html", self._dictionary()
        yield (
            "migration.html",
            self._page("migration.html", pieces=self.migration, code=_code, frameworks=ORDER),
        )
        yield "differences.html", self._differences()
        yield "traps.html", self._traps()
        yield "variations.html", self._variations()
        pages = self._pages_of_files()
        for document in self.documents:
            html = document.html(pages, self.repository)
            yield (
                f"{document.name}.html",
                self._page("document.html", document=document, html=html, frameworks=ORDER),
            )

    def _pages_of_files(self) -> dict[str, str]:
        """Return the address of each file that is shown on a page, by its path."""
        shown = {document.file: f"{document.name}.html" for document in self.documents}
        of_ports = {
            port.file: f"{net.name}.html?frameworks={port.framework}"
            for net in self.nets
            for port in net.ports
        }
        return {**shown, **of_ports, **documents.ELSEWHERE}

    def _net(self, net: Net) -> str:
        lines = {port.framework: highlight.lines(port.source) for port in net.ports}
        return self._page(
            "net.html",
            net=net,
            frameworks=[port.framework for port in net.ports],
            lines=lines,
            notes=self.notes,
            translated=_translated(net) if net.is_example else None,
            files={port.framework: port.file for port in net.ports},
            planted=self._planted(net),
            numbers=numbers.for_page(net, self.recorded, self.traps),
            idioms=self.idioms.of(net.name),
            measured=self.idioms.date,
            highlighted=highlight.lines,
        )

    def _planted(self, net: Net) -> dict[str, list[Trap]]:
        """Return the traps of a net by the section that they start in."""
        found = defaultdict(list)
        for trap in self.traps:
            if trap.is_bug and trap.entry.net == net.name:
                found[net.section_at(trap.column, trap.line).name].append(trap)
        return found

    def _dictionary(self) -> str:
        return self._page(
            "dictionary.html",
            groups=self.dictionary.groups,
            rows=self.dictionary.rows,
            numbers={row.name: n for n, row in enumerate(self.dictionary.footed, 1)},
            before={
                name: highlight.lines(code.strip()) for name, code in self.dictionary.before.items()
            },
            versions=self.differences.versions,
            frameworks=ORDER,
            in_general=dictionary.IN_GENERAL,
            code=_code,
        )

    def _differences(self) -> str:
        return self._page(
            "differences.html",
            topics=self.differences.topics,
            versions=self.differences.versions,
            frameworks=self.differences.frameworks,
            code=_read_by,
        )

    def _traps(self) -> str:
        bugs = [trap for trap in self.traps if trap.is_bug]
        return self._page(
            "traps.html",
            frameworks=ORDER,
            themes=shown.by_theme(bugs),
            about={theme: about for theme, (about, _) in THEMES.items()},
            reasons=REASONS,
            many=len(bugs),
            unseen=shown.unseen(bugs),
            limit=f"{LIMIT:g}",
        )

    def _variations(self) -> str:
        of_nets: dict[str, list[Trap]] = {}
        for trap in self.traps:
            if not trap.is_bug:
                of_nets.setdefault(trap.entry.net, []).append(trap)
        return self._page("variations.html", frameworks=ORDER, of_nets=of_nets)

    def _page(self, template: str, **values: Any) -> str:
        return self.environment.get_template(template).render(**values)


def load(address: str = "", repository: str = "", recorded: numbers.Recorded | None = None) -> Site:
    """Read all that the pages are made of.

    Args:
        address: see `Site`.
        repository: see `Site`.
        recorded: see `Site`; `numbers.record` makes it.

    Raises:
        InputError: the notes, a quote, the record of the traps or the idioms do not fit the ports.
    """
    return Site(
        ports.nets(),
        notes.load(),
        dictionary.load(),
        migration.load(),
        differences.load(),
        shown.traps(),
        documents.load(),
        idioms.load(),
        address and f"{address.rstrip('/')}/",
        repository,
        recorded or {},
    )


def build(
    folder: Path,
    address: str = "",
    repository: str = "",
    recorded: numbers.Recorded | None = None,
) -> list[Path]:
    """Write the pages, and all that a static host needs, into a folder; return the files.

    Args:
        folder: is made if it is not there.
        address: see `Site`.
        repository: see `Site`.
        recorded: see `Site`.

    Raises:
        InputError: as `load`, or the folder cannot be written to; nothing is written then.
    """
    files = list(load(address, repository, recorded).files())
    folder = writable_folder(folder)
    for name, content in files:
        (folder / name).write_bytes(content)
    return [folder / name for name, _ in files]


def _code(source: str) -> Markup:
    """Return code as HTML, line by line, without the indentation that its lines share."""
    lines = highlight.lines(textwrap.dedent(source))
    return Markup().join(Markup('<span class="l">{}\n</span>').format(line) for line in lines)


def _read_by(cell: differences.Cell) -> tuple[Markup, ...]:
    """Return the lines of the code of a cell as HTML."""
    return highlight.lines(cell.code.strip())


def _translated(net: Net) -> Markup:
    """Return what an example's README says of what has to be translated, as HTML."""
    said = (ROOT / EXAMPLES / net.name / "README.md").read_text()
    _, _, behind = said.partition("\n## What has to be translated\n")
    section, _, _ = behind.partition("\n## ")
    return Markup(MarkdownIt("commonmark").enable("table").render(section))  # noqa: S704 - ours


def _times(ratio: float) -> str:
    """Return a ratio of times in words, with two digits."""
    digits = f"{ratio:.2f}" if ratio < 1 else f"{ratio:.1f}" if ratio < 10 else f"{ratio:,.0f}"
    return f"{digits} times"


def _inlined(*files: str) -> Markup:
    """Return files of ours to stand in a page as they are."""
    return Markup("\n".join((TEMPLATES / file).read_text() for file in files))  # noqa: S704
