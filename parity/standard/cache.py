"""References and noise floors kept in the user's cache, keyed by all that they depend on.

Each file holds a hash of its name and of its content, so that neither a damaged file nor one under
another's name is taken for what it is not.
"""

import ast
import contextlib
import hashlib
import json
import os
import platform
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import threadpoolctl
from numpy.typing import NDArray

from parity.contract import ROOT
from parity.standard.floors import NoiseFloors
from parity.standard.inputs import Inputs
from parity.standard.reference import Reference
from shared import syntax
from shared.recipes import base_name

# What these come to is hashed itself: weights, schedule, functions, learning rate, data.
HASHED_BY_RESULT = ("shared/figures.py", "shared/recipes.py", "shared/weights.py")
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef
HASH = "sha256"  # of the rest of a file
NOISE = ROOT / "impls" / "numpy" / "noise.py"
OPERATIONS = NOISE.with_name("operations.toml")
NOT_KEPT = Reference({}, {}, {}, np.empty(0), {})  # of a user's, which is always run


def folder(kind: str = "floors") -> Path:
    """Return where something is kept: under $LOCKSTEP_CACHE, or in the user's cache folder."""
    named = os.environ.get("LOCKSTEP_CACHE")
    return Path(named or platformdirs.user_cache_dir("lockstep", appauthor=False)) / kind


def path(inputs: Inputs, data_sha256: str, fingerprint: str = "") -> Path:
    """Return the file of one recipe in one precision; its name holds the hash of what matters.

    Args:
        inputs: of the recipe's run.
        data_sha256: the hash of its data.
        fingerprint: of a user's reference.
    """
    digest = hashlib.sha256(fingerprint.encode())
    for file in own_code() if fingerprint else code(inputs.net):
        digest.update(_meaning(file).encode())
    for file in sorted(ROOT.glob("impls/*/operations.toml")) if fingerprint else [OPERATIONS]:
        digest.update(file.read_bytes())
    facts = [
        *(sys.version, np.__version__, platform.machine(), np.show_config("dicts"), _kernels()),
        *(data_sha256, inputs.dtype, inputs.threads),
        *(inputs.learning_rate, inputs.steps, inputs.functions),
        *(inputs.array(name).shape for name in inputs.files),
    ]
    digest.update(json.dumps(facts).encode())
    given = {**inputs.weights, "schedule": np.asarray(inputs.schedule)}
    for name, array in sorted(given.items()):  # files of weights may hold them in any order
        digest.update(f"{name} {array.dtype} {array.shape} ".encode() + array.tobytes())
    recipe = base_name(inputs.recipe)  # over workers, it is held to the same
    return folder() / f"{recipe}-{inputs.dtype}-{digest.hexdigest()[:24]}.npz"


def code(net: str) -> list[Path]:
    """Return the files that a net's reference and its floors are computed by, in order.

    They are NumPy's port and its noise, what measures it, and all that these import of ours.
    """
    return _with_imports([NOISE, ROOT / "impls" / "numpy" / f"{net}.py"])


def own_code() -> list[Path]:
    """Return the files that the floors of a user's reference are computed by, in any framework."""
    return _with_imports(
        [file for name in ("noise", "runtime") for file in ROOT.glob(f"impls/*/{name}.py")]
    )


def _with_imports(files: list[Path]) -> list[Path]:
    """Return files, what measures floors, and all that these import of ours, in order."""
    waiting = [Path(__file__), *files]
    found: set[Path] = set()
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += _imported(file)
    return sorted(found - {ROOT / name for name in HASHED_BY_RESULT})


def load(file: Path) -> tuple[Reference, NoiseFloors] | None:
    """Return what is kept in a file; of a missing, a damaged or another's one, None."""
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            flat = {name: arrays[name] for name in arrays.files}
        if flat.pop(HASH).item() != _hash(file, flat):
            return None
        content = _nest(flat)
        return Reference(**content["reference"]), NoiseFloors(**_floats(content["floors"]))
    except Exception:  # whatever is wrong with it, it is measured again
        return None


def save(file: Path, reference: Reference, floors: NoiseFloors) -> None:
    """Keep a reference and its floors; where that is impossible, they are measured again."""
    flat = {**_flatten(("reference",), vars(reference)), **_flatten(("floors",), vars(floors))}
    temporary = file.with_suffix(f".{os.getpid()}.tmp")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as stream:
            np.savez(stream, **{**flat, HASH: np.array(_hash(file, flat))})
        temporary.replace(file)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


@lru_cache
def _tree(file: Path) -> ast.Module:
    """Return a file's syntax, which has no comments, without its docstrings."""
    tree = syntax.parse(file.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node):
            del node.body[0]
    return tree


@lru_cache
def _meaning(file: Path) -> str:
    """Return what a file says to Python, and nothing that it says to people."""
    return f"{file.relative_to(ROOT)} {ast.dump(_tree(file))}"


@lru_cache
def _imported(file: Path) -> list[Path]:
    """Return the files of the project that a file imports."""
    modules: list[str] = []
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    files = (ROOT / f"{module.replace('.', '/')}.py" for module in modules)
    return [each for each in files if each.is_file()]


def _kernels() -> list[str]:
    """Return for which processors the linear algebra is written that runs here."""
    libraries = threadpoolctl.threadpool_info()  # others than NumPy's too, once they are loaded
    return sorted({library["architecture"] for library in libraries if "architecture" in library})


def _hash(file: Path, flat: dict[str, NDArray[Any]]) -> str:
    """Return the hash of a file's name and of all names, types, shapes and values in it."""
    digest = hashlib.sha256(file.name.encode())
    for name, array in sorted(flat.items()):
        digest.update(f"{name} {array.dtype} {array.shape} ".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _flatten(key: tuple[Any, ...], value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {json.dumps(key): np.asarray(value)}
    if not value:
        return {json.dumps((*key, None)): np.zeros(0)}  # None in place of a name: there is none
    return {k: v for name in value for k, v in _flatten((*key, name), value[name]).items()}


def _nest(flat: dict[str, Any]) -> Any:
    nested: dict[Any, Any] = {}
    for text, array in flat.items():
        *parents, last = (tuple(k) if isinstance(k, list) else k for k in json.loads(text))
        place = nested
        for parent in parents:
            place = place.setdefault(parent, {})
        if last is not None:
            place[last] = array
    return nested


def _floats(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _floats(item) for name, item in value.items()}
    return value if value.ndim else value.item()
