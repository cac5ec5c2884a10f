"""Python source as HTML, line by line."""

from functools import lru_cache

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer


@lru_cache
def lines(source: str) -> tuple[Markup, ...]:
    """Return each line of Python source with its tokens in spans, and all text escaped."""
    html = highlight(source, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True))
    # What the formatter returns is escaped, and every span ends on its line.
    return tuple(Markup(line) for line in html.removesuffix("\n").split("\n"))  # noqa: S704
