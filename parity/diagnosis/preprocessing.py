"""Inputs that a port changes on their way into the net: normalised, standardised, rounded."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.diagnosis.case import Case
from parity.diagnosis.hypothesis import Hypothesis

Array = NDArray[Any]
Preprocess = Callable[[Array], Array]
NORMALISED, ROUNDED, FLIPPED = "inputs normalised", "inputs rounded", "inputs flipped"
EPSILONS = (0.0, 1e-8, 1e-7, 1e-6, 1e-5)  # what people add to a deviation that may be 0


def mistakes(case: Case) -> Iterator[Hypothesis]:
    """Yield the net on inputs that are changed, batch by batch."""
    for cause, claim, change in (*_rows(), *_batches(), *_of_all(case.x), *_values(), *_orders()):

        def compute(weights: Any, x: Array, y: Array, own: Preprocess = change) -> Any:
            with np.errstate(all="ignore"):
                return case.compute(weights, own(x), y)

        yield Hypothesis(cause, claim, compute)


Named = tuple[str, str, Preprocess]


def _over(x: Array, size: Array) -> Array:
    """Divide, but for what has no size."""
    return np.asarray(x / np.where(size == 0, 1.0, size))


def _rows() -> Iterator[Named]:
    """Yield what is done to each row by itself."""
    sizes: dict[str, Callable[[Array], Array]] = {
        "length": lambda x: np.sqrt((x * x).sum(axis=1, keepdims=True)),
        "sum of absolute values": lambda x: np.abs(x).sum(axis=1, keepdims=True),
        "largest absolute value": lambda x: np.abs(x).max(axis=1, keepdims=True),
    }
    for what, size in sizes.items():
        claim = f"each row of x is divided by its {what}"
        yield NORMALISED, claim, lambda x, size=size: _over(x, size(x))  # type: ignore[misc] # mypy cannot type a default of a lambda
    for ddof in (0, 1):
        claim = f"each row of x is standardised by its own mean and deviation (ddof {ddof})"
        yield NORMALISED, claim, lambda x, ddof=ddof: _standardised(x, x, 1, ddof, 0.0)  # type: ignore[misc] # mypy cannot type a default of a lambda


def _batches() -> Iterator[Named]:
    """Yield what is done to a whole batch, in one or by feature."""
    for axis, what in ((None, "one mean and deviation"), (0, "mean and deviation of each feature")):
        for ddof in (0, 1):
            for eps in EPSILONS:
                plus = f", with {eps:g} added to it" if eps else ""
                claim = f"x is standardised by the batch's {what} (ddof {ddof}){plus}"
                yield (
                    NORMALISED,
                    claim,
                    lambda x, axis=axis, ddof=ddof, eps=eps: _standardised(x, x, axis, ddof, eps),  # type: ignore[misc] # mypy cannot type a default of a lambda
                )
        claim = f"x is moved to zero by the batch's {what}, and not divided"
        yield NORMALISED, claim, lambda x, axis=axis: x - x.mean(axis=axis, keepdims=True)  # type: ignore[misc] # mypy cannot type a default of a lambda
        by = "as a whole" if axis is None else "by feature"
        yield (
            NORMALISED,
            f"x is scaled to 0 to 1 over the batch, {by}",
            lambda x, axis=axis: _over(  # type: ignore[misc] # mypy cannot type a default of a lambda
                x - x.min(axis=axis, keepdims=True), np.ptp(x, axis=axis, keepdims=True)
            ),
        )


def _of_all(rows: Array) -> Iterator[Named]:
    """Yield what is done by numbers of all rows."""
    for axis, what in ((None, "one mean and deviation"), (0, "mean and deviation of each feature")):
        for ddof in (0, 1):
            claim = f"x is standardised by the {what} of all rows (ddof {ddof})"
            yield (
                NORMALISED,
                claim,
                lambda x, axis=axis, ddof=ddof: _standardised(x, rows, axis, ddof, 0.0),  # type: ignore[misc] # mypy cannot type a default of a lambda
            )


def _standardised(x: Array, rows: Array, axis: int | None, ddof: int, eps: float) -> Array:
    if rows.shape[0 if axis is None else axis] <= ddof:
        return x
    mean = rows.mean(axis=axis, keepdims=True)
    return _over(x - mean, rows.std(axis=axis, ddof=ddof, keepdims=True) + eps)


def _values() -> Iterator[Named]:
    """Yield what is done to each value by itself."""
    yield ROUNDED, "x is truncated to integers", np.trunc
    yield ROUNDED, "x is rounded to integers", np.round
    for threshold in (0.0, 0.5):
        claim = f"x is 1 where it is over {threshold:g}, else 0"
        yield ROUNDED, claim, lambda x, t=threshold: (x > t).astype(float)  # type: ignore[misc] # mypy cannot type a default of a lambda
    yield ROUNDED, "x is rounded to bytes, 0 to 255, and back", lambda x: np.round(255 * x) / 255
    yield "inputs scaled", "x is 1 - x", lambda x: 1 - x
    yield NORMALISED, "x is kept between 0 and 1", lambda x: np.clip(x, 0, 1)


def _orders() -> Iterator[Named]:
    """Yield features in another order."""
    yield FLIPPED, "the features of x are in reverse", lambda x: x[:, ::-1]
    yield (
        FLIPPED,
        "each image is flipped from left to right",
        lambda x: _images(x)[:, :, ::-1].reshape(x.shape),
    )
    yield FLIPPED, "each image is upside down", lambda x: _images(x)[:, ::-1].reshape(x.shape)


def _images(x: Array) -> Array:
    side = int(np.sqrt(x.shape[1]))
    return x.reshape(len(x), side, -1) if side and x.shape[1] % side == 0 else x[:, :, np.newaxis]
