"""The ports side by side in a terminal."""

import os
from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from guide import markup, notes, ports
from guide.alignment import REST, AlignedRow, Block
from guide.notes import Note
from guide.ports import Net
from parity.reports import terminal

LEAST_PORT_WIDTH = 60  # columns that a port needs beside another
NUMBER_WIDTH = 8  # columns beside a line for its number, where the width is ours to choose
THEME = "ansi_dark"  # the terminal's own colours


def show(name: str, frameworks: str | None) -> None:
    """Print the ports of a net, aligned by the contract's functions.

    Args:
        name: of the net, or "runtime".
        frameworks: whose ports, with commas, in this order; or None for all there are.

    Raises:
        InputError: there is no such net, or no such port of it.
    """
    net = ports.net(name)
    if frameworks is not None:
        names = [name.strip() for name in frameworks.split(",")]
        net = net.only([name for name in dict.fromkeys(names) if name])
    out = terminal.console()
    known = out.is_terminal or "COLUMNS" in os.environ
    out.width = Console().width if known else terminal.WIDTH + NUMBER_WIDTH
    for part in render(net, out.width):
        out.print(part)


def render(net: Net, width: int) -> Iterator[RenderableType]:
    """Yield all there is to show of a net, function by function.

    They stand side by side where each has LEAST_PORT_WIDTH columns, else one below the other.
    """
    said = notes.load()
    beside = width // len(net.ports) >= LEAST_PORT_WIDTH
    for section in net.sections:
        name = "helpers behind all" if section.name == REST else section.name
        yield Text(f"\n{name}", style="bold underline")
        for text in _note(net, said.of(net, section.name)):
            yield Padding(text, (0, max(0, width - terminal.WIDTH), 0, 0))
        for row in section.rows:
            yield _beside(net, row) if beside else _below(net, row)


def _note(net: Net, note: Note) -> Iterator[Text]:
    """Yield what a note says to everybody, then a line for each port that it says more of."""
    own = [port for port in net.ports if port.framework in note.lines]
    lines = [f"{port.title}: {note.lines[port.framework]}" for port in own]
    for said in (*note.shared, *lines):
        text = Text()
        for piece, is_code in markup.pieces(said):
            text.append(piece, style="bold" if is_code else "")
        yield text


def _beside(net: Net, row: AlignedRow) -> Table:
    table = Table.grid(padding=(0, 1), expand=True)
    for _ in net.ports:
        table.add_column(ratio=1)
    table.add_row(*_blocks(net, row))
    table.add_row()
    return table


def _below(net: Net, row: AlignedRow) -> Group:
    blocks = [block for block in _blocks(net, row) if block]
    return Group(*(part for block in blocks for part in (block, Text())))


def _blocks(net: Net, row: AlignedRow) -> Iterator[RenderableType]:
    """Yield each port's block of a row, or nothing where it has none."""
    for port in net.ports:
        block = row.blocks.get(port.framework)
        yield _block(port.file, block) if block else ""


def _block(file: str, block: Block) -> Group:
    code = Syntax(
        "\n".join(block.code),
        "python",
        theme=THEME,
        line_numbers=True,
        start_line=block.start,
        word_wrap=True,
        background_color="default",
    )
    return Group(Text(f"{file}:{block.start}", style="cyan"), code)
