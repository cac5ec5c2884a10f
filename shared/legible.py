"""Text that somebody else wrote, as any terminal, file or report can hold it."""

import re

# Control characters but for line ends and tabs, what turns the direction of a text around or breaks
# its lines, half a pair of surrogates, and what XML has no place for.
_ILLEGIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
    "\ud800-\udfff\ufeff\ufffe\uffff]"
)


def legible(text: str, longest: int | None = None) -> str:
    """Return a text in which what cannot be shown stands as an escape of Python.

    Args:
        text: anything.
        longest: how many characters of it are kept.
    """
    if longest is not None and len(text) > longest:
        text = f"{text[:longest]} ..."
    return _ILLEGIBLE.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
