"""Source as HTML, line by line."""

from functools import lru_cache

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name


@lru_cache
def lines(source: str, language: str = "python") -> tuple[Markup, ...]:
    """Return each line of source with its tokens in spans, and all text escaped."""
    lexer = get_lexer_by_name(language, stripnl=False)
    html = highlight(source, lexer, HtmlFormatter(nowrap=True))
    # What the formatter returns is escaped, and every span ends on its line.
    return tuple(Markup(line) for line in html.removesuffix("\n").split("\n"))  # noqa: S704
