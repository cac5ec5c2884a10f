"""How the ports' time grows: with the batch, with the hidden layer, with the number of steps."""

import statistics
from dataclasses import dataclass, field
from itertools import groupby

from bench.library import Library, opened
from bench.measure import Announce
from bench.messages import Work

PORT_PLACE = 0  # each library's own port comes first among its contenders
BATCHES = (1, 10, 100, 1_000, 10_000, 55_000)
HIDDEN = (4, 16, 64, 256, 1_024, 4_096)
STEPS = (10, 100, 1_000, 10_000, 100_000, 1_000_000)
PATIENCE = 20.0  # seconds; what would take longer is reckoned from what did not


@dataclass
class Growth:
    """Measured values of each port over sizes. unit: of the values."""

    title: str
    axis: str
    unit: str
    sizes: tuple[int, ...]
    values: dict[str, list[float]] = field(default_factory=dict)
    reckoned: dict[str, list[bool]] = field(default_factory=dict)

    def winners(self) -> str:
        """Say which port is the fastest, and from which size on."""
        best = [
            min(self.values, key=lambda port, place=place: self.values[port][place])  # type: ignore[misc] # mypy cannot type a default of a lambda
            for place in range(len(self.sizes))
        ]
        stretches = [
            (port, next(places)[0])
            for port, places in groupby(enumerate(best), key=lambda pair: pair[1])
        ]
        first, *rest = [(port, self.sizes[place]) for port, place in stretches]
        said = "".join(f"; from {size:,} on, {port}" for port, size in rest)
        return f"fastest: {first[0]} from {first[1]:,} on{said}"


def measure(libraries: list[str], rounds: int, tell: Announce) -> list[Growth]:
    """Measure all ports over all sizes, in alternation.

    Args:
        libraries: whose ports take part.
        rounds: how often each is called for a size, after a first call.
        tell: is told what is measured next.

    Raises:
        RuntimeError: a library failed, or its process died.
    """
    with opened(libraries) as processes:
        sizes = [_over_batches(processes, rounds, tell), _over_hidden(processes, rounds, tell)]
    with opened(libraries) as processes:  # anew, so that first calls are first calls
        return [*sizes, _over_steps(processes, tell)]


def _over_batches(processes: dict[str, Library], rounds: int, tell: Announce) -> Growth:
    growth = Growth(
        "784-10 softmax: µs per step over rows per batch", "rows", "µs per step", BATCHES
    )
    for size in BATCHES:
        tell(f"growth: batches of {size:,}")
        steps = max(3, min(1_000, 300_000 // size))
        work = Work("mnist", PORT_PLACE, steps, batch=size)
        _add(growth, _per_step(processes, work, rounds))
    return growth


def _over_hidden(processes: dict[str, Library], rounds: int, tell: Announce) -> Growth:
    growth = Growth(
        "2-h-1 tanh and sigmoid on 400 points: µs per step over hidden units h",
        "hidden units",
        "µs per step",
        HIDDEN,
    )
    for size in HIDDEN:
        tell(f"growth: {size:,} hidden units")
        work = Work("planar", PORT_PLACE, max(10, min(1_000, 40_000 // size)), hidden=size)
        _add(growth, _per_step(processes, work, rounds))
    return growth


def _over_steps(processes: dict[str, Library], tell: Announce) -> Growth:
    """Measure whole first calls, compilation included."""
    growth = Growth(
        "planar: seconds of a whole run, its compilation included, over steps",
        "steps",
        "s",
        STEPS,
    )
    for process in processes.values():
        process.warm_up("planar")
    pace: dict[str, float] = {}
    for steps in STEPS:
        tell(f"growth: {steps:,} steps")
        found, reckoned = {}, {}
        for port, process in processes.items():
            reckoned[port] = pace.get(port, 0.0) * steps > PATIENCE
            before = growth.values.get(port, [0.0])[-1]
            if reckoned[port]:
                found[port] = before * 10 if before > PATIENCE else pace[port] * steps
            else:
                found[port] = process.train(Work("planar", PORT_PLACE, steps)).seconds
                pace[port] = found[port] / steps
        _add(growth, found)
        for port, flag in reckoned.items():
            growth.reckoned.setdefault(port, []).append(flag)
    return growth


def _per_step(processes: dict[str, Library], work: Work, rounds: int) -> dict[str, float]:
    """Return the median of microseconds per step, after a first call."""
    for process in processes.values():
        process.train(work)
    seconds: dict[str, list[float]] = {port: [] for port in processes}
    for _ in range(rounds):
        for port, process in processes.items():
            seconds[port].append(process.train(work).seconds)
    return {port: 1e6 * statistics.median(own) / work.steps for port, own in seconds.items()}


def _add(growth: Growth, found: dict[str, float]) -> None:
    for port, value in found.items():
        growth.values.setdefault(port, []).append(value)
