"""What must be the same here and on a node, lest it judge by other rules."""

import hashlib
import platform
from functools import lru_cache

from parity.contract import ROOT
from parity.reports.run import environment

JUDGE = ("impls", "parity", "shared")  # the folders whose code every cell runs
BESIDE = {"traps": ("examples",)}  # what the code of a folder reads
SUFFIXES = (".py", ".toml")


@lru_cache
def here(folder: str) -> dict[str, str]:
    """Return the versions of Lockstep, Python and the frameworks in this process's environment.

    folder: one of Lockstep's, which counts besides those of the judge.
    """
    code = _code(tuple(sorted({*JUDGE, folder, *BESIDE.get(folder, ())})))
    python = platform.python_version()
    return {"Lockstep": f"code {code}", "Python": python, **environment()["versions"]}


def difference(there: dict[str, str], due: dict[str, str]) -> str | None:
    """Return how a node's versions differ from those that are due, as the end of a sentence."""
    for name, version in due.items():
        if there.get(name) != version:
            found = f"{name} {there[name]}" if name in there else f"no {name}"
            return f"has {found}, where {version} is due: install the same versions there"
    return None


def _code(folders: tuple[str, ...]) -> str:
    """Return a hash of all code in some folders."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in SUFFIXES:
                digest.update(f"{path.relative_to(ROOT).as_posix()} ".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
