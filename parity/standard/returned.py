"""What a port's functions return, as arrays; what cannot be taken for any is refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import GeneratorType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.contract import Port, PortError
from parity.standard.inputs import Tensors

Array = NDArray[Any]
ENORMOUS = 1_000_000  # values; fewer of a wrong shape are held against it, as any others


@dataclass(frozen=True)
class Reader:
    """Reads what a port returns.

    port: whose runtime converts it. dtype: of plain Python floats, which have no precision of their
    own. largest: how many values the largest array has that is given to the port or due from it.
    """

    port: Port
    dtype: str
    largest: int

    def array(self, value: Any, what: str) -> Array:
        """Copy what a port returned, so that nothing which it does later changes it.

        Args:
            value: of any shape.
            what: returned it, for the error.

        Raises:
            PortError: it is no array of numbers, or is absurdly large.
        """
        return np.array(self.view(value, what))

    def view(self, value: Any, what: str) -> Array:
        """Convert what a port returned, which may still own its memory; as `array` otherwise."""
        if value is None:
            raise PortError(f"{what} returned None, where an array is expected")
        if type(value) is float:
            return np.array(value, self.dtype)
        if type(value) in (list, tuple):
            parts = [self.view(item, what) for item in value]
            if len({part.shape for part in parts}) > 1:
                raise PortError(f"{what} returned {_kind(value)} of different shapes")
            return np.array(parts)
        try:
            numpy_already = isinstance(value, np.ndarray | np.generic)
            of_port = not numpy_already or self.port.framework == "own"
            array = np.asarray(self.port.to_numpy(value) if of_port else value)
        except Exception as error:
            raise PortError(
                f"{what} returned {_kind(value)}, which to_numpy cannot convert ({error})"
            ) from error
        if array.size > max(ENORMOUS, 100 * self.largest):
            raise PortError(
                f"{what} returned {array.size:,} values of shape {array.shape}, where nothing has "
                f"more than {self.largest:,}"
            )
        if array.dtype.kind not in "biuf":
            of = "" if isinstance(value, np.ndarray) else f", an array of {array.dtype}"
            raise PortError(f"{what} returned {_kind(value)}{of}, where numbers are expected")
        return array

    def by_name(self, result: Any, function: str) -> Tensors:
        """Copy what a function returned that is to return arrays by name.

        Raises:
            PortError: it is no dict of arrays of numbers.
        """
        if not isinstance(result, Mapping):
            raise PortError(
                f"{function} returned {_kind(result)}, where a dict of arrays is expected"
            )
        unreached = [str(name) for name, value in result.items() if value is None]
        if unreached and function == "gradients":
            raise PortError(
                f"gradients returned None for {unreached[0]}; where the loss does not depend on a "
                "weight, zeros of its shape are expected"
            )
        return {
            _plain(name): self.array(value, f"{function}: {name}") for name, value in result.items()
        }

    def fraction(self, value: Any) -> float:
        """Convert an accuracy, a single real number.

        Raises:
            PortError: it is something else.
        """
        array = self.array(value, "accuracy")
        if array.size != 1 or array.dtype.kind != "f":
            raise PortError(
                f"accuracy returned {array.dtype} of shape {array.shape}, where a fraction is due"
            )
        return float(array.reshape(()))


def trained(model: Any, result: Any) -> tuple[Any, Any]:
    """Return what `train` returned as a trained model and its losses.

    Args:
        model: the one that was given to it.
        result: what it returned.

    Raises:
        PortError: it returned something else.
    """
    due = "(model, losses) is expected"
    if not (isinstance(result, tuple) and len(result) == 2):
        raise PortError(f"train returned {_kind(result)}, where a tuple {due}")
    new, losses = result
    if type(losses) is type(model) and type(new) is not type(model):
        kinds = ", ".join(map(_kind, result))
        raise PortError(f"train returned (losses, model), {kinds}, where {due}")
    return new, losses


def _kind(value: Any) -> str:
    """Return what a value is, as one says it: None, a generator, a tuple of 3, an int."""
    if value is None:
        return "None"
    name = type(value).__name__
    article = "an" if name[0] in "aeiouAEIOU" else "a"
    if isinstance(value, GeneratorType):
        return "a generator (there is a yield in it)"
    if isinstance(value, tuple | list):
        return f"{article} {name} of {len(value)}"
    return (
        f"{article} {name} of {value.dtype}"
        if isinstance(value, np.ndarray)
        else f"{article} {name}"
    )


def _plain(name: Any) -> str:
    """Return a tensor's name as a plain string; an enumeration of strings prints as another."""
    return str.__str__(name) if isinstance(name, str) else repr(name)
