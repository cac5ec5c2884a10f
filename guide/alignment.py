"""Which lines of several ports belong side by side: computed from their source."""

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from parity.contract import RUNTIME
from shared.recipes import FUNCTIONS

HEADER = "header"
MAIN = "main"
REST = "rest"
RUNTIME_PAGE = "runtime"


@dataclass(frozen=True)
class Block:
    """Successive lines of a port: a function, a class, or all that stands before the first.

    name: of the function or class. start: its first line's number, from 1; decorators and comments
    above it belong to it. lines: with the blank ones behind them. code: how many come before those.
    """

    name: str
    start: int
    lines: tuple[str, ...]

    @property
    def code(self) -> tuple[str, ...]:
        """The lines without the blank ones at their end."""
        last = max((n for n, line in enumerate(self.lines, 1) if line.strip()), default=0)
        return self.lines[:last]

    @property
    def end(self) -> int:
        """The number of the last line that is not blank."""
        return self.start + len(self.code) - 1


@dataclass(frozen=True)
class AlignedRow:
    """Blocks of the same name, by framework; a framework may have none."""

    name: str
    blocks: Mapping[str, Block]


@dataclass(frozen=True)
class AlignedSection:
    """A function of the contract, and before it the frameworks' own helpers."""

    name: str
    helpers: tuple[AlignedRow, ...]
    row: AlignedRow

    @property
    def rows(self) -> tuple[AlignedRow, ...]:
        """All rows, in the order of the files."""
        return (*self.helpers, self.row) if self.row.blocks else self.helpers


def functions_of(net: str) -> tuple[str, ...]:
    """Return the functions that a page of `net` is aligned by, in the order of the contract."""
    return (*RUNTIME, MAIN) if net == RUNTIME_PAGE else (*FUNCTIONS, MAIN)


def split(source: str) -> list[Block]:
    """Return all lines of a port, in blocks.

    Statements between functions belong to the one behind them, and what stands behind the last
    function, as `if __name__ == "__main__"` does, belongs to that.
    """
    lines = source.removesuffix("\n").split("\n")
    starts: list[tuple[str, int]] = [(HEADER, 1)]
    end, waiting = 0, None
    for node in ast.parse(source).body:
        first = waiting or _first_line(node, lines, end)
        end = node.end_lineno or end
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            starts.append((node.name, first))
            waiting = None
        elif len(starts) > 1:
            waiting = first
    stops = [start for _, start in starts[1:]] + [len(lines) + 1]
    return [
        Block(name, start, tuple(lines[start - 1 : stop - 1]))
        for (name, start), stop in zip(starts, stops, strict=True)
    ]


def _first_line(node: ast.stmt, lines: Sequence[str], end: int) -> int:
    """Return where a statement starts, with its decorators and the comments above it.

    end: the last line of the statement before it.
    """
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(each.lineno for each in decorators)])
    while first - 1 > end and lines[first - 2].startswith("#"):
        first -= 1
    return first


def align(sources: Mapping[str, str], functions: Sequence[str]) -> list[AlignedSection]:
    """Return the sections of a page: the header, then one per function that any port defines.

    A helper stands before the next function of `functions` in its file. One that has none behind it
    stands behind all, in a section of its own.

    Args:
        sources: the ports' source, by framework.
        functions: the names to align by, in their order.
    """
    names = (HEADER, *functions, REST)
    cells: dict[str, dict[str, Block]] = {name: {} for name in names}
    helpers: dict[str, dict[str, list[Block]]] = {name: {} for name in names}
    for framework, source in sources.items():
        waiting: list[Block] = []
        for block in split(source):
            if block.name in (HEADER, *functions) and framework not in cells[block.name]:
                cells[block.name][framework] = block
                helpers[block.name][framework] = waiting
                waiting = []
            else:
                waiting.append(block)
        helpers[REST][framework] = waiting
    sections = [
        AlignedSection(name, _merge(helpers[name]), AlignedRow(name, cells[name])) for name in names
    ]
    return [section for section in sections if section.rows]


def _merge(blocks: Mapping[str, Iterable[Block]]) -> tuple[AlignedRow, ...]:
    """Return helpers in rows: those of one name side by side, in an order that suits all files."""
    queues = {framework: list(own) for framework, own in blocks.items()}
    rows = []
    while any(queues.values()):
        heads = [queue[0].name for queue in queues.values() if queue]
        later = {block.name for queue in queues.values() for block in queue[1:]}
        name = next((head for head in heads if head not in later), heads[0])
        taken = {f: queue.pop(0) for f, queue in queues.items() if queue and queue[0].name == name}
        rows.append(AlignedRow(name, taken))
    return tuple(rows)
