"""Where the time and the memory of a comparison went, per process."""

import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field

from parity.processes.messages import (
    Climb,
    Explain,
    Load,
    Measure,
    Recognise,
    Refer,
    Replay,
    Request,
    Retrace,
    Visit,
)

KINDS: dict[str, tuple[type[Request], ...]] = {
    "import": (Load,),
    "rungs": (Climb,),
    "reference": (Refer,),
    "noise floors": (Recognise, Measure),
    "explaining": (Visit, Replay, Retrace, Explain),
}


@dataclass
class Profile:
    """Seconds that each process was busy, by what it was asked, and the most bytes it held."""

    seconds: dict[tuple[str, type[Request]], float] = field(
        default_factory=lambda: defaultdict(float)
    )
    memory: dict[str, int] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, who: str, request: Request, seconds: float, memory: int) -> None:
        """Count what a process did, and the most memory that it has held so far.

        Args:
            who: the process, by the name of its port.
            request: what it was asked.
            seconds: how long it took to answer.
            memory: the most that it has held so far, in bytes.
        """
        with self.lock:
            self.seconds[who, type(request)] += seconds
            self.memory[who] = max(memory, self.memory.get(who, 0))

    def spent(self, who: str, kind: str) -> float:
        """Return the seconds that a process was busy with one of KINDS."""
        return sum(self.seconds.get((who, request), 0.0) for request in KINDS[kind])
