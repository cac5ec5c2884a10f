"""Files that users name, read without waiting for anybody and without reading for ever."""

import os
import stat
from pathlib import Path

KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
OPENING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class UnreadableError(Exception):
    """A file cannot be read. Its text says why, and makes a sentence after the file's name."""


def kind(mode: int) -> str | None:
    """Return what something is that is no regular file, by its `st_mode`; None if it is one."""
    return next((name for fits, name in KINDS if fits(mode)), None)


def reason(error: OSError | ValueError) -> str:
    """Return why the system refuses a path, in its own words."""
    return getattr(error, "strerror", None) or str(error)


def is_regular(path: Path) -> bool:
    """Whether there is a regular file at a path, as far as the system says."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that is too long, or a folder that may not be searched
        return False


def is_there(path: Path) -> bool:
    """Whether there is anything at a path; a link that leads nowhere is nothing.

    Raises:
        OSError: the system does not say, as in a folder that may not be searched.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def read(path: Path, most: int) -> bytes:
    """Return the content of a regular file.

    Args:
        path: of the file; a link is followed.
        most: the most bytes that it may have.

    Raises:
        UnreadableError: it is no regular file, is longer, or cannot be read.
    """
    try:
        _check_regular(path.stat().st_mode)
        # Something else may have its name by now: a FIFO would be waited for.
        descriptor = os.open(path, OPENING)
        with os.fdopen(descriptor, "rb") as file:
            _check_regular(os.fstat(descriptor).st_mode)
            content = file.read(most + 1)
    except (OSError, ValueError) as error:
        raise UnreadableError(f"cannot be read ({reason(error)})") from error
    if len(content) > most:
        raise UnreadableError(f"has more than {most:,} bytes")
    return content


def _check_regular(mode: int) -> None:
    what = kind(mode)
    if what:
        raise UnreadableError(f"is {what}, where a file is expected")
