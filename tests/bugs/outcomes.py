"""Running planted ports through compare.py, and reading what it says of each."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tests.bugs.catalogue import DTYPES, RAISES, Bug, Entry, plant
from tests.running import Run, run_compare

AT_ONCE = 12  # planted files in one call: each is a process that lives until the call ends
Catch = Literal["caught", "elsewhere", "missed"]


@dataclass(frozen=True)
class Outcome:
    """What was said of a planted port in one precision.

    rung, step, tensor: of the first divergence; the rung is "error" where the port raised first.
    cause: what the diagnosis names, if there is one. says: all of it in a few words.
    """

    verdict: str
    rung: str | None
    step: int | None
    tensor: str | None
    ratio: float
    cause: str | None
    says: str


Outcomes = dict[tuple[Entry, str], Outcome]


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
    outcomes: Outcomes = {}
    for group in _groups(entries):
        recipe, steps = group[0].recipe, group[0].steps
        tell(f"{recipe}, {steps:,} steps: {len(group)} planted ports")
        with tempfile.TemporaryDirectory(prefix="lockstep-bugs-") as folder:
            done = _compare(group, environment, Path(folder))
        for entry in group:
            for dtype in DTYPES:
                outcomes[entry, dtype] = _outcome(done, entry, dtype)
    return outcomes


def judge(bug: Bug, outcome: Outcome) -> Catch:
    """Return whether the bug was caught where it should be, elsewhere, or not at all."""
    if outcome.verdict == "agree":
        return "missed"
    right_step = bug.step is None or bug.step == outcome.step
    return "caught" if outcome.rung == bug.rung and right_step else "elsewhere"


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
    divergence = result["divergence"]
    if divergence is None:
        return Outcome(
            verdict=result["verdict"],
            rung=RAISES if result["error"] else None,
            step=None,
            tensor=None,
            ratio=max((float(rung["ratio"]) for rung in result["rungs"]), default=float("nan")),
            cause=_cause(result),
            says=result["error"] or "agrees",
        )
    return Outcome(
        verdict=result["verdict"],
        rung=divergence["rung"],
        step=divergence["step"],
        tensor=divergence["tensor"],
        ratio=float(divergence["ratio"]),
        cause=_cause(result),
        says="{rung}, step {step}, {tensor}: {ratio:g} floors".format(
            **{**divergence, "ratio": float(divergence["ratio"])}
        ),
    )


def _cause(result: dict[str, Any]) -> str | None:
    """Return the cause that the diagnosis names, if there is one."""
    diagnosis = result.get("diagnosis")
    return diagnosis["cause"] if diagnosis else None
