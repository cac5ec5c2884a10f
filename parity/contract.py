"""The port contract: what a port provides, and how one is found and loaded in a worker process."""

import importlib
import importlib.util
import reprlib
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Literal, Protocol, Self, get_args

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from shared.errors import InputError
from shared.legible import legible
from shared.operations import Operations
from shared.recipes import FUNCTIONS, guessed, is_spread, unknown
from shared.rounding import Rounding

SWITCH = "run_eagerly"
# The other files of a framework.
BESIDE_NETS = (
    *("runtime", "group", "noise", "primitives", "functions", "layers", "draft"),
    "variants",
)
RUNTIME = ("configure", SWITCH, "to_native", "to_numpy")  # a user's may lack the switch
ROOT = Path(__file__).parent.parent
# The reference comes first. A framework is a folder with a runtime: a new one is found here.
FRAMEWORKS = (
    "numpy",
    *sorted({path.parent.name for path in ROOT.glob("impls/*/runtime.py")} - {"numpy"}),
)

# What people call frameworks, or use on top of them, in lower case.
OTHER_NAMES = {
    "np": "numpy",
    "pytorch": "torch",
    "lightning": "torch",
    "tf": "tensorflow",
    "tf2": "tensorflow",
    "keras": "tensorflow",
    "tf.keras": "tensorflow",
    "tf1": "tensorflow_v1",
    "tf.compat.v1": "tensorflow_v1",
    "flax": "jax",
    "optax": "jax",
}
PACKAGES = {"tensorflow_v1": "tensorflow"}  # what a framework is installed as, if not by its name
SPREAD_BY = {"numpy": "mpi4py"}  # what a framework needs to spread over workers, besides itself

Array = NDArray[Any]
Mode = Literal["compiled", "eager"]
MODES: tuple[Mode, ...] = get_args(Mode)
DTYPES = ("float32", "float64")
DEVICES = ("cpu", "cuda")


class PortError(Exception):
    """A port cannot be loaded, or gave back something that cannot be used."""


@dataclass(frozen=True)
class PortName:
    """Which port: one of a framework's own, or a user's file.

    nets: those that a user's file is a port of; empty where it may be one of any.
    """

    name: str
    file: Path | None = None
    nets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", legible(self.name))  # a file may be called anything

    def __str__(self) -> str:
        return self.name

    def covers(self, net: str) -> bool:
        """Whether there is a port of that net."""
        if self.file is None:
            return net in nets_of(self.name) and (not is_spread(net) or spreads(self.name))
        return not self.nets or net in self.nets


REFERENCE = PortName("numpy")  # of our own recipes


@dataclass(frozen=True)
class Seat:
    """A worker's place in a group.

    rank: which one it is. addresses: of all, "HOST:PORT" each. timeout: for joining, in seconds.
    """

    rank: int
    addresses: tuple[str, ...]
    timeout: float


class Noise(Protocol):
    """While it lasts, every operation of a framework errs at random."""

    operations: Operations

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...

    def take(self, value: Any) -> Any:
        """Return a native array as one that errs."""
        ...

    def require(self, values: Iterable[Any], where: str) -> None:
        """Check that what a function called `where` returned has kept the noise.

        Raises:
            NoiseLostError: it has not.
        """
        ...


