"""Reading Python's syntax, from any thread."""

import ast
import contextlib
import threading

# In Python 3.11, two threads in ast.parse upset each other: SystemError, "recursion depth mismatch"
# (python/cpython#106905). One of them may be another's traceback, which parses lines, too.
_ALONE = threading.Lock()
TRIES = 10


def parse(source: bytes | str) -> ast.Module:
    """Return the syntax tree of a source.

    Raises:
        SyntaxError: it is not Python.
        ValueError: it has null bytes.
    """
    for _ in range(TRIES - 1):
        with contextlib.suppress(SystemError):
            return _parsed(source)
    return _parsed(source)


def _parsed(source: bytes | str) -> ast.Module:
    with _ALONE:
        return ast.parse(source)
