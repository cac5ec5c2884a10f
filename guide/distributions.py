"""Which distribution initial weights are from, told by how far draws of NumPy's differ."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

from parity.standard.comparison import LIMIT
from parity.standard.floors import K
from shared.rounding import Rounding

Array = NDArray[Any]
ENDS = 2  # standard deviations at which a normal distribution is truncated


@dataclass(frozen=True)
class Kind:
    """A kind of distributions. draw: so many values, of width 1. width: of some values."""

    name: str
    draw: Callable[[Generator, int], Array]
    width: Callable[[Array], float]


@dataclass(frozen=True)
class Expected:
    """What a figure of draws is in the mean, and how far it was from that at most."""

    mean: float
    floor: float

    def ratio(self, value: float) -> float:
        """Return how many floors a value is from the mean."""
        return abs(value - self.mean) / self.floor


def drawn(values: Array, fan_in: int, fan_out: int, of: str) -> str:
    """Return the distribution that many values are from, its scale in terms of a kernel's fans.

    of: what the library calls fan_in.

    Raises:
        LookupError: it is none of those known here.
    """
    if np.all(values == values.flat[0]):
        return f"all {values.flat[0]:g}"
    if _is_orthogonal(values):
        return "orthogonal"
    peaks = {kind: _expected(kind, _peak, values.size).ratio(_peak(values)) for kind in KINDS}
    kind = min(KINDS, key=lambda kind: peaks[kind])
    width, expected = kind.width(values), _expected(kind, kind.width, values.size)
    known = {
        f"1 / √{of}": fan_in**-0.5,
        f"√(6 / ({of} + fan_out))": (6 / (fan_in + fan_out)) ** 0.5,
        "0.05": 0.05,
        "1": 1.0,
    }
    for name, scale in known.items():
        if max(peaks[kind], expected.ratio(width / scale)) <= LIMIT:
            return kind.name + name
    raise LookupError(
        f"{kind.name}{width / expected.mean:.2g} is no distribution that is known here"
    )


def _expected(kind: Kind, figure: Callable[[Array], float], size: int) -> Expected:
    """Return what a figure of so many values is, and how far chance alone moves it."""
    seen = np.array([figure(kind.draw(default_rng(seed), size)) for seed in range(K)])
    return Expected(float(seen.mean()), float(np.abs(seen - seen.mean()).max()))


def _is_orthogonal(x: Array) -> bool:
    """Tell whether rows are orthonormal, as far as rounding lets them."""
    if x.ndim != 2:
        return False
    one = np.eye(len(x))
    erring = [Rounding(default_rng(seed)).matmul(x, x.T) for seed in range(K)]
    floor = max(float(np.abs(each - x @ x.T).max()) for each in erring)
    return bool(np.abs(x @ x.T - one).max() <= LIMIT * floor)


def _uniform(random: Generator, size: int) -> Array:
    return random.uniform(-1, 1, size)


def _truncated(random: Generator, size: int) -> Array:
    """Return values of a truncated normal distribution, as wide as one that is not."""
    x = random.standard_normal(2 * size)
    density = math.exp(-(ENDS**2) / 2) / math.sqrt(2 * math.pi)
    lost = 2 * ENDS * density / math.erf(ENDS / math.sqrt(2))
    return x[np.abs(x) < ENDS][:size] / math.sqrt(1 - lost)


def _normal(random: Generator, size: int) -> Array:
    return random.standard_normal(size)


def _largest(x: Array) -> float:
    return float(np.abs(x).max())


def _deviation(x: Array) -> float:
    return float(x.std())


def _peak(x: Array) -> float:
    return _largest(x) / _deviation(x)


KINDS = (
    Kind("uniform, ±", _uniform, _largest),
    Kind("truncated normal, std ", _truncated, _deviation),
    Kind("normal, std ", _normal, _deviation),
)
