"""What the search finds: functions, notes, rows of the dictionary, differences, traps and more."""

import re
from collections.abc import Iterable, Iterator

from guide import markup
from guide.alignment import HEADER, REST, Block
from guide.dictionary import Dictionary, Row
from guide.differences import Differences
from guide.documents import Document
from guide.material import Material
from guide.migration import Migration
from guide.notes import NOTHING, Notes
from guide.ports import Net, title
from guide.traps import Trap
from traps.catalogue import Bug
from traps.reasons import REASONS

SearchEntry = tuple[str, str, str, str, str]  # kind, title, also called, more words, address
NAME = re.compile(r"[A-Za-z_]\w{2,}")
TAG = re.compile(r"<[^>]*>")


def index(of: Material) -> list[SearchEntry]:
    """Return all that can be found."""
    return [
        *_dictionary(of.dictionary),
        *_migration(of.migration),
        *_functions(of.nets, of.notes),
        *_differences(of.differences),
        *_traps(of.traps),
        *_documents(of.documents),
    ]


def _dictionary(dictionary: Dictionary) -> Iterator[SearchEntry]:
    for group in dictionary.groups:
        yield "dictionary", group.title, "", "", f"dictionary.html#{group.name}"
        for row in group.rows:
            of = [title(framework) for framework in (*row.cells, *row.none)]
            words = " ".join([markup.to_plain(row.foot), *row.none.values(), *_code(row), *of])
            yield "dictionary", row.name, row.also, words, f"dictionary.html#{row.anchor}"


def _migration(migration: Migration) -> Iterator[SearchEntry]:
    also = "TF1 TF2 tf.compat.v1 migrate upgrade"
    words = " ".join(migration.elsewhere)
    yield "migration", "TensorFlow 1 to 2", also, words, "migration.html"
    for piece in migration.pieces:
        code = [" ".join(quote.text.split()) for quote in (*piece.before, *piece.after)]
        words = " ".join([markup.to_plain(piece.note), *code])
        name = f"{piece.name}, TensorFlow 1 to 2"
        yield "migration", name, "", words, f"migration.html#{piece.anchor}"


def _code(row: Row) -> Iterator[str]:
    for cell in row.cells.values():
        yield " ".join(cell.code.split())
    for quotes in row.quotes.values():
        for quote in quotes:
            yield " ".join(quote.text.split())


def _functions(nets: list[Net], notes: Notes) -> Iterator[SearchEntry]:
    for net in nets:
        said = net.summary if net.recipes else ""
        yield "net", net.name, "", said, f"{net.name}.html"
        for section in net.sections:
            if section.name not in (HEADER, REST):
                own = markup.to_plain(notes.special.get((net.name, section.name), NOTHING).text)
                words = f"{own} {_named(section.row.blocks.values())}"
                address = f"{net.name}.html#{section.name}"
                yield "function", f"{section.name}, {net.name}", "", words, address
            for row in section.helpers:
                block = next(iter(row.blocks))
                words = f"{', '.join(row.blocks)} {_named(row.blocks.values())}"
                address = f"{net.name}.html#{block}-{row.blocks[block].start}"
                yield "function", f"{row.name}, {net.name}", "", words, address
    for function, note in notes.general.items():
        home = next(n.name for n in reversed(nets) if function in [s.name for s in n.sections])
        text = markup.to_plain(note.text)
        yield "note", f"{function}: {text[:60]}…", "", text, f"{home}.html#{function}"
    for each in notes.overview:
        answers = " ".join(each.answers.values())
        yield "note", f"{each.what} …", "", answers, f"mnist.html#{each.function}"


def _named(blocks: Iterable[Block]) -> str:
    return _names(line for block in blocks for line in block.lines)


def _names(lines: Iterable[str]) -> str:
    """Return the names that lines of code use, each once."""
    return " ".join(dict.fromkeys(name for line in lines for name in NAME.findall(line)))


def _differences(differences: Differences) -> Iterator[SearchEntry]:
    for topic in differences.topics:
        for row in topic.rows:
            cells = [cell for own in row.cells.values() for cell in own]
            of = " ".join(cell.of for cell in cells)
            said = [topic.name, row.wrong, row.write, *dict.fromkeys(cell.value for cell in cells)]
            words = " ".join(markup.to_plain(text) for text in said)
            address = f"differences.html#{row.anchor}"
            yield "difference", markup.to_plain(row.name), of, words, address


def _traps(traps: list[Trap]) -> Iterator[SearchEntry]:
    for trap in traps:
        entry = trap.entry
        causes = entry.causes if isinstance(entry, Bug) else ("looks wrong, is right",)
        why = markup.to_plain(REASONS.get(trap.cause, ""))
        said = [why, *(t for each in trap.said for t in (each.outcome.cause, each.evidence))]
        lines = [TAG.sub("", line.html) for hunk in trap.hunks for line in hunk]
        words = ", ".join(dict.fromkeys([*causes, *filter(None, said), _names(lines)]))
        where = f"{trap.title}, {title(trap.column)}, {entry.net}"
        kind = "trap" if trap.is_bug else "variation"
        yield kind, where, "", words, trap.address


def _documents(documents: list[Document]) -> Iterator[SearchEntry]:
    for document in documents:
        first, *rest = document.headings
        yield "docs", document.title, "", _names(first.below), f"{document.name}.html"
        for heading in rest:
            where = f"{document.name}.html#{heading.anchor}"
            yield "docs", f"{heading.text}, {document.title}", "", _names(heading.below), where
