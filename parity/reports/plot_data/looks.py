"""How ports look, in all charts and pictures of one comparison: those that fail, in red."""

from collections.abc import Mapping

from parity.results import PortResult

AGREEING, FAILING = 5, 3  # looks that take turns, besides that of the first port, if it agrees

Looks = Mapping[str, str]  # by port: "port-0", "port-1", ..., or "failing-0", ...


def looks(results: list[PortResult]) -> Looks:
    """Return how each port looks; one that fails anywhere is failing everywhere."""
    ports = dict.fromkeys(result.port for result in results)
    wrong = {result.port for result in results if result.verdict != "agree"}
    failing = {p: f"failing-{n % FAILING}" for n, p in enumerate(p for p in ports if p in wrong)}
    others = {p: f"port-{1 + (n - 1) % AGREEING}" for n, p in enumerate(ports) if n}
    return {port: failing.get(port) or others.get(port, "port-0") for port in ports}


def is_failing(look: str) -> bool:
    """Whether a port that looks so fails anywhere."""
    return look.startswith("failing")


def failing_first(results: list[PortResult], own: Looks) -> list[PortResult]:
    """Return results in the order in which they are read: those of failing ports come first."""
    return sorted(results, key=lambda result: not is_failing(own[result.port]))
