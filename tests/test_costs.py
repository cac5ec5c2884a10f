"""What mistakes cost: which figures are held to each other, and how it ends without any."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from parity.processes.messages import Climb, Failed, Predictions
from parity.processes.worker import WorkerHungError
from parity.processes.workforce import Workforce
from traps import costs

TEST, TRAINING, LOSS = costs.MEASURES
HUNG = "train hung: it gave no answer in 120 s"


@pytest.mark.parametrize(
    ("right", "wrong", "cost"),
    [
        ({TEST: 0.9, TRAINING: 0.8, LOSS: 0.1}, {TEST: 0.5, LOSS: 0.3}, (TEST, 0.5, 0.9)),
        ({TEST: 0.9, LOSS: 0.1}, {LOSS: 0.3}, (LOSS, 0.3, 0.1)),
        ({TEST: 0.9, LOSS: 0.1}, {}, (TEST, None, 0.9)),
        ({LOSS: 0.1}, {TEST: 0.5}, (LOSS, None, 0.1)),
    ],
)
def test_figures_of_one_measure_are_held_to_each_other(
    right: Mapping[str, float], wrong: Mapping[str, float], cost: tuple[str, float | None, float]
) -> None:
    measure, of_wrong, of_right = cost
    assert costs.compared(right, wrong, 7) == costs.Cost(measure, 7, of_wrong, of_right)


def measured(
    monkeypatch: pytest.MonkeyPatch, folder: Path, *figures: float | Exception | None
) -> tuple[Result, Path]:
    """Return how `python -m traps.costs` ends for a mistake, and the file that it writes.

    figures: of its ports, one after another: the accuracy, None if it raises, or how it ends.
    """
    file, left = folder / "costs.json", list(figures)

    def ask(self: Workforce, *args: Any) -> None:
        request, hear = args[3:5]
        if not isinstance(request, Climb):
            return
        figure = left.pop(0)
        if isinstance(figure, Exception):
            raise figure
        rest = ("trajectory", "train", None, figure)
        hear(Failed("train: ValueError", "") if figure is None else Predictions(*rest))

    monkeypatch.setattr(Workforce, "ask", ask)
    monkeypatch.setattr(costs, "save", partial(costs.save, file=file))
    name = "sum-for-mean"
    asked = ["--net", "iris", "--framework", "numpy", "--name", name]
    return CliRunner().invoke(costs.main, asked, prog_name="costs"), file


def test_a_port_that_raises_has_no_figure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run, file = measured(monkeypatch, tmp_path, 0.75, None)
    assert run.exit_code == 0
    assert "accuracy on training rows none, without it 0.7500" in run.stdout
    assert '"wrong": null' in file.read_text()


def test_a_port_that_hangs_is_not_said_to_raise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run, file = measured(monkeypatch, tmp_path, 0.75, WorkerHungError(HUNG))
    assert (run.exit_code, run.stderr) == (3, f"costs: {HUNG}\n")
    assert file.read_text() == "{}\n"


def test_a_right_port_without_a_figure_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run, _ = measured(monkeypatch, tmp_path, None)
    assert run.exit_code == 3
    assert run.stderr.startswith("costs: ")
    assert run.stderr.endswith("numpy/iris.py gave no figure after its run\n")
