"""What the ports are held to, as ratios of medians of one run."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench.measure import BenchResult


@dataclass(frozen=True)
class Goal:
    """A ratio, and the limit that it should keep."""

    what: str
    ratio: float
    limit: float

    @property
    def met(self) -> bool:
        """Whether it is kept."""
        return self.ratio <= self.limit


def goals(results: list[BenchResult]) -> Iterator[Goal]:
    """Yield all goals that the results of one recipe can be held to."""
    recipe = results[0].recipe
    ports = {r.contender.framework: r for r in results if r.contender.kind == "port"}
    peers = {r.contender.name: r for r in results if r.contender.kind in ("peer", "floor")}
    if "numpy" in ports and "two products and the gather" in peers:
        floor = peers["two products and the gather"]
        yield Goal(f"{recipe}: numpy to its floor", ports["numpy"].micros / floor.micros, 1.6)
    if {"jax", "tensorflow"} <= ports.keys():
        pair = ports["jax"].micros, ports["tensorflow"].micros
        yield Goal(
            f"{recipe}: jax and tensorflow, the slower to the faster", max(pair) / min(pair), 1.3
        )
    if recipe == "mnist":
        for name in ("MLPClassifier", "keras fit"):
            for framework, port in ports.items():
                if name in peers and framework != "tensorflow_v1":
                    yield Goal(
                        f"mnist: {framework} to {name}", port.micros / peers[name].micros, 1 / 3
                    )
    elif {"torch", "numpy"} <= ports.keys():
        yield Goal(f"{recipe}: torch to numpy", ports["torch"].micros / ports["numpy"].micros, 3)
