"""Lines of the project's files that are quoted, and where they stand."""

from dataclasses import dataclass
from typing import Any

from parity.contract import ROOT
from shared.errors import InputError


@dataclass(frozen=True)
class Quote:
    """Whole lines of a file.

    file: from the project's root. net: whose port it is, or None. start: the first line's number.
    """

    framework: str
    file: str
    net: str | None
    start: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """Its lines in one."""
        return "\n".join(self.lines)


def find(quoting: str, framework: str, net: str, said: Any) -> tuple[Quote, ...]:
    """Return the lines that hold some code, each piece of which must stand once in its file.

    Args:
        quoting: what quotes it, in words.
        framework: whose it is.
        net: of which port, unless a piece says another.
        said: a piece of code, or a list of several; each is a text, or a table with the `code` and
            another `net` or, for what is no port, its `file`.

    Raises:
        InputError: a piece stands nowhere, or several times.
    """
    pieces = said if isinstance(said, list) else [said]
    return tuple(_find(quoting, framework, net, piece) for piece in pieces)


def _find(quoting: str, framework: str, net: str, piece: str | dict[str, str]) -> Quote:
    said = {"code": piece} if isinstance(piece, str) else piece
    of: str | None = None if "file" in said else said.get("net", net)
    file = said.get("file", f"impls/{framework}/{of}.py")
    path, code = ROOT / file, said["code"].strip()
    source = path.read_text() if path.is_file() else ""
    if (times := source.count(code)) != 1:
        raise InputError(
            f"{quoting} quotes {code.splitlines()[0]!r}, which stands {times} times in {file}, "
            "where it should stand once: mend the quote"
        )
    start = source.count("\n", 0, source.index(code)) + 1
    stop = start + code.count("\n")
    return Quote(framework, file, of, start, tuple(source.split("\n")[start - 1 : stop]))
