"""What a mistake costs: accuracy, or else the last loss, of a run of the recipe's own length.

Run as `python -m traps.costs`, which keeps in costs.json what a port with the mistake and the port
without it say of themselves after the same run; see --help. The judge has no part in it. Mistakes
of ports over workers and of examples, whose runs take long, are left out.
"""

import math
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import click
from rich.console import Console

from parity.contract import PortName
from parity.processes.messages import Climb, Load
from parity.processes.options import Options
from parity.processes.progress import Progress
from parity.processes.record import Record
from parity.processes.scratch import Scratch
from parity.processes.shared_worker import SharedWorker
from parity.processes.standards import ReferenceFailedError
from parity.processes.workforce import Workforce
from parity.reports.endings import in_a_sentence
from parity.standard.inputs import Inputs, Store
from shared import recipes
from shared.experiment import Experiment, prepare
from shared.recipes import is_spread
from traps import kept
from traps.catalogue import Bug, load, original, plant

FILE = Path(__file__).with_name("costs.json")
TIMEOUT = 120.0  # seconds of one call
ACCURACY = {"test": "accuracy on test rows", "train": "accuracy on training rows"}
MEASURES = (*ACCURACY.values(), "last loss")  # a number of rows says more than a loss


@dataclass(frozen=True)
class Cost:
    """What a run came to: the port's own figure with a mistake in it, and without.

    measure: one of MEASURES, the first that both gave. wrong: None where the port with the mistake
    gave none that the other did, as where it raised.
    """

    measure: str
    steps: int
    wrong: float | None
    right: float


Costs = Mapping[Bug, Cost]
Figures = Mapping[str, float]  # of one run, by measure


def measured(bugs: Iterable[Bug]) -> list[Bug]:
    """Return those whose runs are short enough: of our own ports, each in one process."""
    short = (bug for bug in bugs if not bug.example and not is_spread(bug.net))
    return [bug for bug in short if "train" in recipes.get(bug.recipe).functions]


def run(bugs: Iterable[Bug]) -> Iterator[tuple[Bug, Cost]]:
    """Train every port with a mistake, and the port without it, and yield what that costs.

    Raises:
        InputError: MNIST is not to be had.
        ReferenceFailedError: a port without the mistake gave no figure.
        WorkerDiedError: a process crashed, or hung; what that costs is not known.
    """
    for _, own in groupby(sorted(bugs, key=_order), lambda bug: bug.framework):
        yield from _of_framework(list(own))


def _order(bug: Bug) -> tuple[str, ...]:
    return bug.framework, bug.recipe, bug.dtypes[0], bug.style or "", bug.name


def _of_framework(bugs: list[Bug]) -> Iterator[tuple[Bug, Cost]]:
    scratch = Scratch()
    workforce = Workforce(Options(), Progress(), scratch.path)
    worker, store = SharedWorker(workforce), Store(scratch.path / "arrays")
    try:
        for _, alike in groupby(bugs, lambda bug: _order(bug)[:-1]):
            group = list(alike)
            experiment = prepare(group[0].recipe, group[0].dtypes[0], choice="mnist")
            trainer = _Trainer(workforce, worker, store, experiment)
            with tempfile.TemporaryDirectory(dir=scratch.path) as folder:
                real = Path(folder) / "real.py"
                real.write_text(_named(group[0]))
                right = trainer.train(real)
                if not right:
                    raise ReferenceFailedError(f"{group[0].port} gave no figure after its run")
                for bug in group:
                    wrong = trainer.train(plant(bug, Path(folder)))
                    yield bug, compared(right, wrong, experiment.steps)
    finally:
        workforce.stop()
        scratch.remove()


def compared(right: Figures, wrong: Figures, steps: int) -> Cost:
    """Return what a mistake costs, of the figures of the port without it, and of that with it."""
    known = [measure for measure in MEASURES if measure in right]
    measure = next((each for each in known if each in wrong), known[0])
    return Cost(measure, steps, wrong.get(measure), right[measure])


def _named(bug: Bug) -> str:
    """Return the source of the port without the mistake, as a file that names its framework."""
    source = original(bug)
    return source if "\nFRAMEWORK = " in source else f'{source}\nFRAMEWORK = "{bug.framework}"\n'


@dataclass(frozen=True)
class _Trainer:
    """Trains ports on one experiment, in a process that they share."""

    workforce: Workforce
    worker: SharedWorker
    store: Store
    experiment: Experiment

    @property
    def inputs(self) -> Inputs:
        """What the ports get."""
        options = self.workforce.options
        return self.store.inputs(self.experiment, options.device, options.threads)

    def train(self, file: Path) -> Figures:
        """Return what a port says of itself after a whole run; nothing where it raised before.

        Raises:
            WorkerDiedError: its process crashed, or hung.
        """
        inputs, record = self.inputs, Record()
        port, worker = PortName(file.name, file), self.worker.take()
        climb = Climb(inputs, "compiled", {}, inputs.weights)
        for request in (Load(port), climb):
            self.workforce.ask(worker, file.name, "run", request, record.add, TIMEOUT)
        return _figures(record, inputs)


def _figures(record: Record, inputs: Inputs) -> Figures:
    figures = {
        ACCURACY[said.split]: said.figure
        for said in record.predictions
        if said.rung == "trajectory" and said.split in ACCURACY and said.figure is not None
    }
    losses = record.answers.get(("trajectory", inputs.steps), {}).get("loss")
    if losses is not None and losses.size:
        figures["last loss"] = float(losses[-1])
    return figures


def save(costs: Costs, bugs: Iterable[Bug], file: Path = FILE) -> None:
    """Write what mistakes cost, beside what is kept of others; of no longer known ones, nothing."""
    found = {
        bug: {**vars(cost), "wrong": _strict(cost.wrong), "right": _strict(cost.right)}
        for bug, cost in costs.items()
    }
    kept.save(found, bugs, file)


def recall(bugs: Iterable[Bug], file: Path = FILE) -> Costs:
    """Return what each mistake costs.

    Raises:
        InputError: nothing is kept of one, or it has changed since.
    """
    return {
        bug: Cost(
            said["measure"],
            said["steps"],
            None if said["wrong"] is None else float(said["wrong"]),
            float(said["right"]),
        )
        for bug, said in kept.load(bugs, file, "measured", "traps.costs").items()
    }


def _strict(figure: float | None) -> float | str | None:
    """Return a figure as JSON takes it, with the digits that people look at."""
    if figure is None or not math.isfinite(figure):
        return figure if figure is None else str(figure)
    return float(f"{figure:.5g}")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--net", default="", help="Only nets with this text in their names.")
@click.option("--framework", default="", help="Only frameworks with this text in their names.")
@click.option("--name", default="", help="Only mistakes with this text in their names.")
def main(net: str, framework: str, name: str) -> None:
    """Measure what mistakes cost, print it, and keep it in costs.json."""
    known = measured(load().bugs)
    chosen = [b for b in known if net in b.net and framework in b.framework and name in b.name]
    if not chosen:
        raise click.UsageError("no mistake has these texts in its names")
    console = Console(highlight=False)
    costs = {}
    try:
        with in_a_sentence():
            for bug, cost in run(chosen):
                costs[bug] = cost
                wrong = "none" if cost.wrong is None else f"{cost.wrong:.4f}"
                told = f"{bug}: {cost.measure} {wrong}, without it {cost.right:.4f}"
                console.print(told, markup=False, soft_wrap=True)
    finally:
        save(costs, known)


if __name__ == "__main__":
    main()
