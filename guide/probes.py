"""What the code of guide/differences.toml calls beside its library: what numbers say of a layer."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from guide import distributions
from parity.standard.comparison import LIMIT
from parity.standard.floors import last_place

# Biases of an LSTM's gates, and of a GRU's, all different.
FOUR, THREE = (0.3, -0.5, 0.8, 1.1), (0.3, -0.5, 0.8)


def array(values: Any) -> NDArray[Any]:
    """Return what a framework's array holds."""
    return np.asarray(values.detach() if hasattr(values, "detach") else values)


def default(function: Callable[..., Any], name: str) -> Any:
    """Return the default of an argument, or that it has none."""
    value = _signature(function)[name].default
    return "must be given" if value is inspect.Parameter.empty else value


def argument(function: Callable[..., Any], name: str) -> Any:
    """Return the default of an argument, or that there is no such argument."""
    return default(function, name) if name in _signature(function) else f"no `{name}`"


def parameters(function: Callable[..., Any], first: int) -> str:
    """Return the names of the first arguments."""
    return ", ".join(list(_signature(function))[:first])


def attempt(call: Callable[[], Any]) -> Any:
    """Return what a call does, or what it raises."""
    try:
        return call()
    except Exception as error:  # what a library raises is what is asked
        return f"raises {type(error).__name__}"


def letters(values: Any, **sizes: int) -> str:
    """Return the order of the axes of an array, all of different sizes, by their letters."""
    names = {size: letter for letter, size in sizes.items()}
    return f"({', '.join('1' if size == 1 else names[size] for size in values.shape)})"


def drawn(values: Any, fan_in: int, fan_out: int, of: str = "fan_in") -> str:
    """Return the distribution that many values are from, its scale in terms of a kernel's fans.

    of: what the library calls fan_in.

    Raises:
        LookupError: it is none of those known here.
    """
    return distributions.drawn(array(values), fan_in, fan_out, of)


def lstm_order(h: Any, c: Any) -> str:
    """Return the order of the gates of a cell whose only inputs are biases FOUR and a memory of 1.

    h, c: its next state and memory, of one unit.
    """

    def step(i: float, f: float, g: float, o: float) -> tuple[float, float]:
        memory = _sigmoid(f) + _sigmoid(i) * np.tanh(g)
        return _sigmoid(o) * np.tanh(memory), memory

    return _order("ifgo", FOUR, step, (h, c))


def gru_order(h: Any) -> str:
    """Return the order of the gates of a cell whose only inputs are biases THREE and a state of 1.

    h: its next state, of one unit.
    """

    def step(r: float, z: float, n: float) -> tuple[float]:  # nothing is left to reset
        return ((1 - _sigmoid(z)) * np.tanh(n) + _sigmoid(z),)

    return _order("rzn", THREE, step, (h,))


def zeros_around(outputs: Any, width: int) -> str:
    """Return how many zeros were put before and after ones, from the sums over each window."""
    sums = array(outputs).ravel()
    return f"{width - round(sums[0])}, {width - round(sums[-1])}"


def padding_row(row: Any, gradient: Any) -> str:
    """Return what the row of an embedding that stands for padding is, and whether it is trained."""
    value = "zero" if not array(row).any() else "drawn"
    return f"{value}, {'trained' if array(gradient).any() else 'not trained'}"


def dropped(outputs: Any) -> str:
    """Return the share of zeros among what dropout made of ones, and what the others are."""
    x = array(outputs)
    return f"{np.mean(x == 0):.2f}, {x.max():.4g}"


def shapes(module: Any, word: str) -> str:
    """Return the shapes of the parameters of PyTorch's Module whose name has a word in it."""
    named = module.named_parameters()
    return ", ".join(str(tuple(value.shape)) for name, value in named if word in name)


def _signature(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    if isinstance(function, type):  # nnx.Module hides the signature of its subclasses
        return inspect.signature(function.__init__).parameters  # type: ignore[misc] # not called
    return inspect.signature(function).parameters


def _sigmoid(x: float) -> float:
    return float(1 / (1 + np.exp(-x)))


def _farthest(one: Iterable[float], other: Iterable[float]) -> float:
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def _order(
    gates: str,
    biases: Iterable[float],
    step: Callable[..., tuple[float, ...]],
    seen: tuple[Any, ...],
) -> str:
    got = [float(array(value).ravel()[0]) for value in seen]
    floor = last_place(np.array(got), "float32")
    found = [
        " ".join(order)
        for order in permutations(gates)
        if _farthest(step(**dict(zip(order, biases, strict=True))), got) <= LIMIT * floor
    ]
    (order,) = found  # no other order gives these numbers
    return order
