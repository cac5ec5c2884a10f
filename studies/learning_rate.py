"""How small an error is always caught? Ports whose learning rate is wrong by less and less.

Run as `python -m studies.learning_rate`. The wrong ports are NumPy's, in either precision.
"""

import json
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from parity import contract
from parity.contract import DTYPES, Port, PortName
from parity.processes.messages import Climb
from parity.processes.record import Record
from parity.reports.endings import in_a_sentence
from parity.reports.files import writable_folder
from parity.reports.terminal import console
from parity.rungs import climb as probe
from parity.rungs.ladder import compare_rungs
from parity.standard import floors, reference
from parity.standard.inputs import Store
from parity.standard.standard import Standard
from shared.experiment import Experiment
from studies.draws import COUNT, SOME, draw

# From the largest relative error down, 5, 2, 1, 0.5, ...
DOWN = {
    dtype: [float(f"{digit}e{power}") for power in powers for digit in (5, 2, 1)]
    for dtype, powers in (("float32", range(-4, -10, -1)), ("float64", range(-11, -18, -1)))
}
# Draws at full budget.
FULL = {"iris": 3, "planar": 3, "mnist-tutorial": 3, "mnist": 1, "descent": 3, "people": 3}


@dataclass(frozen=True)
class Caught:
    """The smallest error of the learning rate that is caught on one draw, as are all larger ones.

    error: None where even the largest is missed. rung: the first that shows it.
    """

    recipe: str
    number: int
    dtype: str
    steps: int
    error: float | None
    rung: str | None

    def __str__(self) -> str:
        kind = f"{self.recipe}#{self.number} {self.dtype}, {self.steps:,} steps"
        return (
            f"{kind}: caught from {self.error}, on {self.rung}" if self.error else f"{kind}: missed"
        )


@click.command()
@click.option(
    "--draws", type=COUNT, default=5, show_default=True, help="Of each recipe, cut short."
)
@click.option("--steps", type=SOME, default=200, show_default=True, help="Updates of those.")
@click.option("--full/--no-full", default=True, show_default=True, help="Also at full budgets.")
@click.option("--seed", type=COUNT, default=0, show_default=True, help="Of all draws.")
@click.option("--output", type=Path, default=Path("out/false-alarms"), show_default=True)
def main(draws: int, steps: int, full: bool, seed: int, output: Path) -> None:
    """Find the smallest error of the learning rate that is always caught."""
    if not (draws or full):
        raise click.UsageError("--draws is 0, with --no-full: there is nothing to judge")
    with in_a_sentence():
        folder = writable_folder(output)
    told = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
    found = []
    for name in FULL:
        plan: list[tuple[int, int | None]] = [(number, steps) for number in range(draws)]
        plan += [(number, None) for number in range(FULL[name] if full else 0)]
        for dtype in DTYPES:
            for number, length in plan:
                found.append(smallest_caught(draw(name, dtype, number, length, seed)))
                told.print(f"{found[-1]}")
    text = json.dumps({"seed": seed, "caught": [asdict(each) for each in found]}, indent=1)
    (folder / "learning-rate.json").write_text(text + "\n")
    console().print(table(found))


def smallest_caught(experiment: Experiment) -> Caught:
    """Make a port's learning rate less and less wrong, until nothing is found."""
    name, _, number = experiment.recipe.name.partition("#")
    error = rung = None
    with tempfile.TemporaryDirectory(prefix="lockstep-study-") as folder:
        inputs = Store(Path(folder)).inputs(experiment, "cpu", 1)
        port = contract.load(PortName("numpy"), inputs.net)
        ran = reference.run(port, inputs)
        measured = floors.measure(port, inputs, ran, lambda message: None)
        for wrong in DOWN[inputs.dtype]:
            record = Record()
            request = Climb(inputs, "compiled", ran.checkpoints, ran.final(inputs.dtype))
            probe.climb(with_wrong_rate(port, wrong), request, record.add)
            compared = compare_rungs(Standard(experiment, inputs, ran, measured), record)
            first = next((r for r, cs in compared.items() if not all(c.agrees for c in cs)), None)
            if first is None:
                break
            error, rung = wrong, first
    return Caught(name, int(number), inputs.dtype, inputs.steps, error, rung)


def with_wrong_rate(port: Port, error: float) -> Port:
    """Return a port whose learning rate is wrong by a relative error."""

    def train(model: Any, x: Any, y: Any, schedule: Any, learning_rate: float) -> Any:
        return port.module.train(model, x, y, schedule, learning_rate * (1 + error))

    module: Any = SimpleNamespace(**{**vars(port.module), "train": train})
    return replace(port, module=module)


def table(found: list[Caught]) -> Table:
    """Return, per recipe, precision and length of run, from which error on all draws show it."""
    rows = Table(
        *("recipe", "dtype", "steps", "draws", "always caught from", "at best from", "shown by"),
        box=None,
        header_style="dim",
    )
    for kind in dict.fromkeys((each.recipe, each.dtype, each.steps) for each in found):
        own = [each for each in found if (each.recipe, each.dtype, each.steps) == kind]
        errors = [each.error or float("inf") for each in own]
        worst = own[errors.index(max(errors))]
        recipe, dtype, steps = kind
        rows.add_row(
            *(recipe, dtype, f"{steps:,}", f"{len(own)}"),
            *(f"{max(errors):.0e}", f"{min(errors):.0e}", worst.rung),
        )
    return rows


if __name__ == "__main__":
    main()
