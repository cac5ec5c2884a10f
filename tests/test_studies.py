"""The studies of the judge: their draws are drawn, and what they find is told."""

import json
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner

from parity import contract
from parity.reports.terminal import console
from parity.standard import reference, soundness
from parity.standard.comparison import LIMIT
from parity.standard.inputs import Store
from parity.standard.native import Native
from shared.experiment import prepare
from studies import false_alarms, learning_rate, scale, summary
from studies.draws import JudgedDraw, Worst, draw, referred


def judged(ratio: float, number: int = 0) -> JudgedDraw:
    verdict = "agree" if ratio <= LIMIT else "disagree"
    rungs = (Worst(0.1, "loss", "loss", 0), Worst(ratio, "update", "W", 5))
    return JudgedDraw("iris", number, 200, "float32", "jax", verdict, None, rungs)


def test_a_draw_is_the_same_in_both_precisions_and_another_each_time() -> None:
    single, double, other = (
        draw("iris", dtype, number, 10, seed=3)
        for dtype, number in (("float32", 0), ("float64", 0), ("float64", 1))
    )
    for name, value in double.weights.items():
        assert np.array_equal(single.weights[name], value.astype(np.float32))
        assert value.any()
        assert not np.array_equal(value, other.weights[name])
    assert np.array_equal(single.x, double.x.astype(np.float32))
    assert np.array_equal(np.sort(double.x, axis=0), np.sort(other.x, axis=0))
    assert not np.array_equal(double.x, other.x)
    assert double.data.sha256 != other.data.sha256
    assert (double.recipe.name, double.steps, double.recipe.figures) == ("iris#0", 10, ())
    assert draw("iris", "float64", 2, None, seed=3).steps == double.budget


@pytest.mark.parametrize(("ratio", "status"), [(3.0, 0), (9.0, 1), (float("inf"), 1)])
def test_one_alarm_is_told_and_is_the_exit_status(
    ratio: float, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*arguments: object) -> Iterator[JudgedDraw]:
        yield from (judged(1.0), judged(ratio, number=7))

    monkeypatch.setattr(false_alarms, "run", run)
    monkeypatch.setenv("LOCKSTEP_CACHE", str(tmp_path))  # the study has one of its own
    done = CliRunner().invoke(false_alarms.main, ["--output", str(tmp_path)])
    assert done.exit_code == status, done.output
    report = json.loads((tmp_path / "false-alarms.json").read_text())
    assert len(report["judged"]) == 2
    assert [alarm["number"] for alarm in report["alarms"]] == [7] * status
    assert {"false-alarms.png", "false-alarms.svg"} <= {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize(
    ("main", "options", "said"),
    [
        (false_alarms.main, "--draws=0 --full=0", "--draws and --full are 0: there is nothing to"),
        (false_alarms.main, "--draws=-1", "-1 is not in the range x>=0"),
        (false_alarms.main, "--full=-1", "-1 is not in the range x>=0"),
        (false_alarms.main, "--steps=0", "0 is not in the range x>=1"),
        (false_alarms.main, "--seed=-1", "-1 is not in the range x>=0"),
        (
            false_alarms.main,
            "--reference=tensorflow_v1 gates",
            "tensorflow_v1 has no port of gate",
        ),
        (false_alarms.main, "--reference=pytorch", "did you mean torch?"),
        (learning_rate.main, "--draws=0 --no-full", "--draws is 0, with --no-full: there is noth"),
        (learning_rate.main, "--steps=0", "0 is not in the range x>=1"),
        (learning_rate.main, "--output=/dev/null", "/dev/null"),
        (scale.main, "--draws=0", "0 is not in the range x>=1"),
    ],
)
def test_what_a_study_cannot_do_is_one_sentence(
    main: click.Command, options: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, options.split())
    assert done.exit_code == 2, done.output
    assert said in done.output


def test_the_summary_names_what_came_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    console().print(summary.report([judged(0.0), judged(2.5, 1), judged(12.0, 2)]))
    printed = capsys.readouterr().out
    assert "3 draws of correct ports; alarms: 1" in printed
    assert "ALARM on iris#2 float32, 200 steps: jax: disagree, 12 on update, W, step 5" in printed
    assert f"limit {LIMIT:g}" in printed
    assert printed.count("█ 1") == 3  # one draw in each of three bins


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_wrong_learning_rate_is_caught_from_some_error_on(dtype: str) -> None:
    caught = learning_rate.smallest_caught(draw("iris", dtype, 0, 20, seed=0))
    largest, smallest = learning_rate.DOWN[dtype][0], learning_rate.DOWN[dtype][-1]
    assert caught.error is not None
    assert smallest < caught.error < largest
    assert caught.rung in ("update", "trajectory")


@pytest.mark.parametrize("name", ["gates", "activations"])
def test_a_port_of_ours_without_weights_or_in_steps_can_be_a_reference(
    tmp_path: Path, name: str
) -> None:
    experiment = referred(prepare(name, "float32"), "numpy", tmp_path)
    inputs = Store(tmp_path / "arrays").inputs(experiment, "cpu", 1)
    port = contract.load(inputs.reference, inputs.net)
    soundness.check(Native(port, inputs, "float64"), reference.run(port, inputs))
