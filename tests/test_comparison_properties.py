"""The comparison core, whatever the numbers: what is wrong is found, and nothing else is."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from hypothesis.strategies import DrawFn, SearchStrategy
from numpy.typing import NDArray

from parity.standard.comparison import LIMIT, SHOWN, Comparison, compare, compare_exactly
from parity.standard.place import Place

Array = NDArray[Any]
NEAR = 1e-6  # how near to the limit, relative to it, a ratio may come: rounding stays far below
FLOATS = ("float32", "float64")
SHAPES = array_shapes(min_dims=0, max_dims=4, min_side=1, max_side=5)


@dataclass
class Case:
    """A port's tensor, what is expected of it, and which of its values are over the limit."""

    got: Array
    expected: Array
    floors: float | Array
    wrong: Array

    def compare(self, in_order: bool = False) -> Comparison:
        dtype = str(self.got.dtype)
        return compare(
            Place("forward", 3, "W"), self.expected, self.got, self.floors, dtype, in_order
        )


@st.composite
def cases(draw: DrawFn) -> Case:
    """A tensor of any shape, scale and precision, with errors on both sides of the limit."""
    shape, dtype = draw(SHAPES), draw(st.sampled_from(FLOATS))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    scale = 10.0 ** draw(st.integers(-30, 30))
    share = draw(st.sampled_from((0.0, 0.1, 0.5, 1.0)))
    floors = scale * 10.0 ** random.uniform(-6, 3, shape if draw(st.booleans()) else ())
    wrong = random.random(shape) < share
    if draw(st.booleans()):  # a single one
        wrong = np.arange(wrong.size).reshape(shape) == draw(st.integers(0, wrong.size - 1))
    under = (1 - NEAR) * random.choice((0.0, 0.5, 1.0), shape)
    over = (1 + NEAR) * 10.0 ** (random.uniform(0, 9, shape) * random.integers(0, 2, shape))
    ratios = LIMIT * np.where(wrong, over, under) * random.choice((-1, 1), shape)
    got = np.asarray(scale * random.standard_normal(shape)).astype(dtype)
    expected = np.asarray(got - ratios * floors, np.float64)
    return Case(got, expected, floors, np.asarray(wrong))


