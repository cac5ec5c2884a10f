"""The little markup that notes have, code between backticks, and addresses within pages."""

import re
from collections.abc import Iterator

from markupsafe import Markup, escape

CODE = re.compile(r"`([^`]+)`")


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the pieces of a text, and whether each is code."""
    for number, piece in enumerate(CODE.split(text)):
        if piece:
            yield piece, number % 2 == 1


def to_html(text: str) -> Markup:
    """Return a text with its code marked up, and all else escaped."""
    return Markup().join(
        Markup("<code>{}</code>").format(piece) if is_code else escape(piece)
        for piece, is_code in pieces(text)
    )


def to_plain(text: str) -> str:
    """Return a text without its markup."""
    return "".join(piece for piece, _ in pieces(text))


def anchor(text: str) -> str:
    """Return a text as part of an address."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
