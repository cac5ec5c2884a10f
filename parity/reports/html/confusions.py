"""Which classes are taken for which, as tables; ports that do alike share one."""

from dataclasses import dataclass
from math import sqrt

from parity.results import Confusion, PortResult

SHADES = 9


@dataclass(frozen=True)
class Cell:
    """One number of a table, and how dark it is shown, from 0 to SHADES."""

    count: int
    shade: int


@dataclass(frozen=True)
class Table:
    """Rows of each true class (down) by the class they are taken for (across). who: by which."""

    who: str
    split: str
    rows: list[list[Cell]]
    finding: str


def confusions(results: list[PortResult]) -> list[Table]:
    """Return a table for all ports that take the same rows for the same classes."""
    alike: dict[Confusion, list[PortResult]] = {}
    for result in results:
        if result.confusion:
            alike.setdefault(result.confusion, []).append(result)
    return [_table(found, own, len(alike) == 1) for found, own in alike.items()]


def _table(found: Confusion, results: list[PortResult], alone: bool) -> Table:
    rows = sum(map(sum, found.counts))
    right = sum(counts[number] for number, counts in enumerate(found.counts))
    return Table(
        "every port" if alone and len(results) > 1 else _names(results),
        found.split,
        [[Cell(count, _shade(count, sum(counts))) for count in counts] for counts in found.counts],
        f"{right:,} of {rows:,} right",
    )


def _names(results: list[PortResult]) -> str:
    """Return who they are, a port once with its precisions."""
    ports = dict.fromkeys(result.port for result in results)
    return "; ".join(
        f"{port} {', '.join(dict.fromkeys(r.dtype for r in results if r.port == port))}"
        for port in ports
    )


def _shade(count: int, row: int) -> int:
    """Return how dark a count is; by the root of its share, so that what is rare shows, too."""
    if count == 0:
        return 0
    return max(1, round(SHADES * sqrt(count / row)))
