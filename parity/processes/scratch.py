"""The temporary folder of a comparison, and of those before it that were killed."""

import shutil
import tempfile
from pathlib import Path
from typing import IO

from shared import files
from shared.errors import InputError

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment] # what is there is looked at before it is used

PREFIX = "lockstep-"
LOCK = "in-use"  # locked while the comparison lives, so that its death frees it, whatever kills it


class Scratch:
    """A folder for as long as a comparison lives; nothing that happens in it makes it fail.

    Raises:
        InputError: there is no place for one.
    """

    def __init__(self) -> None:
        try:
            for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
                if _is_abandoned(folder):
                    shutil.rmtree(folder, ignore_errors=True)
            self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
            self._lock = _locked(self.path)
        except OSError as error:
            raise InputError(
                f"there is no temporary folder to write to ({files.reason(error)}): "
                "name one in $TMPDIR"
            ) from error

    def remove(self) -> None:
        """Remove the folder and all that is in it."""
        self._lock.close()  # so that what cannot be removed now is removed by the next comparison
        shutil.rmtree(self.path, ignore_errors=True)


def _locked(folder: Path) -> IO[bytes]:
    """Return the folder's lock file, which has its name only once it is locked."""
    unnamed = folder / f"{LOCK}.tmp"
    lock = unnamed.open("wb")
    if fcntl:
        fcntl.flock(lock, fcntl.LOCK_EX)
    unnamed.rename(folder / LOCK)
    return lock


def _is_abandoned(folder: Path) -> bool:
    """Whether a comparison made the folder, and lives no more."""
    if not fcntl:
        return False
    try:
        with (folder / LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # there is none, it is somebody else's, or it is locked
        return False
    return True
