"""Monte Carlo arithmetic: the noise is there, of the right size, and never drops out in silence."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from parity.standard.floors import check_scale
from parity.standard.monte_carlo import NoiseLostError, NoisyArray, noisy, require_noisy

Operation = Callable[[Any], Any]

KEPT: dict[str, Operation] = {
    "add": lambda a: a + 1,
    "matmul": lambda a: a @ a.T,
    "sum": lambda a: a.sum(axis=0),
    "np.sum": lambda a: np.sum(a, axis=1, keepdims=True),
    "mean": lambda a: a.mean(),
    "np.mean": lambda a: np.mean(a, axis=0),
    "tanh": np.tanh,
    "exp": np.exp,
    "log": lambda a: np.log(np.abs(a) + 1),
    "divide": lambda a: a / 3,
    "softmax": lambda a: np.exp(a - a.max(axis=1, keepdims=True)),
    "clip": lambda a: np.clip(a, -1, 1) * 3,
    "maximum": lambda a: np.maximum(a, 0) * 3,
    "rows": lambda a: a[np.arange(10)] * 3,
}
LOST: dict[str, Operation] = {
    "np.where": lambda a: np.where(a > 0, a, 0),
    "np.einsum": lambda a: np.einsum("ij,ij->i", a, a),
    "np.stack": lambda a: np.stack([a, a]),
    "np.concatenate": lambda a: np.concatenate([a, a]),
    "np.dot": lambda a: np.dot(a, a.T),
    "ndarray.dot": lambda a: a.dot(a.T),
    "np.cumsum": lambda a: np.cumsum(a),
    "a plain out": lambda a: np.multiply(a, 2, out=np.empty(a.shape)),
    "accumulate": lambda a: np.add.accumulate(a),
    "at": lambda a: np.add.at(a, 0, 1),
}


def array(dtype: str, seed: int = 0) -> NoisyArray:
    values = np.random.default_rng(1).standard_normal((40, 30)).astype(dtype)
    return noisy(values, np.random.default_rng(seed))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", KEPT)
def test_an_operation_errs_by_a_few_units(name: str, dtype: str) -> None:
    operation = KEPT[name]
    plain = np.asarray(operation(np.asarray(array(dtype))))
    runs = [operation(array(dtype, seed)) for seed in range(8)]
    require_noisy(runs, name)
    assert all(run.dtype == dtype and run.shape == plain.shape for run in runs)
    moved = max(np.abs(np.asarray(run) - plain).max() for run in runs)
    unit = np.spacing(np.abs(plain).max().astype(dtype))
    assert 0 < moved <= 64 * unit
    assert any(np.any(np.asarray(run) != np.asarray(runs[0])) for run in runs)


@pytest.mark.parametrize("name", LOST)
def test_an_operation_that_would_lose_the_noise_is_refused(name: str) -> None:
    with pytest.raises(NoiseLostError):
        LOST[name](array("float64"))


def test_a_plain_array_that_comes_back_is_noticed() -> None:
    with pytest.raises(NoiseLostError, match="loss returned a plain array"):
        require_noisy([array("float64"), np.zeros(3)], "loss")
    with pytest.raises(NoiseLostError):
        require_noisy([array("float64")[0, 0]], "loss")


def test_what_every_library_computes_exactly_is_exact() -> None:
    zeros = noisy(np.zeros((5, 4)), np.random.default_rng(0))
    a = array("float64")
    assert not np.asarray(zeros @ a[:4]).any()
    assert np.array_equal(np.asarray(-a), -np.asarray(a))
    assert np.array_equal(np.asarray(np.maximum(a, 0)), np.maximum(np.asarray(a), 0))


def test_in_place_operations_stay_in_place() -> None:
    a = array("float64")
    before = np.asarray(a).copy()
    same = a
    a -= 0.1 * a
    assert a is same
    assert isinstance(a, NoisyArray)
    assert not np.array_equal(np.asarray(a), before)


def test_sums_in_the_rows_own_order_are_among_the_runs() -> None:
    # One class after the other: the sum climbs to 2,000 before it comes down again.
    values = np.random.default_rng(1).uniform(0.9, 1.1, 2000)
    column = np.concatenate([values, -values]).astype(np.float32)
    in_order = abs(np.add.accumulate(column)[-1])
    sums = [abs(float(noisy(column, np.random.default_rng(seed)).sum())) for seed in range(8)]
    assert in_order > 0
    assert max(sums) >= in_order / 8


def test_floors_that_do_not_fit_each_other_are_refused() -> None:
    at = ("gradients", 3)
    single, values = {at: {"W": 1e-7}}, {at: {"W": np.ones(2)}}
    assert check_scale(single, {at: {"W": 1e-7 / 2**29}}, values) is None
    with pytest.raises(KeyError):  # nothing to compare with is no agreement
        check_scale(single, {}, values)
    far = {at: {"W": 1e-7 / 2**29 / 10_000}}
    assert check_scale(single, far, {at: {"W": np.array([1e-7, 0])}}) is None  # it is all noise
    lost = check_scale(single, far, values)
    assert lost is not None
    assert "W (gradients, step 3)" in lost
