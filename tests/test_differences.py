"""What frameworks do differently: every cell says what the installed library does."""

import math
import re

import numpy as np
import pytest

from guide import differences, probes
from guide.differences import PAGE, Cell, Row
from guide.reading import evaluate, shown
from tests.running import ROOT, printed_by

TABLE = differences.load()
ROWS = [row for topic in TABLE.topics for row in topic.rows]


@pytest.mark.parametrize("framework", TABLE.frameworks)
def test_every_cell_is_what_the_library_does(framework: str) -> None:
    read = printed_by("guide.reading", framework)
    said = [[row.name, c.of, c.value] for row in ROWS for c in row.cells.get(framework, ())]
    assert said
    for now, then in zip(read, said, strict=True):
        assert now == then


def test_the_page_is_that_of_the_table() -> None:
    write = "run python -m guide.differences > docs/differences.md"
    assert PAGE.read_text() == differences.page(TABLE), write


def test_versions_are_those_that_are_tested_with() -> None:
    pinned = (ROOT / "constraints.txt").read_text().lower()
    for name, version in re.findall(r"(\w+) ([\d.]+)", " ".join(TABLE.versions.values()).lower()):
        assert f"\n{name.replace('pytorch', 'torch')}=={version}\n" in pinned


def test_rows_are_told_apart_and_end_with_what_goes_wrong() -> None:
    assert len({row.anchor for row in ROWS}) == len(ROWS) >= 60
    for row in ROWS:
        assert len(row.cells) >= 2, row.name
        assert row.wrong.endswith("."), row.name
        assert row.write.endswith("."), row.name


def test_what_a_number_means_is_said_or_refused() -> None:
    row = Row("epsilon", "", "", {}, {"n": ("1",), "n - 1": ("2.00", "4.0e-6"), "NaN": ("nan",)})
    values = (1, 2.0049, 4.04e-6, math.nan, "else")
    assert [shown(row, value) for value in values] == ["n", "n - 1", "n - 1", "NaN", "else"]
    for value in (1.0000001, 2.0051, 4.06e-6, 1.5):
        with pytest.raises(LookupError, match=f"does not say what {value} means"):
            shown(row, value)
    assert evaluate(Cell("f", "a = 1\na + 1\n", ""), {}) == 2


def truncated(std: float) -> np.ndarray:
    """Return many values of a normal distribution without its tails."""
    values = np.random.default_rng(1).standard_normal(60_000)
    values = values[np.abs(values) < 2][:30_000].reshape(300, 100)
    return std * values / 0.8796  # the standard deviation of what is left


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (np.zeros((300, 100)), "all 0"),
        (np.eye(100), "orthogonal"),
        (np.random.default_rng(0).uniform(-0.05, 0.05, (300, 100)), "uniform, ±0.05"),
        (np.random.default_rng(0).normal(0, 300**-0.5, (300, 100)), "normal, std 1 / √fan_in"),
        (truncated(300**-0.5), "truncated normal, std 1 / √fan_in"),
    ],
)
def test_distributions_are_told_apart(values: np.ndarray, says: str) -> None:
    assert probes.drawn(values, 300, 100) == says


def test_another_scale_is_no_known_distribution() -> None:
    random = np.random.default_rng(0)
    for values, says in (
        (random.uniform(-0.0501, 0.0501, (300, 100)), r"uniform, ±0\.05"),
        (truncated(0.065), r"truncated normal, std 0\.065"),
        (random.normal(0, 0.065, (300, 100)), r"normal, std 0\.065"),
        (np.eye(100) * (1 + 1e-5), "normal"),
    ):
        with pytest.raises(LookupError, match=says):
            probes.drawn(values, 300, 100)


@pytest.mark.parametrize("order", ["i f g o", "i g f o", "f i g o"])
def test_gates_are_told_apart(order: str) -> None:
    biases = dict(zip(order.split(), probes.FOUR, strict=True))
    i, f, o = (1 / (1 + np.exp(-biases[gate])) for gate in "ifo")
    c = f + i * np.tanh(biases["g"])
    assert probes.lstm_order(o * np.tanh(c), c) == order
