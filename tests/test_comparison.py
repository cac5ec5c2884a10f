"""The comparison core: what agrees, and above all what does not."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from parity.results import summarise
from parity.standard.comparison import LIMIT, Comparison, compare, compare_exactly
from parity.standard.place import Place

EXPECTED = np.linspace(-1, 1, 12).reshape(4, 3)
FLOOR = 1e-9


def verdict(got: Any, floor: float = FLOOR, dtype: str = "float64") -> Comparison:
    return compare(Place("forward", 0, "W"), EXPECTED, np.asarray(got), floor, dtype)


def with_error(error: float) -> NDArray[np.float64]:
    got = np.zeros((4, 3))
    got[2, 1] = error
    return got


def test_an_error_up_to_the_limit_agrees_and_one_over_it_does_not() -> None:
    zero = np.zeros((4, 3))
    at_limit = compare(Place("forward", 0, "W"), zero, with_error(LIMIT * FLOOR), FLOOR, "float64")
    assert at_limit.agrees
    assert at_limit.compared == 12
    over = compare(
        Place("forward", 0, "W"), zero, with_error(LIMIT * FLOOR * (1 + 1e-12)), FLOOR, "float64"
    )
    assert not over.agrees
    assert over.mismatches == 1
    assert over.examples[0].index == (2, 1)
    assert over.index == (2, 1)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_finite_number_fails(bad: float) -> None:
    got = EXPECTED.copy()
    got[1, 1] = bad
    found = verdict(got)
    assert not found.agrees
    assert found.unusable
    assert found.ratio == np.inf


@pytest.mark.parametrize(
    "got",
    [
        EXPECTED.T,
        EXPECTED[:1],
        EXPECTED[None],
        EXPECTED.ravel(),
        EXPECTED[:, 0],
        np.float64(0),
        EXPECTED.astype(np.float32),
        EXPECTED.astype(int),
        EXPECTED.astype(">f8").astype(np.longdouble),
    ],
)
def test_nothing_is_transposed_broadcast_or_cast_to_fit(got: Any) -> None:
    found = verdict(got, floor=100.0)
    assert not found.agrees
    assert found.compared == 0
    assert found.unusable


def test_nothing_to_compare_fails() -> None:
    empty = np.empty((0, 3))
    assert not compare(Place("forward", 0, "W"), empty, empty, FLOOR, "float64").agrees
    assert not compare_exactly(Place("forward", 0, "x"), empty, empty).agrees
    assert summarise("loss", []).verdict == "not provided"


def test_nothing_is_held_to_a_reference_that_is_no_number() -> None:
    for expected, floor in ((EXPECTED * np.nan, FLOOR), (EXPECTED, 0.0), (EXPECTED, np.nan)):
        with pytest.raises(ValueError, match="no finite number"):
            compare(Place("forward", 0, "W"), expected, EXPECTED, floor, "float64")


def test_the_worst_of_a_rung_is_the_one_that_fails() -> None:
    fine = compare(
        Place("forward", 0, "W"), np.zeros((4, 3)), with_error(7 * FLOOR), FLOOR, "float64"
    )
    wrong = compare(
        Place("forward", 5, "b"), np.zeros((4, 3)), with_error(9 * FLOOR), FLOOR, "float64"
    )
    rung = summarise("gradients", [fine, wrong])
    assert (rung.verdict, rung.place, rung.compared) == ("disagree", Place("forward", 5, "b"), 24)


def test_exact_comparison_is_of_bits() -> None:
    x = np.array([0.0, 1.0, np.nan])
    assert compare_exactly(Place("forward", 0, "x"), x, x.copy()).agrees
    assert not compare_exactly(Place("forward", 0, "x"), x, np.array([-0.0, 1.0, np.nan])).agrees
    assert not compare_exactly(Place("forward", 0, "x"), x, x.astype(np.float32)).agrees
    assert not compare_exactly(Place("forward", 0, "x"), x, np.nextafter(x, 2)).agrees


def test_whole_numbers_are_compared_by_value() -> None:
    y = np.arange(5)
    assert compare_exactly(Place("forward", 0, "y"), y, y.astype(np.int32)).agrees
    assert not compare_exactly(Place("forward", 0, "y"), y, y.astype(np.float64)).agrees
    assert not compare_exactly(Place("forward", 0, "y"), y, y.astype(np.int32) + 1).agrees
