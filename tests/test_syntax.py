"""Reading Python's syntax while other threads, whose tracebacks parse lines, do so, too."""

import ast

import pytest

from shared import syntax


@pytest.mark.parametrize("upset", [1, syntax.TRIES - 1, syntax.TRIES])
def test_what_upsets_the_parser_is_tried_again(upset: int, monkeypatch: pytest.MonkeyPatch) -> None:
    right, calls = ast.parse, 0

    def parse(source: str) -> ast.Module:
        nonlocal calls
        calls += 1
        if calls <= upset:
            raise SystemError("AST constructor recursion depth mismatch")
        return right(source)

    monkeypatch.setattr(ast, "parse", parse)
    if upset == syntax.TRIES:
        with pytest.raises(SystemError):
            syntax.parse("x = 1")
    else:
        assert ast.unparse(syntax.parse("x = 1")) == "x = 1"
        assert calls == upset + 1
