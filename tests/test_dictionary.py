"""The dictionary: every cell gives what its row says, and every quote stands in its port."""

from pathlib import Path

import numpy as np
import pytest

from guide import claims, dictionary, notes, quotes, site
from guide.dictionary import IN_GENERAL, row
from guide.values import plain, same
from parity import contract
from parity.contract import ROOT
from shared.errors import InputError
from tests.cells import MISTAKES
from tests.running import printed_by

WHOLE = dictionary.load()
ALSO = {"jax": ["orbax"], "numpy": ["mpi4py"]}  # packages that its cells need


@pytest.mark.parametrize("framework", IN_GENERAL)
def test_every_cell_gives_what_its_row_says_and_every_claim_holds(framework: str) -> None:
    said = printed_by("tests.cells", framework, *ALSO.get(framework, ()))
    assert set(said["cells"]) == {row.name for row in WHOLE.rows if framework in row.cells}
    for kind in ("cells", "claims"):
        assert said[kind]
        assert {name: problem for name, problem in said[kind].items() if problem} == {}
    assert [name for name, problem in said["mistakes"].items() if not problem] == []
    assert set(said["mistakes"]) == set(MISTAKES[framework])


def test_rows_are_told_apart_and_none_is_passed_over() -> None:
    anchors = [row.anchor for row in WHOLE.rows]
    groups = [group.name for group in WHOLE.groups]
    assert len({*anchors, *groups}) == len(anchors) + len(groups)
    for each in WHOLE.rows:
        assert {*each.cells, *each.none} == set(IN_GENERAL)
        assert each.cells, each.name
        assert not each.foot or each.foot.endswith("."), each.name
        for framework, words in each.none.items():
            assert len(words.split()) <= 4, (each.name, framework)


def test_all_frameworks_but_the_first_tensorflow_have_a_column() -> None:
    assert set(IN_GENERAL) == set(contract.FRAMEWORKS) - {"tensorflow_v1"}
    assert set(WHOLE.before) == set(WHOLE.once) == set(IN_GENERAL)


def test_whole_lines_are_quoted_that_are_there() -> None:
    quotes = [quote for row in WHOLE.rows for own in row.quotes.values() for quote in own]
    assert {quote.framework for quote in quotes} == set(contract.FRAMEWORKS)
    for quote in quotes:
        lines = (ROOT / quote.file).read_text().splitlines()
        assert list(quote.lines) == lines[quote.start - 1 : quote.start - 1 + len(quote.lines)]


CELLS = dict.fromkeys(IN_GENERAL, "1")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"in_ports": {"torch": "return F.cross_entropy(model(x), y, 2)"}}, "stands 0 times"),
        ({"in_ports": {"torch": "model"}}, "times in impls/torch/mnist.py, where it should"),
        ({"in_ports": {"troch": "x"}}, "quotes 'troch', which has no ports"),
        ({"in_general": {**CELLS, "jax": {"code": "1", "raed": "_"}}}, "gives jax 'raed'"),
        ({"in_general": {"numpy": "1"}}, "has nothing for tensorflow"),
        ({"gives": ""}, "does not say what its cells give"),
    ],
)
def test_a_wrong_row_is_refused(changed: dict[str, object], says: str) -> None:
    table = {"name": "One", "gives": "1", "in_general": CELLS}
    right = row({**table, "in_ports": {"torch": "return F.cross_entropy(model(x), y)"}})
    assert right.quotes["torch"][0].start > 1
    with pytest.raises(InputError, match=says):
        row({**table, **changed})


def test_a_dictionary_that_has_rotted_fails_the_build_with_nothing_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quotes, "ROOT", tmp_path)  # where no port is
    with pytest.raises(InputError, match="stands 0 times"):
        site.build(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_claim_that_nothing_says_is_refused(tmp_path: Path) -> None:
    texts = claims.texts(notes.load(), WHOLE)
    assert len(claims.load(texts)) >= 60
    file = tmp_path / "claims.toml"
    file.write_text("[[claim]]\nsays = 'PyTorch is a snake'\ntorch = 'True'\n")
    with pytest.raises(InputError, match="'PyTorch is a snake' for torch, which neither"):
        claims.load(texts, tmp_path)
    file.write_text("[[claim]]\nsays = '`clone()` makes one'\njax = 'True'\n")  # PyTorch's line
    with pytest.raises(InputError, match="makes one' for jax, which neither"):
        claims.load(texts, tmp_path)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.ones((2, 1)), np.ones(2)),
        (np.ones(2), np.array([1, 1 + 1.2e-6])),
        (np.array([np.nan]), np.array([np.nan])),
        (np.array([True]), np.array([1])),
        (1, True),
        (True, np.array(1.0)),
        ((1, 2), (1,)),
        (np.array([1, 2]), (1, 2)),
        ({"a": 1}, {"b": 1}),
        (None, 0.0),
        ("1", 1),
        ("b", ("b",)),
        (1, "1"),
    ],
    ids=str,
)
def test_what_is_not_the_same_is_told(value: object, expected: object) -> None:
    assert not same(value, expected)
    assert same(expected, expected) or np.isnan(expected).any()  # type: ignore[call-overload]


def test_values_are_told_without_their_framework() -> None:
    assert same(plain({"a": [np.float32(1), 2]}), {"a": (1.0, 2)})
    assert same(plain(np.array([1 + 9e-7])), np.array([1]))  # under 8 units in the last place


def test_a_row_may_say_how_far_rounding_moves_what_its_cells_give() -> None:
    adam = next(row for row in WHOLE.rows if row.name == "Adam")
    assert 1e-6 < eval(adam.floor, {"np": np}) < 2e-6
    assert same((1 + 9e-6,), (1,), 1.2e-6)
    assert not same((1 + 1e-5,), (1,), 1.2e-6)