@dataclass(frozen=True)
class Port:
    """A loaded port: its module, and the runtime that surrounds it.

    modes: those it can run in, its own first: both where it is compiled and has a switch for that.
    only_cpu: whether its runtime has no other device, whatever is asked for.
    """

    module: ModuleType
    framework: str
    modes: tuple[Mode, ...]
    only_cpu: bool
    run_eagerly: Callable[[bool], None] | None
    configure: Callable[[str, str, int], None]
    to_native: Callable[[Array], Any]
    to_numpy: Callable[[Any], Any]

    def run_in(self, mode: Mode) -> None:
        """Switch the framework's compiler on or off, where it has one."""
        if len(self.modes) > 1 and self.run_eagerly:
            self.run_eagerly(mode == "eager")

    def noise(self, random: Generator) -> Noise:
        """Return noise for the port's framework, with errors from `random`.

        Raises:
            PortError: it has none, so the port can be no reference.
        """
        name = f"impls.{self.framework}.noise"
        if importlib.util.find_spec(f"impls.{self.framework}") is None or (
            importlib.util.find_spec(name) is None
        ):
            able = ", ".join(path.parent.name for path in sorted(ROOT.glob("impls/*/noise.py")))
            raise PortError(
                f"rounding in {self.framework} cannot be measured, so it can be no reference: "
                f"that is a port in {able}"
            )
        noise: Noise = importlib.import_module(name).Noise(Rounding(random))
        return noise

    def has(self, *functions: str) -> bool:
        """Whether the port provides all these functions."""
        return all(callable(getattr(self.module, name, None)) for name in functions)

    def lacks(self, functions: tuple[str, ...]) -> tuple[str, ...]:
        """Return those of some functions that the port does not provide."""
        return tuple(name for name in functions if not self.has(name))


def check_framework(name: str) -> PortName:
    """Return the name of a framework's ports.

    Raises:
        InputError: there is no such framework, or it is not installed.
    """
    if name not in FRAMEWORKS:
        raise InputError(unknown("framework", name, list(FRAMEWORKS), OTHER_NAMES))
    if not is_installed(name):
        rest = ",".join(other for other in FRAMEWORKS if is_installed(other))
        raise InputError(
            f"{name} is not installed: install it with pip install {PACKAGES.get(name, name)}, "
            f"or leave it out with --frameworks {rest}"
        )
    return PortName(name)


def is_installed(framework: str) -> bool:
    """Whether a framework's package is there to be imported."""
    return importlib.util.find_spec(PACKAGES.get(framework, framework)) is not None


def spreads(framework: str) -> bool:
    """Whether a framework has all that it needs to spread over workers."""
    needed = SPREAD_BY.get(framework)
    return needed is None or importlib.util.find_spec(needed) is not None


def nets_of(framework: str) -> list[str]:
    """Return the nets that a framework has ports of."""
    files = (ROOT / "impls" / framework).glob("*.py")
    return sorted({path.stem for path in files} - {"__init__", *BESIDE_NETS})


def load_framework(name: PortName) -> tuple[str, tuple[Mode, ...], bool]:
    """Import what all ports of that name need; return what its ports have of `Port`.

    Returns:
        The framework's name, the modes, and whether it has only the CPU.

    Raises:
        PortError: as `load`.
    """
    if name.file is None:
        runtime = importlib.import_module(f"impls.{name}.runtime")
        return str(name), _modes(runtime, runtime), _has_only_cpu(runtime)
    port = load(name, name.file.stem)
    return port.framework, port.modes, port.only_cpu


def join(name: PortName, seat: Seat) -> None:
    """Let this process become one of the workers that a port spreads over.

    Raises:
        PortError: nobody knows how: the port's runtime is its own, and has no `join`.
    """
    port = load(name, name.file.stem) if name.file else None
    framework = port.framework if port else str(name)
    if port and callable(getattr(port.module, "join", None)):
        group: Any = port.module
    elif importlib.util.find_spec(f"impls.{framework}") and importlib.util.find_spec(
        f"impls.{framework}.group"
    ):
        group = importlib.import_module(f"impls.{framework}.group")
    else:
        raise PortError(
            f"it cannot spread over {len(seat.addresses)} workers: define "
            "join(rank, addresses, timeout), by which each becomes one of them"
        )
    group.join(seat.rank, seat.addresses, seat.timeout)


