"""A comparison that is over: what every report is made of."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypedDict

from parity.baseline.changes import Since
from parity.contract import FRAMEWORKS, PACKAGES
from parity.results import PortResult, Verdict, overall


class Environment(TypedDict):
    """Where a comparison ran: versions of Python and of the frameworks that are installed."""

    python: str
    platform: str
    versions: dict[str, str]


@dataclass(frozen=True)
class FinishedRun:
    """A comparison that is over.

    seconds: how long it took. options: those given on the command line. threads: of each port.
    since: what became of the ports' numbers since a baseline, if it was held to one. files: those
    of users' ports, by name.
    """

    results: list[PortResult]
    seconds: float
    options: tuple[str, ...] = ()
    threads: int = 1
    since: Since | None = None
    files: Mapping[str, Path] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """The worst of all verdicts; what has moved since a baseline is held against it, too."""
        worst = overall(self.results)
        moved = self.since is not None and not self.since.holds
        return "disagree" if worst == "agree" and moved else worst

    @property
    def ports(self) -> list[str]:
        """The names of all ports, in their order."""
        return list(dict.fromkeys(result.port for result in self.results))

    @property
    def notices(self) -> list[str]:
        """What must be said of data that stands in for other data."""
        notices = (result.trial.experiment.data.notice for result in self.results)
        return list(dict.fromkeys(filter(None, notices)))


def environment() -> Environment:
    """Return where this runs."""
    versions = {name: _version(name) for name in FRAMEWORKS if name not in PACKAGES}
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": {name: found for name, found in versions.items() if found},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