def places(flat: Array, shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    return [tuple(map(int, np.unravel_index(number, shape))) for number in flat]


@given(cases())
def test_all_errors_over_the_limit_are_found_and_no_others(case: Case) -> None:
    found = case.compare()
    assert found.mismatches == case.wrong.sum()
    assert found.agrees == (not case.wrong.any())
    assert (found.ratio > LIMIT) == case.wrong.any()
    assert found.compared == case.got.size
    assert found.unusable is None


@given(cases(), st.booleans())
def test_examples_are_the_worst_or_the_first_as_numpy_finds_them(case: Case, first: bool) -> None:
    found = case.compare(in_order=first)
    errors = np.abs(case.got.astype(np.float64) - case.expected)
    floors = np.broadcast_to(case.floors, errors.shape)
    ratios = errors / floors
    worst = int(ratios.argmax())
    assert found.index == np.unravel_index(worst, ratios.shape)
    assert found.ratio == ratios.max()
    assert found.error == errors.ravel()[worst]
    assert found.floor == floors.ravel()[worst]
    over = np.flatnonzero(case.wrong)
    ranked = over if first else over[np.argsort(-ratios.ravel()[over], kind="stable")]
    assert [e.index for e in found.examples] == places(ranked[:SHOWN], ratios.shape)
    for each in found.examples:
        assert (each.expected, each.got) == (case.expected[each.index], case.got[each.index])


@given(cases(), st.data())
def test_nothing_that_is_no_finite_number_agrees(case: Case, data: st.DataObject) -> None:
    shape = case.got.shape
    spoiled = data.draw(arrays(bool, shape).filter(lambda chosen: bool(chosen.any())))
    bad = data.draw(arrays(np.float64, shape, elements=st.sampled_from((np.nan, np.inf, -np.inf))))
    case.got = np.where(spoiled, bad, case.got).astype(case.got.dtype)
    case.floors = 1e300  # however large the floor
    found = case.compare(in_order=True)
    assert not found.agrees
    assert found.unusable == (
        f"W has {spoiled.sum()} of {spoiled.size} values that are no finite number, "
        f"the first at {np.argwhere(spoiled)[0].tolist()}"
    )
    assert found.mismatches == spoiled.sum()
    assert found.ratio == np.inf
    assert [e.index for e in found.examples] == places(np.flatnonzero(spoiled)[:SHOWN], shape)


@given(st.sampled_from(FLOATS), st.sampled_from((1.0, -1.0)))
def test_an_error_too_large_for_a_float_is_found(dtype: str, sign: float) -> None:
    largest = np.array([sign * np.finfo(dtype).max, 0], dtype)
    found = compare(
        Place("forward", 0, "W"),
        -np.array([sign * np.finfo(np.float64).max, 0]),
        largest,
        1.0,
        dtype,
    )
    assert (found.mismatches, found.index) == (1, (0,))
    assert found.unusable is None


@st.composite
def pairs_of_shapes(draw: DrawFn) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Two shapes that differ; most of the second kinds would be broadcast to fit, or transposed."""
    shape = draw(SHAPES)
    kept = draw(st.lists(st.booleans(), min_size=len(shape), max_size=len(shape)))
    squeezed = tuple(side if keep else 1 for side, keep in zip(shape, kept, strict=True))
    kinds = (squeezed, shape[::-1], shape[1:], (1, *shape), (*shape, 1), (int(np.prod(shape)),))
    other = draw(st.sampled_from(kinds) | SHAPES)
    pair = draw(st.permutations((shape, other)))
    return pair[0], pair[1]


@given(pairs_of_shapes().filter(lambda pair: pair[0] != pair[1]))
@example(((3, 4), (4, 3)))
@example(((3,), (1, 3)))
def test_no_other_shape_agrees(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    expected, got = map(np.ones, shapes)  # all alike, so that only their shapes differ
    assert_unusable(compare(Place("forward", 0, "W"), expected, got, 1.0, "float64"))
    assert_unusable(compare_exactly(Place("forward", 0, "x"), expected, got))


@given(
    SHAPES,
    st.sampled_from(FLOATS),
    st.sampled_from(("f2", "f4", "f8", ">f4", ">f8", "g", "i1", "i4", "i8", "u8", "?", "c16")),
)
def test_no_other_precision_agrees(shape: tuple[int, ...], dtype: str, other: str) -> None:
    ones = np.ones(shape, dtype)
    found = compare(Place("forward", 0, "W"), np.ones(shape), ones.astype(other), 1.0, dtype)
    exactly = compare_exactly(Place("forward", 0, "x"), ones, ones.astype(other))
    if np.dtype(dtype) == other:
        assert found.agrees
        assert exactly.agrees
    else:
        assert_unusable(found)
        assert_unusable(exactly)


@given(array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=2).filter(lambda s: 0 in s))
def test_emptiness_never_agrees(shape: tuple[int, ...]) -> None:
    empty = np.empty(shape)
    assert_unusable(compare(Place("forward", 0, "W"), empty, empty, 1.0, "float64"))
    found = compare_exactly(Place("forward", 0, "x"), empty, empty)
    assert not found.agrees
    assert found.compared == 0


def assert_unusable(found: Comparison) -> None:
    assert not found.agrees
    assert found.compared == 0
    assert found.ratio == np.inf
    assert found.unusable


@given(cases(), st.data())
def test_a_reference_that_is_no_number_is_refused(case: Case, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, case.got.size - 1))
    if data.draw(st.booleans()):
        case.expected.ravel()[place] = data.draw(st.sampled_from((np.nan, np.inf, -np.inf)))
    else:
        case.floors = np.full(case.got.shape, 1.0)
        case.floors.ravel()[place] = data.draw(st.sampled_from((np.nan, np.inf, 0.0, -1.0)))
    with pytest.raises(ValueError, match="no finite number"):
        case.compare()


BITS: SearchStrategy[Array] = st.one_of(  # any bits at all, and often zeros and NaN
    arrays("u4", SHAPES).map(lambda bits: bits.view("f4")),
    arrays("u8", SHAPES).map(lambda bits: bits.view("f8")),
    arrays("f8", SHAPES, elements=st.sampled_from((0.0, -0.0, np.nan, np.inf, 1.0))),
)


@given(BITS, st.data())
def test_exact_comparison_finds_every_bit(sent: Array, data: st.DataObject) -> None:
    assert compare_exactly(Place("forward", 0, "x"), sent, sent.copy()).agrees
    assert compare_exactly(Place("forward", 0, "x"), sent, np.array(sent, order="F")).agrees
    unsigned = f"u{sent.itemsize}"
    flips = arrays(unsigned, sent.shape, elements=st.sampled_from((0, 1)), fill=st.just(0))
    flipped = data.draw(flips.filter(lambda chosen: bool(chosen.any())))
    shift = data.draw(st.sampled_from((0, 8 * sent.itemsize - 1)) | st.integers(0, 31))
    bits = sent.view(unsigned) ^ flipped << np.array(shift, unsigned)
    got = np.asarray(bits).view(sent.dtype)
    found = compare_exactly(Place("forward", 0, "x"), sent, got)
    assert not found.agrees
    assert found.mismatches == flipped.sum()
    assert [e.index for e in found.examples] == places(np.flatnonzero(flipped)[:SHOWN], sent.shape)


@given(
    st.sampled_from(("i8", "i4")),
    st.sampled_from(("i1", "u1", "i4", "u4", "i8", "u8", "f8")),
    SHAPES,
    st.data(),
)
def test_whole_numbers_agree_where_their_values_do(
    dtype: str, other: str, shape: tuple[int, ...], data: st.DataObject
) -> None:
    sent = data.draw(arrays(dtype, shape))
    got = sent.astype(other)  # what does not fit wraps round
    wrong = [int(a) != int(b) for a, b in zip(sent.ravel(), got.ravel(), strict=True)]
    found = compare_exactly(Place("forward", 0, "y"), sent, got)
    if other == "f8":
        assert_unusable(found)
    else:
        assert found.agrees == (not any(wrong))
        assert found.mismatches == sum(wrong)
