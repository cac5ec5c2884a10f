"""What compare.py said of every entry of the catalogue when it was planted, as kept in a file.

Planting them all takes minutes, so `python -m traps.score --record` writes down what was said,
with a hash of the entry that it was said of.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from parity.results import RUNGS
from traps import kept
from traps.catalogue import Bug, Entry

FILE = Path(__file__).with_name("record.json")
Catch = Literal["caught", "elsewhere", "missed"]
# What is said of a process that came to its end before the port was judged.
ENDED = re.compile(r"hung: it gave no answer|was killed \(SIGKILL\)|crashed the process")


@dataclass(frozen=True)
class Outcome:
    """What was said of a planted port in one precision.

    rung, step, tensor: of the first divergence; the rung is "error" where the port raised first.
    ratio: the port's error there in noise floors or, where it agrees, the worst there was. cause,
    evidence, confidence: of the diagnosis, if there is one. error: what the port raised. layer: the
    first wrong one, or that of the first tensor that differs.
    """

    verdict: str
    rung: str | None
    step: int | None
    tensor: str | None
    ratio: float
    cause: str | None
    evidence: str | None
    confidence: float | None
    error: str | None
    layer: str | None = None

    @property
    def says(self) -> str:
        """All of it in a few words."""
        if self.tensor is None:
            return self.error or "agrees"
        return f"{self.rung}, step {self.step}, {self.tensor}: {self.ratio:g} floors"


Outcomes = Mapping[tuple[Entry, str], Outcome]


def judge(bug: Bug, outcome: Outcome) -> Catch:
    """Return whether the bug was caught where it should be, elsewhere, or not at all.

    A process that the machine ended says nothing of a bug that should show in numbers.
    """
    ended = bug.rung in RUNGS and ENDED.search(outcome.error or "")
    if outcome.verdict == "agree" or ended:
        return "missed"
    right_step = bug.step is None or bug.step == outcome.step
    return "caught" if outcome.rung == bug.rung and right_step else "elsewhere"


def save(outcomes: Outcomes, entries: Iterable[Entry], file: Path = FILE) -> None:
    """Write what was said, beside what is kept of other entries.

    Args:
        outcomes: what was said just now, by entry and precision.
        entries: the whole catalogue; what is kept of anything else is dropped.
        file: the record.
    """
    known = list(entries)
    said = {
        entry: {dtype: _strict(outcomes[entry, dtype]) for dtype in entry.judged}
        for entry in known
        if (entry, entry.judged[0]) in outcomes
    }
    kept.save(said, known, file)


def load(entries: Iterable[Entry], file: Path = FILE) -> Outcomes:
    """Return what was said of each entry, by precision.

    Raises:
        InputError: nothing is kept of an entry, or it has changed since.
    """
    outcomes = {}
    for entry, said in kept.load(entries, file, "recorded", "traps.score --record").items():
        for dtype in entry.judged:
            fields = {**said[dtype], "ratio": float(said[dtype]["ratio"])}
            outcomes[entry, dtype] = Outcome(**fields)
    return outcomes


def _strict(outcome: Outcome) -> dict[str, object]:
    """Return an outcome as JSON takes it: a ratio that is no finite number as a string."""
    fields = {k: v for k, v in asdict(outcome).items() if k != "layer" or v}
    ratio = float(f"{outcome.ratio:.3g}")
    return {**fields, "ratio": ratio if math.isfinite(ratio) else str(ratio)}
