"""Files and folders to write to: tried before the work, written whole or not at all."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Self

from shared.errors import InputError


class OutputFile:
    """A file that is there, whole, after `write` and untouched before.

    `-` is standard output, and None is nowhere.

    Raises:
        InputError: on entering, if the file cannot be written.
    """

    def __init__(self, name: str | None) -> None:
        self.name, self.path = name, Path(name or "").resolve()  # a link is followed
        self.temporary: Path | None = None

    def __enter__(self) -> Self:
        if self.name in (None, "-"):
            return self
        if self.path.is_dir():
            raise InputError(f"{self.name} is a folder: name a file to write to")
        try:
            if self.path.exists():
                self.path.open("ab").close()
            if self.path.is_file() or not self.path.exists():
                descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=".lockstep-")
                os.close(descriptor)
                self.temporary = Path(name)
        except OSError as error:
            raise InputError(
                f"{self.name} cannot be written ({error.strerror}): name a file in a folder "
                "that exists and that you may write to"
            ) from error
        return self

    def write(self, text: str) -> None:
        """Write the whole text."""
        if self.name is None:
            return
        if self.name == "-":
            sys.stdout.write(text)
            sys.stdout.flush()
        elif self.temporary is None:  # a device or a pipe
            self.path.write_text(text, encoding="utf-8")
        else:
            self.temporary.write_text(text, encoding="utf-8")
            mode = self.path.stat().st_mode if self.path.exists() else 0o666 & ~_umask()
            self.temporary.chmod(mode)
            self.temporary.replace(self.path)

    def __exit__(self, *error: object) -> None:
        if self.temporary:
            self.temporary.unlink(missing_ok=True)


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


def writable_folder(path: Path) -> Path:
    """Make a folder, if it is not there, and return it.

    Raises:
        InputError: it cannot be made, or nothing can be written to it.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(tempfile.NamedTemporaryFile(dir=path)):
            return path
    except OSError as error:
        raise InputError(
            f"{path} cannot be written to ({error.strerror}): name a folder that you may write to"
        ) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
