"""Frameworks that are imported for the judge: without their greetings, and sooner.

Frameworks are imported by name here, and only for a port of theirs.
"""

import importlib
import importlib.abc
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType

from parity.contract import PACKAGES

# TensorFlow imports these, where they are installed, for wrappers that no port uses: a third of the
# time that its own import takes.
UNUSED = ("jax", "matplotlib", "sklearn")


class _Without(importlib.abc.MetaPathFinder):
    """While this finder stands first, those packages are not to be had."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name in UNUSED:
            raise ModuleNotFoundError(f"{name} is left out of TensorFlow's import", name=name)
        return None


def is_banner(line: str) -> bool:
    """Whether a line is one of those that TensorFlow's libraries greet with.

    Keras imports Matplotlib where it is installed, and that says when it runs for the first time.
    """
    greeting = (
        *("I0000 ", "WARNING: All log messages before absl::InitializeLog()"),
        "Matplotlib is building the font cache",
    )
    return line.startswith(greeting) or "failed call to cuInit" in line  # there is no GPU


@contextmanager
def _without_banners() -> Iterator[None]:
    """Show all that is printed on standard error inside, but banners, when it is over.

    The libraries that TensorFlow 2.21 loads greet before they have read any log level, so no
    setting stops them.
    """
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile("w+", errors="replace") as captured:
        os.dup2(captured.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
            captured.seek(0)
            sys.stderr.writelines(line for line in captured if not is_banner(line))


def _import_tensorflow() -> None:
    finder = _Without()
    with _without_banners():
        sys.meta_path.insert(0, finder)
        try:
            tensorflow = importlib.import_module("tensorflow")
            tensorflow.config.list_physical_devices()  # looks for a GPU; says if there is none
        finally:
            sys.meta_path.remove(finder)


# By package: import it, where to import it plainly is loud or slow.
IMPORTERS: Mapping[str, Callable[[], None]] = {"tensorflow": _import_tensorflow}


def import_framework(name: str) -> None:
    """Import what a framework's ports stand on, if that is loud or slow: else they do it."""
    package = PACKAGES.get(name, name)
    if package in IMPORTERS and package not in sys.modules:
        IMPORTERS[package]()
