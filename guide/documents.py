"""The project's pages in Markdown, README and docs, as pages of the guide with links of its own."""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from guide import highlight
from parity.contract import ROOT

README = "README.md"
LISTED = re.compile(r"\]\(([\w/-]+\.md)\)")
BESIDES = ("CONTRIBUTING.md",)
# What the guide has a page of its own for.
ELSEWHERE = {"docs/differences.md": "differences.html", "guide": "index.html"}


@dataclass(frozen=True)
class Heading:
    """A heading within a document. below: what it and all up to the next one say."""

    level: int
    anchor: str
    text: str
    below: list[str]


@dataclass(frozen=True)
class Document:
    """A page in Markdown. file: from the project's root, with slashes."""

    file: str

    @property
    def name(self) -> str:
        """The name of its page, without suffix."""
        return posixpath.splitext(posixpath.basename(self.file))[0].lower()

    @property
    def title(self) -> str:
        """What it is called where pages are listed."""
        return "README" if self.file == README else self.headings[0].text

    def parse(self) -> list[Token]:
        """Return what it is made of; its headings have anchors, as they have on GitHub."""
        tokens = PARSER.parse((ROOT / self.file).read_text(encoding="utf-8"))
        for opening, inline in pairwise(tokens):
            if opening.type == "heading_open":
                opening.attrSet("id", anchor(_plain(inline)))
        return tokens

    @cached_property
    def headings(self) -> list[Heading]:
        """Its headings, the first of which is its title."""
        found: list[Heading] = []
        tokens = self.parse()
        for number, token in enumerate(tokens):
            if token.type == "heading_open":
                level, within = int(token.tag[1:]), f"{token.attrs['id']}"
                found.append(Heading(level, within, _plain(tokens[number + 1]), []))
            elif token.type in ("inline", "fence") and found:
                found[-1].below.append(_plain(token))
        return found

    @property
    def pictures(self) -> list[Path]:
        """The files of its pictures."""
        images = (each for each in _inline(self.parse()) if each.type == "image")
        return [ROOT / self._path(f"{image.attrs['src']}") for image in images]

    def html(self, pages: Mapping[str, str], repository: str) -> Markup:
        """Return it as HTML.

        Args:
            pages: the address of each file that has a page, by its path from the project's root.
            repository: under which all other files are found; empty where that is not known, and
                they are named without a link.
        """
        tokens = self.parse()
        for token in _inline(tokens):
            if token.type == "image":
                token.attrSet("src", posixpath.basename(f"{token.attrs['src']}"))
            elif token.type == "link_open":
                token.attrSet("href", self._address(f"{token.attrs['href']}", pages, repository))
        rendered = PARSER.renderer.render(tokens, PARSER.options, {})
        return Markup(rendered.replace('<a href="">', "<a>"))  # noqa: S704 - our own pages

    def _address(self, href: str, pages: Mapping[str, str], repository: str) -> str:
        """Return where a link leads from its page, empty if nowhere."""
        target, sign, within = href.partition("#")
        if not target or ":" in target:
            return href
        path = self._path(target)
        if path in pages:
            return f"{pages[path]}{sign}{within}"
        return f"{repository.rstrip('/')}/{path}" if repository else ""

    def _path(self, target: str) -> str:
        """Return the path from the project's root of what a link of it names."""
        return posixpath.normpath(posixpath.join(posixpath.dirname(self.file), target))


def load() -> list[Document]:
    """Return README and what it lists, in its order; none where they were not installed."""
    if not (ROOT / README).is_file():
        return []
    listed = LISTED.findall((ROOT / README).read_text(encoding="utf-8"))
    files = dict.fromkeys((README, *listed, *BESIDES))
    return [Document(file) for file in files if file not in ELSEWHERE]


def anchor(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _inline(tokens: list[Token]) -> Iterator[Token]:
    return (child for token in tokens for child in token.children or ())


def _plain(token: Token) -> str:
    """Return what a token says, without markup."""
    if token.children is None:
        return token.content
    return "".join("\n" if "break" in each.type else each.content for each in token.children)


def _fence(_: object, tokens: list[Token], number: int, *__: object) -> str:
    token = tokens[number]
    code = Markup("\n").join(highlight.lines(token.content.rstrip("\n"), token.info or "text"))
    return (
        '<div class="code" role="group" tabindex="0" aria-label="Code"><pre><code>'
        f"{code}\n</code></pre></div>\n"
    )


PARSER = MarkdownIt("commonmark").enable("table")
PARSER.add_render_rule("fence", _fence)
PARSER.add_render_rule(
    "table_open",
    lambda *_: '<div class="scroll" role="group" tabindex="0" aria-label="Table"><table>',
)
PARSER.add_render_rule("table_close", lambda *_: "</table></div>")
