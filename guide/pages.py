"""The guide's pages: templates, and what each of them is filled with."""

import textwrap
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from guide import dictionary, differences, documents, highlight, markup, numbers, ports
from guide import traps as shown
from guide.alignment import RUNTIME_PAGE
from guide.material import Material
from guide.ports import COLUMNS, EXAMPLES, ORDER, Net
from guide.traps import Trap
from parity.contract import ROOT
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
class Pages:
    """All pages, by the name of their file."""

    of: Material

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
            nets=[net for net in self.of.nets if net.name != RUNTIME_PAGE],
            titles={name: ports.title(name) for name in COLUMNS},
            order=ORDER,
            slug=markup.anchor,
            columns=COLUMNS,
            beside=ports.BESIDE,
            css=_inlined(*STYLES),
            early=_inlined(*EARLY_SCRIPTS),
            late=_inlined(*LATE_SCRIPTS),
            documents=self.of.documents,
            numbered=numbers.planted(self.of.recorded),
        )
        return environment

    def for_hosts(self, pages: list[str]) -> dict[str, str]:
        """Return what hosts show for addresses that lead nowhere, and tell of where pages are."""
        found = {NOT_FOUND: self._page("404.html", frameworks=ORDER, base=self.of.address)}
        if self.of.address:
            found["sitemap.xml"] = self._page("sitemap.xml", base=self.of.address, pages=pages)
        return found

    def all(self) -> Iterator[tuple[str, str]]:
        """Yield each page's file name and its HTML."""
        yield (
            "index.html",
            self._page("index.html", frameworks=ORDER, overview=self.of.notes.overview),
        )
        for net in self.of.nets:
            yield f"{net.name}.html", self._net(net)
        yield "dictionary.html", self._dictionary()
        yield (
            "migration.html",
            self._page(
                "migration.html",
                pieces=self.of.migration.pieces,
                elsewhere=self.of.migration.elsewhere,
                code=_code,
                frameworks=ORDER,
            ),
        )
        yield "differences.html", self._differences()
        yield "traps.html", self._traps()
        yield "variations.html", self._variations()
        pages = self._pages_of_files()
        for document in self.of.documents:
            html = document.html(pages, self.of.repository)
            yield (
                f"{document.name}.html",
                self._page("document.html", document=document, html=html, frameworks=ORDER),
            )

    def _pages_of_files(self) -> dict[str, str]:
        """Return the address of each file that is shown on a page, by its path."""
        shown = {document.file: f"{document.name}.html" for document in self.of.documents}
        of_ports = {
            port.file: f"{net.name}.html?frameworks={port.framework}"
            for net in self.of.nets
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
            notes=self.of.notes,
            translated=_translated(net) if net.is_example else None,
            files={port.framework: port.file for port in net.ports},
            planted=self._planted(net),
            numbers=numbers.for_page(net, self.of.recorded, self.of.traps),
            idioms=self.of.idioms.of(net.name),
            measured=self.of.idioms.dates.get(net.name),
            highlighted=highlight.lines,
        )

    def _planted(self, net: Net) -> dict[str, list[Trap]]:
        """Return the traps of a net by the section that they start in."""
        found = defaultdict(list)
        for trap in self.of.traps:
            if trap.is_bug and trap.entry.net == net.name:
                found[net.section_at(trap.column, trap.line).name].append(trap)
        return found

    def _dictionary(self) -> str:
        return self._page(
            "dictionary.html",
            groups=self.of.dictionary.groups,
            rows=self.of.dictionary.rows,
            numbers={row.name: n for n, row in enumerate(self.of.dictionary.footed, 1)},
            before={
                name: highlight.lines(code.strip())
                for name, code in self.of.dictionary.before.items()
            },
            versions=self.of.differences.versions,
            frameworks=ORDER,
            in_general=dictionary.IN_GENERAL,
            code=_code,
        )

    def _differences(self) -> str:
        return self._page(
            "differences.html",
            topics=self.of.differences.topics,
            versions=self.of.differences.versions,
            frameworks=self.of.differences.frameworks,
            code=_read_by,
        )

    def _traps(self) -> str:
        bugs = [trap for trap in self.of.traps if trap.is_bug]
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
        for trap in self.of.traps:
            if not trap.is_bug:
                of_nets.setdefault(trap.entry.net, []).append(trap)
        return self._page("variations.html", frameworks=ORDER, of_nets=of_nets)

    def _page(self, template: str, **values: Any) -> str:
        return self.environment.get_template(template).render(**values)


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
    return Markup(documents.PARSER.render(section))  # noqa: S704 - ours


def _times(ratio: float) -> str:
    """Return a ratio of times in words, with two digits."""
    digits = f"{ratio:.2f}" if ratio < 1 else f"{ratio:.1f}" if ratio < 10 else f"{ratio:,.0f}"
    return f"{digits} times"


def _inlined(*files: str) -> Markup:
    """Return files of ours to stand in a page as they are."""
    return Markup("\n".join((TEMPLATES / file).read_text() for file in files))  # noqa: S704
