"""Text from ports, as any report can hold it."""

import re

# What XML and HTML have no place for, half a pair, and what turns the direction of the text around.
ILLEGIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def legible(text: str) -> str:
    """Return a text in which what cannot be shown as it is stands as a replacement character."""
    return ILLEGIBLE.sub("\N{REPLACEMENT CHARACTER}", text)
