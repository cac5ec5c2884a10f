"""Reading Python's syntax, from any thread."""

import ast
import threading

# In Python 3.11, two threads in ast.parse upset each other: SystemError, "recursion depth mismatch"
# (python/cpython#106905).
_ALONE = threading.Lock()


def parse(source: bytes | str) -> ast.Module:
    """Return the syntax tree of a source.

    Raises:
        SyntaxError: it is not Python.
        ValueError: it has null bytes.
    """
    with _ALONE:
        return ast.parse(source)
