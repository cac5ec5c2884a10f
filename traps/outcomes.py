"""Running planted ports through compare.py, and reading what it says of each."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from traps.catalogue import DTYPES, RAISES, Entry, plant
from traps.comparing import Run, run_compare
from traps.record import Outcome, Outcomes

AT_ONCE = 12  # planted files in one call: each is a process that lives until the call ends


def run(
    entries: Sequence[Entry],
    environment: Mapping[str, str],
    tell: Callable[[str], object] = lambda _: None,
) -> Outcomes:
    """Plant the entries, compare them, and return what was said, by entry and precision.

    Args:
        entries: what to plant.
        environment: of compare.py's processes.
        tell: is told of every call before it starts.
    """
    outcomes: dict[tuple[Entry, str], Outcome] = {}
    for group in _groups(entries):
        recipe, steps = group[0].recipe, group[0].steps
        tell(f"{recipe}, {steps:,} steps: {len(group)} planted ports")
        with tempfile.TemporaryDirectory(prefix="lockstep-bugs-") as folder:
            done = _compare(group, environment, Path(folder))
        for entry in group:
            for dtype in DTYPES:
                outcomes[entry, dtype] = _outcome(done, entry, dtype)
    return outcomes


def _groups(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Yield the entries in lists that one call of compare.py can take."""
    alike: dict[Any, list[Entry]] = {}
    for entry in entries:
        alike.setdefault((entry.recipe, entry.steps, entry.mode), []).append(entry)
    for group in alike.values():
        for start in range(0, len(group), AT_ONCE):
            yield group[start : start + AT_ONCE]


def _compare(group: list[Entry], environment: Mapping[str, str], folder: Path) -> Run:
    """Compare a group's planted ports with the reference."""
    files = [plant(entry, folder) for entry in group]
    first = group[0]
    done = run_compare(
        environment,
        folder / "report.json",
        *(first.recipe, "--data", "digits", "--steps", first.steps, "--frameworks", "numpy"),
        *(("--mode", first.mode) if first.mode else ()),
        *(f"--with={file}" for file in files),
        "--quiet",
    )
    if not done.report:
        raise RuntimeError(f"compare.py ended with {done.status} and no report: {done.stderr}")
    return done


def _outcome(done: Run, entry: Entry, dtype: str) -> Outcome:
    """Read what was said of an entry; of several modes, the first in which it does not agree."""
    found = [
        result
        for result in done.report["results"]
        if result["port"] == entry.file and result["dtype"] == dtype
    ]
    result = next((each for each in found if each["verdict"] != "agree"), found[0])
    divergence, diagnosis = result["divergence"], result["diagnosis"] or {}
    where = divergence or {
        "rung": RAISES if result["error"] else None,
        "step": None,
        "tensor": None,
        "ratio": max((float(rung["ratio"]) for rung in result["rungs"]), default=float("nan")),
    }
    return Outcome(
        verdict=result["verdict"],
        rung=where["rung"],
        step=where["step"],
        tensor=where["tensor"],
        ratio=float(where["ratio"]),
        cause=diagnosis.get("cause"),
        evidence=diagnosis.get("evidence"),
        confidence=diagnosis.get("confidence"),
        error=result["error"],
    )
