"""Where the time and the memory of a comparison went, per process."""

import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from parity.messages import Climb, Explain, Load, Measure, Refer, Replay, Request, Retrace, Visit
from parity.verdicts import PortResult

COLUMNS: dict[str, tuple[type[Request], ...]] = {
    "import": (Load,),
    "rungs": (Climb,),
    "reference": (Refer,),
    "noise floors": (Measure,),
    "explaining": (Visit, Replay, Retrace, Explain),
}


@dataclass
class Profile:
    """Seconds that each process was busy, by what it was asked, and the most memory it held."""

    seconds: dict[tuple[str, type[Request]], float] = field(
        default_factory=lambda: defaultdict(float)
    )
    memory: dict[str, int] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, who: str, request: Request, seconds: float, memory: int) -> None:
        """Count what a process did, and the most bytes that it has held so far."""
        with self.lock:
            self.seconds[who, type(request)] += seconds
            self.memory[who] = max(memory, self.memory.get(who, 0))

    def table(self, results: list[PortResult]) -> RenderableType:
        """Return a row per process: seconds by kind of work, and the peak of its memory."""
        shown = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        shown.add_column("seconds of")
        for name in ("import", "rungs", "first steps", "whole runs", *list(COLUMNS)[2:], "peak MB"):
            shown.add_column(name, justify="right")
        for who, memory in sorted(self.memory.items()):
            own = [result for result in results if result.port == who]
            cells = {name: self._spent(who, kinds) for name, kinds in COLUMNS.items()}
            first = sum(result.seconds["first_step"] or 0 for result in own)
            train = sum(result.seconds["train"] or 0 for result in own)
            shown.add_row(
                Text(who),
                *map(_seconds, (cells.pop("import"), cells.pop("rungs"), first, train)),
                *map(_seconds, cells.values()),
                f"{memory / 1e6:,.0f}" if memory else "",
            )
        whole = time.monotonic() - self.started
        note = (
            "Rungs include first steps (which trace and compile) and whole runs. This process read "
            f"data, judged\nand reported in {time.process_time():.1f} s of {whole:.1f} s."
        )
        return Group(Text(), shown, Text(note))

    def _spent(self, who: str, kinds: tuple[type[Request], ...]) -> float:
        return sum(self.seconds.get((who, kind), 0.0) for kind in kinds)


def _seconds(value: float) -> str:
    return f"{value:.1f}" if value else ""
