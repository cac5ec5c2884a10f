"""How processes run."""

from dataclasses import dataclass

from parity.processes import programs
from parity.processes.profile import Profile
from parity.standard import cache


@dataclass(frozen=True)
class Options:
    """How a comparison runs.

    timeout: of one call of a port, in seconds. fresh: do anew what is kept in the cache.
    hasty: whether even programs whose time is taken may come from there, which then tells nothing.
    drawn: whether results are drawn, for which ports are asked more.
    profile: is told where the time goes, if it is there.
    """

    device: str = "cpu"
    threads: int = 1
    timeout: float = 300.0
    fresh: bool = False
    hasty: bool = False
    drawn: bool = False
    profile: Profile | None = None

    @property
    def variables(self) -> dict[str, str]:
        """What joins the environment of a worker process."""
        if self.fresh:
            return {}
        return programs.variables(str(cache.folder("programs")), self.hasty)
