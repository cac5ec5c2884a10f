"""Arrays in dicts, lists and tuples, however deep: each has a path, as in "outputs['h'][0]"."""

from collections.abc import Mapping
from typing import Any


def flatten(value: Any, path: str) -> dict[str, Any]:
    """Return what lies in dicts, lists and tuples by its path; `path` is that of all of it."""
    flat: dict[str, Any] = {}
    inner = _inner(value)
    if inner is None:
        return {path: value}
    for key, each in inner.items():
        flat.update(flatten(each, f"{path}[{key!r}]"))
    return flat


def replaced(value: Any, path: str, leaves: Mapping[str, Any]) -> Any:
    """Return the same dicts, lists and tuples with other things in them, by their paths."""
    inner = _inner(value)
    if inner is None:
        return leaves[path]
    each = {key: replaced(old, f"{path}[{key!r}]", leaves) for key, old in inner.items()}
    if isinstance(value, Mapping):
        return each
    return type(value)(*each.values()) if hasattr(value, "_fields") else type(value)(each.values())


def _inner(value: Any) -> dict[Any, Any] | None:
    if isinstance(value, Mapping):
        return dict(value)
    return dict(enumerate(value)) if isinstance(value, list | tuple) else None
