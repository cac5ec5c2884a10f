"""What a port calls the weights of a user's reference, and how it lays them out.

A rename is an equation: the reference's array is an expression of the port's, such as "W1",
"W1.T" or "kernel.transpose(3, 2, 0, 1)". A table of them has the reference's name before each.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.errors import InputError

Array = NDArray[Any]
Renames = Mapping[str, str]
EXPRESSIONS = 'write what the port has, such as "W1", "W1.T" or "W1.transpose(1, 0)"'
EXPRESSION = re.compile(r"([^()]+?)(\.T|\.transpose\((\s*\d+\s*(?:,\s*\d+\s*)*)\))?")


def is_expression(text: object) -> bool:
    """Whether something can be the right side of a rename."""
    return isinstance(text, str) and EXPRESSION.fullmatch(text) is not None


def check_weights(renames: Renames, weights: Mapping[str, Array]) -> None:
    """Check that renames fit the reference's weights, by name.

    Raises:
        InputError: they don't; the text is the end of a sentence about them.
    """
    for name, text in renames.items():
        if name not in weights:
            raise InputError(f"{name!r}, where the reference has {', '.join(weights)}")
        shape = weights[name].shape
        if sorted(_axes(text, len(shape))) != list(range(len(shape))):
            raise InputError(
                f"{name!r} as {text!r}, but its shape is {shape}: name each axis once, from 0"
            )
    taken: dict[str, str] = {}
    for name in weights:
        port = name_of(renames, name)
        if port in taken:
            raise InputError(f"both {taken[port]!r} and {name!r} as {port!r}: no two can be one")
        taken[port] = name


def name_of(renames: Renames, name: str) -> str:
    """Return what the port calls one of the reference's weights."""
    return _parts(renames[name])[0] if name in renames else name


def to_port(renames: Renames, tensors: Mapping[str, Any]) -> dict[str, Any]:
    """Return copies of arrays by the reference's names, by the port's and in its layout.

    What is of no weight, such as losses, stays; so do single numbers, such as floors.
    """
    found = {}
    for name, value in tensors.items():
        axes = _axes(renames[name], np.ndim(value)) if name in renames else ()
        fits = len(axes) == np.ndim(value) > 0
        own = np.transpose(value, np.argsort(axes)) if fits else value
        found[name_of(renames, name)] = np.array(own, order="C")
    return found


def to_reference(renames: Renames, tensors: Mapping[str, Array]) -> dict[str, Array]:
    """Return arrays by the port's names, by the reference's and in its layout.

    One of the wrong number of axes stays as it is, and one that the port must not have by the
    reference's name gets a name that nothing has.
    """
    names = {name_of(renames, name): name for name in renames}
    found = {}
    for own, value in tensors.items():
        if own in names:
            axes = _axes(renames[names[own]], value.ndim)
            fits = len(axes) == value.ndim
            found[names[own]] = np.transpose(value, axes) if fits else value
        else:
            found[f"{own} of the port" if own in renames else own] = value
    return found


def _parts(text: str) -> tuple[str, str | None, str | None]:
    found = EXPRESSION.fullmatch(text)
    assert found, "a recipe is checked when it is read"
    return found[1], found[2], found[3]


def _axes(text: str, dimensions: int) -> tuple[int, ...]:
    """Return the axes of the port's array that are those of the reference's, in order."""
    _, turned, axes = _parts(text)
    if axes is not None:
        return tuple(map(int, axes.split(",")))
    return tuple(range(dimensions))[:: -1 if turned else 1]
