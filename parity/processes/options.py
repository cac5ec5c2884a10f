"""How processes run."""

from dataclasses import dataclass

from parity.processes import programs
from parity.processes.profile import Profile
from parity.standard import cache

# All of MNIST is copied again and again. glibc would give such memory back to the system each time,
# and to get it anew costs several times what the copy itself does.
KEPT_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 34)}
HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}  # fewer of them to fault in


@dataclass(frozen=True)
class Options:
    """How a comparison runs.

    timeout: of one call of a port, in seconds. fresh: do anew what is kept in the cache.
    hasty: whether even programs whose time is taken may come from there, which then tells nothing.
    drawn: whether results are drawn, for which ports are asked more.
    at_once: how many processes work at the same time, None for as many as there are cores.
    profile: is told where the time goes, if it is there.
    """

    device: str = "cpu"
    threads: int = 1
    timeout: float = 300.0
    fresh: bool = False
    hasty: bool = False
    drawn: bool = False
    at_once: int | None = None
    profile: Profile | None = None

    @property
    def variables(self) -> dict[str, str]:
        """What joins the environment of a worker process."""
        kept = programs.variables(str(cache.folder("programs")), self.hasty)
        return {**KEPT_MEMORY, **HUGE_PAGES, **({} if self.fresh else kept)}