def load(name: PortName, net: str) -> Port:
    """Load the port of `net`, and its framework with it.

    Raises:
        PortError: a user's file provides none of the functions, or names an unknown framework or
            an unknown mode.
    """
    if name.file is None:
        return _with_runtime(importlib.import_module(f"impls.{name}.{net}"), str(name))
    module = load_file(name.file)
    port = _own_runtime(module) or _with_runtime(module, _framework_of(module))
    if port.lacks(FUNCTIONS) == FUNCTIONS:
        raise PortError(f"it provides none of the functions of a port: {', '.join(FUNCTIONS)}")
    return port


def module_name(path: Path) -> str:
    """Return what the module of a user's file is called."""
    return f"lockstep_port_{path.stem}"


@lru_cache
def load_file(path: Path) -> ModuleType:
    """Import a user's file.

    Raises:
        PortError: it is not called as Python files are.
    """
    sys.path.append(str(path.parent))  # last, so that no file beside it hides a framework
    spec = importlib.util.spec_from_file_location(module_name(path), path)
    if spec is None or spec.loader is None:
        raise PortError("its name does not end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module
    spec.loader.exec_module(module)
    return module


def _framework_of(module: ModuleType) -> str | None:
    framework = getattr(module, "FRAMEWORK", None)
    if framework is None:
        return None
    for known in FRAMEWORKS if isinstance(framework, str) else ():
        if framework == known:
            return known  # a plain string, whatever kind of string the port's is
    if isinstance(framework, str):
        guess = guessed(framework, list(FRAMEWORKS), OTHER_NAMES)
    else:
        guess = f"write a name in quotes (one of {', '.join(FRAMEWORKS)})"
    raise PortError(f"it says FRAMEWORK = {reprlib.repr(framework)}: {guess}")


def _own_runtime(module: ModuleType) -> Port | None:
    """Return the port with the runtime that its file defines, if it defines one."""
    own = [name for name in RUNTIME if callable(getattr(module, name, None))]
    if not own or getattr(module, "FRAMEWORK", None):
        return None
    missing = [name for name in RUNTIME if name not in (*own, SWITCH)]
    if missing:
        raise PortError(
            f"it has {', '.join(own)} but not {', '.join(missing)}: define all three, or none of "
            f'them and say FRAMEWORK = "torch" (or {", ".join(FRAMEWORKS)})'
        )
    return _port(module, "own", module)


def _with_runtime(module: ModuleType, framework: str | None) -> Port:
    if framework is None:
        return _port(module, "numpy", PLAIN)
    return _port(module, framework, importlib.import_module(f"impls.{framework}.runtime"))


def _port(module: ModuleType, framework: str, runtime: ModuleType | SimpleNamespace) -> Port:
    return Port(
        module,
        framework,
        _modes(module, runtime),
        runtime is not module and _has_only_cpu(runtime),  # a port's own gets what is asked for
        getattr(runtime, SWITCH, None),
        *(getattr(runtime, name) for name in RUNTIME if name != SWITCH),
    )


def _modes(module: ModuleType, runtime: ModuleType | SimpleNamespace) -> tuple[Mode, ...]:
    """Return the modes of a port, its own first: as its file, or else its runtime, says by MODE."""
    has_switch = callable(getattr(runtime, SWITCH, None))
    mode = getattr(module, "MODE", getattr(runtime, "MODE", "compiled" if has_switch else "eager"))
    if mode not in MODES:
        raise PortError(f"it says MODE = {mode!r}: choose from {', '.join(MODES)}")
    return MODES if mode == "compiled" and has_switch else (mode,)


def _has_only_cpu(runtime: ModuleType | SimpleNamespace) -> bool:
    return bool(getattr(runtime, "ONLY_CPU", False))


def _nothing_to_configure(dtype: str, device: str, threads: int) -> None:
    """Do nothing: a port without a runtime gets and gives NumPy arrays as they are."""


PLAIN = SimpleNamespace(
    ONLY_CPU=True,
    configure=_nothing_to_configure,
    to_native=np.array,
    to_numpy=np.asarray,
)
