"""Pictures of a comparison: what a person would want to look at, as PNG and SVG."""

from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

from matplotlib.figure import Figure

from parity.reports.pictures import activations, descent, digits, losses, planes, signals
from parity.reports.pictures.style import Pictures
from parity.reports.plot_data.drawn import Drawn, drawable
from parity.results import PortResult

# What is drawn of all recipes of a net, besides the losses of each.
OF_NET: dict[str, Callable[[list[Drawn]], Pictures]] = {
    "activations": activations.draw,
    "descent": descent.draw,
    "gates": planes.draw,
    "mnist": digits.draw,
    "people": planes.draw,
    "perceptron": planes.draw,
    "planar": planes.draw,
    "signals": signals.draw,
}


def draw(results: list[PortResult], folder: Path) -> None:
    """Draw every recipe and net into a folder; ports that failed are left out."""
    for name, figure in _figures(results):
        figure.draw_without_rendering()  # lays it out,
        figure.set_layout_engine("none")  # once for both files
        for suffix in ("png", "svg"):
            figure.savefig(folder / f"{name}.{suffix}", dpi=130)


def _figures(results: list[PortResult]) -> Iterator[tuple[str, Figure]]:
    drawn = [(trial.mode, each) for trial, each in drawable(results)]
    for mode, each in drawn:
        if any(result.curves for result in each.results):
            yield f"{each.recipe}{_suffix(mode)}-loss", losses.draw(each)
    by_net = sorted(drawn, key=lambda pair: (pair[1].net, pair[0]))
    for (net, mode), group in groupby(by_net, key=lambda pair: (pair[1].net, pair[0])):
        if net in OF_NET:
            for name, figure in OF_NET[net]([each for _, each in group]):
                yield f"{name}{_suffix(mode)}", figure


def _suffix(mode: str) -> str:
    return "-eager" if mode == "eager" else ""
