"""Lockstep's own modules in the process of a caller, who may have others of the same names.

They are in `sys.modules` only while they are imported. The caller's path is left alone.
"""

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

_HERE = Path(__file__).resolve().parent
TREE = _HERE / "tree" if (_HERE / "tree").is_dir() else _HERE.parent  # installed, or in a clone
NAMES = ("impls", "parity", "shared")

_own: dict[str, ModuleType] = {}
_one_at_a_time = threading.RLock()


class _Finder:
    """Finds the folders of the tree, and nothing else."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return PathFinder.find_spec(name, [str(TREE)]) if name in NAMES else None


@contextmanager
def importable() -> Iterator[None]:
    """Have `import parity` and the like find Lockstep's own for a while, and the caller's then.

    What the caller's code imports meanwhile would be taken for Lockstep's, so call none of it.
    """
    with _one_at_a_time:
        theirs = _taken()
        sys.modules.update(_own)
        sys.meta_path.insert(0, _Finder)
        try:
            yield
        finally:
            sys.meta_path.remove(_Finder)
            _own.update(_taken())
            sys.modules.update(theirs)


def _taken() -> dict[str, ModuleType]:
    """Take all modules of these names out of those that are imported."""
    names = [name for name in sys.modules if name.partition(".")[0] in NAMES]
    return {name: sys.modules.pop(name) for name in names}
