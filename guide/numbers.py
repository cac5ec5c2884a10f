"""The numbers of the ports' lines: recorded by running each column's in a process of its own.

They are kept in the user's cache, by all that they depend on.
"""

import contextlib
import hashlib
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

from guide import edits, highlight, ports, runs
from guide.ports import Net
from guide.traps import Trap
from parity.contract import ROOT, is_installed
from parity.processes.worker import QUIET
from parity.standard import cache
from parity.standard.comparison import LIMIT
from shared.errors import InputError
from traps import catalogue

AT_ONCE = 2  # processes
# What the numbers come from, besides the frameworks.
SOURCES = (
    *("guide/*.py", "parity/standard/*.py", "shared/*.py", "traps/*.toml"),
    *("impls/*/*.py", "impls/*/operations.toml"),
    *(f"examples/*/*.{kind}" for kind in ("py", "toml", "safetensors")),
)
DIFFERS = -1  # in place of a ratio that is no finite number

Recorded = dict[str, dict[str, Any]]  # what guide/recording.py writes, by net and column


def record(nets: Sequence[Net], columns: Iterable[str] = runs.EAGER) -> Recorded:
    """Run the ports of some nets in some columns, as far as what these stand on is installed.

    Raises:
        InputError: a column's ports could not be run.
    """
    able = (net for net in nets if runs.recipe_of(net) and is_installed(runs.reference_of(net)))
    names = [net.name for net in able]
    there = [column for column in columns if all(map(is_installed, ports.packages(column)))]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = zip(there, pool.map(lambda own: _recorded(own, names), there), strict=True)
        by_column = dict(found)
    return {
        name: {column: own[name] for column, own in by_column.items() if name in own}
        for name in names
    }


def _recorded(column: str, nets: list[str]) -> dict[str, Any]:
    """Return what a column's lines gave, by net: what is kept of it, or recorded now."""
    kept = cache.folder("numbers") / f"{column}-{_hash(column, nets)}.json"
    with contextlib.suppress(OSError, ValueError):  # it is not there, or damaged
        found: dict[str, Any] = json.loads(kept.read_text())
        return found
    with tempfile.TemporaryDirectory(prefix="lockstep-numbers-") as folder:
        file = Path(folder) / "numbers.json"
        done = subprocess.run(  # noqa: S603 - a module of ours
            [sys.executable, "-m", "guide.recording", column, file, *nets],
            env={**QUIET, **os.environ, "PYTHONPATH": f"{ROOT}"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = (done.stderr.strip() or f"exit status {done.returncode}").splitlines()[-1]
            raise InputError(
                f"the ports of {column} could not be run line by line ({said}): mend them, or "
                "build the guide with --no-numbers"
            )
        text = file.read_text()
        with contextlib.suppress(OSError):  # where nothing can be kept, it is recorded again
            kept.parent.mkdir(parents=True, exist_ok=True)
            own = kept.with_suffix(f".{os.getpid()}.tmp")
            own.write_text(text)
            own.replace(kept)
    recorded: dict[str, Any] = json.loads(text)
    return recorded


def _hash(column: str, nets: list[str]) -> str:
    digest = hashlib.sha256(f"{nets} {sys.version}".encode())
    references = {runs.reference_of(ports.net(name)) for name in nets}
    for package in sorted({"numpy", *ports.packages(column), *references}):
        with contextlib.suppress(ModuleNotFoundError):
            digest.update(f"{package} {version(package)}".encode())
    for file in sorted(path for pattern in SOURCES for path in ROOT.glob(pattern)):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:24]


def planted(recorded: Recorded) -> set[str]:
    """Return the traps whose numbers were recorded."""
    own = (column["planted"] for columns in recorded.values() for column in columns.values())
    return {name for traps in own for name in traps}


def for_page(net: Net, recorded: Recorded, traps: Iterable[Trap]) -> dict[str, Any] | None:
    """Return what the page of a net needs to show its numbers, as JSON; None where it has none.

    texts: all numbers and shapes that it speaks of. A value of a line is its name, then places in
    these: its shape, and its numbers at each step; then its ratio at each step, or None.
    """
    columns = recorded.get(net.name)
    recipe = runs.recipe_of(net)
    if not columns or recipe is None:
        return None
    one = next(iter(columns.values()))
    texts: dict[str, int] = {}

    def place(text: str) -> int:
        return texts.setdefault(text, len(texts))

    def packed(lines: dict[str, list[dict[str, Any]]]) -> dict[str, list[Any]]:
        return {
            line: [
                [
                    value["name"],
                    place(value["shape"]),
                    [place(text) for text in value["texts"]],
                    value["ratios"] and [_short(ratio) for ratio in value["ratios"]],
                ]
                for value in values
            ]
            for line, values in lines.items()
        }

    page: dict[str, Any] = {
        "recipe": recipe.name,
        "data": one["data"],
        "steps": one["steps"],
        "reference": ports.title(runs.reference_of(net)),
        "without": [ports.title(p.framework) for p in net.ports if p.framework not in columns],
        "limit": LIMIT,
        "columns": {name: packed(own["lines"]) for name, own in columns.items()},
        "traps": {
            f"{trap.entry}": {
                "title": trap.title,
                "column": trap.column,
                "edits": _edits(trap),
                **own,
                "lines": packed(own["lines"]),
            }
            for trap in traps
            if (own := columns.get(trap.column, {}).get("planted", {}).get(f"{trap.entry}"))
        },
    }
    return {**page, "texts": list(texts)}


def _short(ratio: float) -> float:
    return float(f"{ratio:.2g}") if math.isfinite(ratio) else DIFFERS


def _edits(trap: Trap) -> list[dict[str, Any]]:
    """Return the lines that a trap changes: those that are gone, and those in their place as HTML.

    after: the number of the line that those stand behind.
    """
    planted = catalogue.changed(trap.entry)
    html = highlight.lines(planted)
    return [
        {
            "gone": list(edit.gone),
            "after": edit.after,
            "lines": [str(html[edit.start - 1 + place]) for place in range(len(edit.lines))],
        }
        for edit in edits.edits(trap.entry.port.read_text(), planted)
    ]
