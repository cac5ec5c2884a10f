"""What the search finds: functions, notes, operations and traps, each with its address."""

from collections.abc import Iterator

from guide import markup
from guide.alignment import HEADER, REST
from guide.dictionary import Operation
from guide.differences import Differences
from guide.notes import Notes
from guide.ports import Net, title
from guide.traps import Trap
from traps.catalogue import Bug

SearchEntry = tuple[str, str, str, str]  # kind, title, more words, address


def index(
    nets: list[Net],
    notes: Notes,
    operations: list[Operation],
    differences: Differences,
    traps: list[Trap],
) -> list[SearchEntry]:
    """Return all that can be found.

    Args:
        nets: whose functions and helpers are found.
        notes: on these functions.
        operations: of the dictionary.
        differences: whose rows are found.
        traps: of the catalogue.
    """
    return [
        *_functions(nets, notes),
        *_operations(operations),
        *_differences(differences),
        *_traps(traps),
    ]


def _functions(nets: list[Net], notes: Notes) -> Iterator[SearchEntry]:
    for net in nets:
        said = "; ".join(recipe.summary for recipe in net.recipes[:1])
        yield "net", net.name, said, f"{net.name}.html"
        for section in net.sections:
            if section.name not in (HEADER, REST):
                own = notes.special.get((net.name, section.name), "")
                address = f"{net.name}.html#{section.name}"
                yield "function", f"{section.name}, {net.name}", markup.to_plain(own), address
            for row in section.helpers:
                block = next(iter(row.blocks))
                address = f"{net.name}.html#{block}-{row.blocks[block].start}"
                yield "function", f"{row.name}, {net.name}", ", ".join(row.blocks), address
    for function, note in notes.general.items():
        home = next(n.name for n in reversed(nets) if function in [s.name for s in n.sections])
        text = markup.to_plain(note)
        yield "note", f"{function}: {text[:60]}…", text, f"{home}.html#{function}"


def _operations(operations: list[Operation]) -> Iterator[SearchEntry]:
    for operation in operations:
        code = [
            line.strip()
            for quotes in operation.quotes.values()
            for quote in quotes
            for line in quote.lines
        ]
        words = " ".join([markup.to_plain(operation.note), *code])
        yield "dictionary", operation.name, words, f"dictionary.html#{operation.anchor}"


def _differences(differences: Differences) -> Iterator[SearchEntry]:
    for topic in differences.topics:
        for row in topic.rows:
            of = [cell.of for cells in row.cells.values() for cell in cells]
            words = " ".join([topic.name, markup.to_plain(f"{row.wrong} {row.write}"), *of])
            yield "difference", markup.to_plain(row.name), words, f"differences.html#{row.anchor}"


def _traps(traps: list[Trap]) -> Iterator[SearchEntry]:
    for trap in traps:
        entry = trap.entry
        causes = ", ".join(entry.causes) if isinstance(entry, Bug) else "looks wrong, is right"
        where = f"{trap.title}, {title(entry.framework)}, {entry.net}"
        yield "trap", where, causes, f"traps.html#{entry}"
