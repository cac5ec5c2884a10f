"""What users' own code makes of a recipe, in a process of its own: initial weights, and data."""

import importlib
import random
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from parity import contract
from parity.contract import Port, PortError
from parity.standard.inputs import Tensors
from parity.standard.returned import Reader
from shared import own_data

DRAWN = "float32"  # so that runs in either precision begin with the same numbers
NEEDED = ("build", "export")


def _seed_torch(seed: int) -> None:
    importlib.import_module("torch").manual_seed(seed)


def _seed_tensorflow(seed: int) -> None:
    importlib.import_module("tensorflow").keras.utils.set_random_seed(seed)


# By framework: set its global seed. Python's and NumPy's are set for all; JAX has none.
SEEDERS: Mapping[str, Callable[[int], None]] = {
    "torch": _seed_torch,
    "tensorflow": _seed_tensorflow,
}


def seed_all(framework: str, seed: int) -> None:
    """Set the global seeds of Python, NumPy and a framework."""
    random.seed(seed)
    np.random.seed(seed)
    if framework in SEEDERS:
        SEEDERS[framework](seed)


def draw(port: Port, seed: int, threads: int) -> Tensors:
    """Return the initial weights that a reference's own `build` draws under a seed, in float32.

    Raises:
        PortError: it lacks `build` or `export`, draws something else the second time, or gives
            nothing that can be weights.
    """
    lacking = port.lacks(NEEDED)
    if lacking:
        raise PortError(f"it has no {' and no '.join(lacking)}")
    port.configure(DRAWN, "cpu", threads)
    first, second = _drawn(port, seed), _drawn(port, seed)
    if not first:
        raise PortError("export gives no weights")
    if first.keys() != second.keys():
        ones, others = (
            ", ".join(a.keys() - b.keys()) for a, b in ((first, second), (second, first))
        )
        raise PortError(
            f"export names weights otherwise the second time ({ones or 'none'}, then "
            f"{others or 'none'}), as Keras does, which numbers layers that have no name"
        )
    for name, value in first.items():
        if value.dtype.kind == "b":
            raise PortError(f"export gives {name} as an array of bool, where numbers are due")
        if not np.isfinite(value).all():
            raise PortError(f"it draws numbers that are not finite in {name}")
        if not np.array_equal(value, second[name]):
            raise PortError(f"it draws another {name} the second time, under the same seed {seed}")
    return first


def data(path: Path) -> dict[str, Any]:
    """Return the arrays that a Python file makes, by name.

    They are what its function `data` returns or, without one, its own x, y, x_test and y_test.

    Raises:
        PortError: it has neither, or makes something else.
    """
    module = contract.load_file(path)
    if callable(getattr(module, "data", None)):
        arrays = module.data()
        if not isinstance(arrays, Mapping):
            kind = type(arrays).__name__
            raise PortError(f"data returned a {kind}, where a dict of arrays is due")
        made = "data returned"
    elif hasattr(module, "x"):
        arrays, made = _module_level(module), "it has"
    else:
        raise PortError("it has no function data")
    for name, array in arrays.items():
        if not isinstance(name, str) or not isinstance(array, np.ndarray):
            said = f"{made} {name} as {type(array).__name__}, not as an array"
            raise PortError(said)
        if array.dtype.kind not in "biuf":
            raise PortError(f"{made} {name} as an array of {array.dtype}, not of numbers")
    return dict(arrays)


def _module_level(module: ModuleType) -> dict[str, Any]:
    """Return a module's own x, y, x_test and y_test; of several inputs, "x.tokens" and "x.mask"."""
    found: dict[str, Any] = {}
    for name in own_data.NAMES:
        value = getattr(module, name, None)
        if isinstance(value, Mapping):
            found |= {f"{name}.{part}": each for part, each in value.items()}
        elif value is not None:
            found[name] = value
    return found


def _drawn(port: Port, seed: int) -> Tensors:
    seed_all(port.framework, seed)
    model = port.module.build(None)
    reader = Reader(port, DRAWN, sys.maxsize)
    weights = reader.by_name(port.module.export(model), "export")
    return {
        name: value.astype({"f": DRAWN, "i": "int64", "u": "int64"}.get(value.dtype.kind, "bool"))
        for name, value in weights.items()
    }
