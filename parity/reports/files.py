"""Files and folders to write to: tried before the work, written whole or not at all."""

import contextlib
import errno
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO, Self, TextIO

from shared.errors import InputError
from shared.files import kind, reason

STDOUT = "-"


class OutputFile:
    """A file that is there, whole, after `write` and untouched before; or a pipe, or a device.

    `-` is standard output, and None is nowhere.

    Raises:
        InputError: on entering, if the file cannot be written.
    """

    def __init__(self, name: str | None) -> None:
        self.name, self.path = name, Path(name or "")
        self.temporary: Path | None = None
        self.stream: TextIO | None = None

    def __enter__(self) -> Self:
        if self.name in (None, STDOUT):
            return self
        try:
            self._open(self.name or "")
        except (OSError, ValueError) as error:
            if getattr(error, "errno", None) == errno.ENXIO:
                raise InputError(
                    f"{self.name} is a FIFO or a device that nobody reads: start its reader first"
                ) from error
            raise InputError(
                f"{self.name} cannot be written ({reason(error)}): name a file in a folder "
                "that exists and that you may write to"
            ) from error
        return self

    def _open(self, name: str) -> None:
        """Prepare to write, without waiting for anybody."""
        found = _stat(name)
        what = kind(found.st_mode) if found else None
        if what == "a folder":
            raise InputError(f"{name} is a folder: name a file to write to")
        if found and (what or _is_open_as(found, 2)):
            descriptor = os.open(name, os.O_WRONLY | os.O_APPEND | getattr(os, "O_NONBLOCK", 0))
            os.set_blocking(descriptor, True)
            self.stream = os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace")
            return
        self.path = Path(os.path.realpath(name))  # a link is followed
        if found:
            self.path.open("ab").close()
        descriptor, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=".lockstep-")
        os.close(descriptor)
        self.temporary = Path(temporary)

    def write(self, content: str | bytes) -> None:
        """Write the whole content; where nobody reads it any more, that is all the same.

        Standard output takes nothing but text.

        Raises:
            OSError: it cannot be written.
        """
        if self.name == STDOUT:
            _write(sys.stdout, content)
        elif self.stream:
            stream: Any = self.stream
            _write(stream.buffer if isinstance(content, bytes) else stream, content)
        elif self.temporary:
            if isinstance(content, str):
                content = content.encode(errors="backslashreplace")
            self.temporary.write_bytes(content)
            mode = self.path.stat().st_mode if self.path.exists() else 0o666 & ~_umask()
            self.temporary.chmod(mode)
            self.temporary.replace(self.path)

    def __exit__(self, *error: object) -> None:
        if self.stream:
            with contextlib.suppress(OSError):  # what could not be written was said
                self.stream.close()
        if self.temporary:
            with contextlib.suppress(OSError):
                self.temporary.unlink(missing_ok=True)


def _write(stream: IO[Any], content: str | bytes) -> None:
    try:
        stream.write(content)
        stream.flush()
    except OSError as error:
        discard(stream)
        if not isinstance(error, BrokenPipeError):
            raise


def is_stdout(name: str) -> bool:
    """Whether a name is that of standard output: `-`, /dev/stdout, or where the shell sends it.

    Of a device that swallows all, such as /dev/null, both can be had.
    """
    if name == STDOUT:
        return True
    try:
        found = _stat(name)
    except (OSError, ValueError):
        return False
    if found is None or (stat.S_ISCHR(found.st_mode) and not os.isatty(1)):
        return False
    return _is_open_as(found, 1)


def identity(name: str) -> tuple[int, int] | str:
    """Return what two names of one file have in common, whether or not there is one yet.

    Raises:
        InputError: the system does not say.
    """
    try:
        found = _stat(name)
        return (found.st_dev, found.st_ino) if found else os.path.realpath(name)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{name} cannot be written ({reason(error)}): name a file in a folder that exists "
            "and that you may write to"
        ) from error


def discard(stream: IO[Any]) -> None:
    """Let all that a stream has not written, and all that it will be given, go nowhere."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _stat(name: str) -> os.stat_result | None:
    """Return what there is of a name; None if there is nothing.

    Raises:
        OSError: the system does not say.
    """
    try:
        return Path(name).stat()
    except FileNotFoundError:
        return None


def _is_open_as(found: os.stat_result, descriptor: int) -> bool:
    try:
        return os.path.samestat(found, os.fstat(descriptor))
    except OSError:
        return False


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Give a stream whose content becomes the file's once all is written, and not before."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".lockstep-")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give a folder that becomes `path`, which is not there yet, once all in it is written."""
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=".lockstep-"))
    try:
        yield temporary
        temporary.chmod(0o777 & ~_umask())
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def writable_folder(path: Path) -> Path:
    """Make a folder, if it is not there, and return it.

    Raises:
        InputError: it cannot be made, or nothing can be written to it.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(tempfile.NamedTemporaryFile(dir=path)):
            return path
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} cannot be written to ({reason(error)}): name a folder that you may write to"
        ) from error


def empty_folder(path: Path) -> Path:
    """Make a folder, if it is not there, and return it.

    Raises:
        InputError: it cannot be made or written to, or holds something.
    """
    if next(writable_folder(path).iterdir(), None):
        raise InputError(f"{path} is not empty: name a folder that is, or a new one")
    return path


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
