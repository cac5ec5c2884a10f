"""Planting ports, judging them, and reading what is said of each."""

import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

from parity.contract import PortName
from parity.processes.options import Options
from parity.processes.progress import Progress
from parity.results import PortResult
from parity.sessions.session import Session
from parity.sessions.settings import Settings
from traps import small
from traps.catalogue import RAISES, Entry, plant
from traps.record import Outcome, Outcomes

ROWS = 8  # of an example's data


def run(
    entries: Sequence[Entry],
    tell: Callable[[str], object] = lambda _: None,
    at_once: int = os.cpu_count() or 1,
) -> Outcomes:
    """Plant the entries, judge them, and return what was said, by entry and precision.

    All of one framework are judged in one process, or in one group of workers, one after the other,
    so that the framework is imported once.

    Args:
        entries: what to plant.
        tell: is told of every group of entries before it starts.
        at_once: how many frameworks are at work at the same time.
    """
    frameworks = [list(own) for _, own in groupby(sorted(entries, key=_order), _framework)]
    outcomes: dict[tuple[Entry, str], Outcome] = {}
    with ThreadPoolExecutor(at_once) as pool:
        for found in pool.map(lambda own: _judge(own, tell, Options()), frameworks):
            outcomes |= found
    return outcomes


def run_on(address: str, entries: Sequence[Entry], shown: Progress) -> Outcomes:
    """Return what `run` does, from the nodes of a cluster; a cell is what one comparison can take.

    Args:
        address: of its scheduler.
        entries: what to plant.
        shown: is told of cells.

    Raises:
        ClusterError, InputError, ReferenceFailedError: as `Cluster.results`.
    """
    from parity.sessions.cluster.client import Call, Cluster  # which take Dask

    calls = [
        Call(f"{framework}, {alike[0]}", judged, list(own))
        for (framework, alike), own in groupby(
            sorted(entries, key=_order), lambda entry: (entry.framework, _alike(entry))
        )
    ]
    outcomes: dict[tuple[Entry, str], Outcome] = {}
    with Cluster(address, shown) as cluster:
        for found in cluster.results(calls):
            outcomes |= found
    return outcomes


def judged(entries: list[Entry]) -> dict[tuple[Entry, str], Outcome]:
    """Judge the entries of a cell on a node."""
    return _judge(entries, lambda _: None, Options(at_once=1))  # a cell is a core's


def _framework(entry: Entry) -> str:
    return entry.framework


def _alike(entry: Entry) -> tuple[str, int, str, tuple[str, ...]]:
    """Return what entries have in common that one comparison can take."""
    return entry.recipe, entry.steps, entry.mode or "compiled", entry.judged


def _order(entry: Entry) -> tuple[str, tuple[str, int, str, tuple[str, ...]], str]:
    return entry.framework, _alike(entry), entry.name


def _judge(
    entries: list[Entry], tell: Callable[[str], object], options: Options
) -> dict[tuple[Entry, str], Outcome]:
    """Judge the entries of one framework."""
    outcomes: dict[tuple[Entry, str], Outcome] = {}
    with (
        tempfile.TemporaryDirectory(prefix="lockstep-bugs-") as folder,
        Session(options, Progress(), shared=True) as session,
    ):
        for (recipe, steps, mode, dtypes), alike in groupby(entries, _alike):
            own = Path(tempfile.mkdtemp(dir=folder))  # two nets may have bugs of one name
            group = {plant(entry, own): entry for entry in alike}
            first, *_ = group.values()
            tell(f"{first.framework}, {recipe}, {steps:,} steps: {len(group)} planted ports")
            if first.example:
                recipe = str(small.written(first.net, own, ROWS, steps))
            dtype = dtypes[0] if len(dtypes) == 1 else None
            settings = Settings(steps=steps, mode=mode, data="digits", dtype=dtype)
            trials = settings.trials([recipe])
            ports = [PortName(entry.file, file) for file, entry in group.items()]
            results = list(session.compare(trials, ports))
            for entry in group.values():
                for dtype in {result.dtype for result in results}:
                    outcomes[entry, dtype] = _outcome(results, entry, dtype)
    return outcomes


def _outcome(results: list[PortResult], entry: Entry, dtype: str) -> Outcome:
    """Read what was said of an entry; of several modes, the first in which it does not agree."""
    found = [each for each in results if each.port == entry.file and each.dtype == dtype]
    result = next((each for each in found if each.verdict != "agree"), found[0])
    divergence, diagnosis = result.divergence, result.diagnosis
    worst = max((rung.ratio for rung in result.rungs), default=float("nan"))
    return Outcome(
        verdict=result.verdict,
        rung=divergence.rung if divergence else RAISES if result.error else None,
        step=divergence.step if divergence else None,
        tensor=f"{divergence.place}" if divergence else None,
        ratio=float(divergence.ratio if divergence else worst),
        cause=diagnosis.cause if diagnosis else None,
        evidence=diagnosis.evidence if diagnosis else None,
        confidence=diagnosis.confidence if diagnosis else None,
        error=result.error,
        layer=_layer(result) if entry.example else None,
    )


def _layer(result: PortResult) -> str | None:
    """Return the layer that a report points to: the first wrong one, or that of a tensor."""
    if result.looked.wrong:
        return result.looked.wrong.name
    if not result.divergence:
        return None
    name = result.divergence.first_backward or result.divergence.place.name
    return name.rpartition(".")[0] or name
