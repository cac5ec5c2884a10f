"""Which framework a function is of, and what of that framework it takes to judge it."""

import importlib
import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from parity.contract import OTHER_NAMES, PACKAGES, ROOT, Port, is_installed
from parity.functions.reach import origins, reached, root
from shared.errors import InputError
from shared.recipes import unknown

ABLE = tuple(sorted(path.parent.name for path in ROOT.glob("impls/*/noise.py")))
# Packages by whose use one knows a framework; NumPy is beside all of them.
BUILT_ON = {
    **{name: name for name in ABLE if name != "numpy"},
    **{name: of for name, of in OTHER_NAMES.items() if of in ABLE and of != "numpy"},
    "jaxlib": "jax",
    "equinox": "jax",
    "haiku": "jax",
    "torchvision": "torch",
}
ENDS = frozenset({*BUILT_ON, "numpy", "scipy", "pytest", "_pytest", *sys.stdlib_module_names}) - {
    *("functools", "collections")  # they hold functions and values of anybody's
}


@dataclass(frozen=True)
class Framework:
    """A framework, imported, and what surrounds a function of it.

    tools: its `functions.py`. noise: its `noise.py`. port: what converts arrays, without functions.
    """

    name: str
    tools: Any
    noise: Any
    port: Port


def framework_of(function: Any, asked: str | None, keyword: str) -> Framework:
    """Return the framework of a function, imported.

    Args:
        function: anything that can be called.
        asked: its framework's name, where it is said.
        keyword: by which it can be said.

    Raises:
        InputError: there is no such framework, it is not installed, or the function uses several.
    """
    if asked is not None and asked not in ABLE:
        raise InputError(unknown("framework", str(asked), list(ABLE), OTHER_NAMES))
    name = asked or _found(function, keyword)
    if not is_installed(name):
        raise InputError(
            f"{name} is not installed: install it with pip install {PACKAGES.get(name, name)}"
        )
    runtime, noise, tools = (
        importlib.import_module(f"impls.{name}.{part}")
        for part in ("runtime", "noise", "functions")
    )
    return Framework(name, tools, noise, _without_functions(name, runtime))


def called(function: Any) -> str:
    """Return what a function is called."""
    name = getattr(function, "__name__", None)
    if not isinstance(name, str):
        name = type(function).__name__
    return "a lambda" if name == "<lambda>" else name


def _found(function: Any, keyword: str) -> str:
    """Return the name of the framework that a function uses; NumPy, if it uses none."""
    found = {name for value in reached(function, ENDS) for name in _frameworks(value)}
    if len(found) > 1:
        names = sorted(found)
        raise InputError(
            f"{called(function)} uses {' and '.join(names)}: say which of them is to give it its "
            f'arrays, with {keyword}="{names[0]}" or the other'
        )
    return found.pop() if found else "numpy"


def _frameworks(value: Any) -> set[str]:
    """Return the frameworks that a value is of."""
    packages = origins(value)
    if "keras" in packages:
        packages = {_backend_of_keras()}
    return {BUILT_ON[name] for name in packages if name in BUILT_ON}


def _backend_of_keras() -> str:
    keras = sys.modules.get("keras")
    return root(keras.config.backend()) if keras else "tensorflow"


def _without_functions(name: str, runtime: ModuleType) -> Port:
    return Port(
        module=ModuleType("functions"),
        framework=name,
        modes=("eager",),
        only_cpu=True,
        run_eagerly=None,
        configure=runtime.configure,
        to_native=runtime.to_native,
        to_numpy=runtime.to_numpy,
    )
