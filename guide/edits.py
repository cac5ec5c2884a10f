"""What a mistake changes in a port: which lines it puts in place of which."""

from dataclasses import dataclass
from difflib import SequenceMatcher


@dataclass(frozen=True)
class Edit:
    """Lines that stand in place of others.

    gone: the numbers of those that are replaced, which may be none. after: that of the line behind
    which the others stand. start: the number of the first of them in the changed port.
    """

    gone: range
    after: int
    start: int
    lines: tuple[str, ...]


def edits(real: str, planted: str) -> list[Edit]:
    """Return by which edits a changed source comes from the real one."""
    before, behind = real.splitlines(), planted.splitlines()
    matcher = SequenceMatcher(None, before, behind, autojunk=False)
    return [
        Edit(range(i1 + 1, i2 + 1), i2, j1 + 1, tuple(behind[j1:j2]))
        for tag, i1, i2, j1, j2 in matcher.get_opcodes()
        if tag != "equal"
    ]


def lines(real: str, planted: str) -> dict[int, tuple[str, int | None]]:
    """Return what each line of a changed source is called, and which real one it stands for.

    One that is in both has its number there; another its place behind one, as "12+1". Of lines that
    stand in place of others, the last stands for the last.
    """
    found: dict[int, tuple[str, int | None]] = {}
    number, at = 1, 1  # the next line in each
    for edit in [*edits(real, planted), None]:
        stop = edit.start if edit else len(planted.splitlines()) + 1
        for line in range(at, stop):
            found[line] = f"{number}", number
            number += 1
        if edit:
            for place in range(len(edit.lines)):
                real_line = edit.after - (len(edit.lines) - 1 - place)
                stands_for = real_line if real_line in edit.gone else None
                found[edit.start + place] = f"{edit.after}+{place + 1}", stands_for
            number, at = edit.after + 1, edit.start + len(edit.lines)
    return found
