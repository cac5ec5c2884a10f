"""The benchmarks: every idiom does the port's own work, and figures are what they are called."""

import math
import tempfile
from dataclasses import replace
from functools import lru_cache
from io import StringIO
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from rich.console import Console

from bench import charts, spread
from bench.__main__ import main
from bench.contender import Contender
from bench.goals import goals
from bench.growth import Growth
from bench.library import LIBRARIES, Library
from bench.measure import BenchResult
from bench.messages import Work
from bench.report import table, to_json
from bench.rivals import all_reduce
from parity import contract
from parity.standard import floors, reference
from parity.standard.comparison import LIMIT
from parity.standard.inputs import Store
from shared.experiment import prepare
from studies import false_alarms

STEPS = 6
FLOORS = ("autograd alone, on addmm",)  # that do all the work of a step


@lru_cache
def held_to(recipe: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the reference's losses, (STEPS,), and their noise floors in float32."""
    with tempfile.TemporaryDirectory() as folder:
        experiment = prepare(recipe, "float32", STEPS, choice="digits")
        inputs = Store(Path(folder)).inputs(experiment, "cpu", 1)
        port = contract.load(contract.PortName("numpy"), inputs.net)
        ran = reference.run(port, inputs)
        return ran.losses, floors.measure(port, inputs, ran, lambda message: None).losses


@pytest.mark.parametrize("name", [name for name in LIBRARIES if name != "sklearn"])
def test_every_idiom_does_the_work_of_the_port(name: str) -> None:
    with Library(name) as library:
        assert library.contenders[0].kind == "port"
        for recipe in ("iris", "planar", "mnist"):
            own = [
                (number, contender)
                for number, contender in enumerate(library.contenders)
                if recipe in contender.nets
                and (contender.kind in ("port", "idiom") or contender.name in FLOORS)
                and (recipe == "mnist" or not contender.slow_start)
            ]
            timed = {
                contender.name: library.train(Work(recipe, number, STEPS, data="digits"))
                for number, contender in own
            }
            losses, noise = held_to(recipe)
            for contender, each in timed.items():
                assert each.seconds > 0
                assert abs(each.first - losses[0]) <= LIMIT * noise[0], (recipe, contender)
                assert abs(each.last - losses[-1]) <= LIMIT * noise[-1], (recipe, contender)
            if name != "tensorflow_v1":
                assert len(timed) >= 3
            if name == "torch" and recipe != "mnist":
                assert {*FLOORS} <= timed.keys()


def test_work_of_other_sizes() -> None:
    with Library("numpy") as library:
        assert library.train(Work("planar", 0, 3, hidden=7)).first == pytest.approx(
            math.log(2), 1e-2
        )
        with pytest.raises(RuntimeError, match="numpy on Work"):
            library.train(Work("nonesuch", 0, 3))


def result(framework: str, kind: str, seconds: float, name: str = "port") -> BenchResult:
    contender = Contender(framework, name, kind)  # type: ignore[arg-type] # a word of four
    return BenchResult(
        "planar", contender, 1_000, 10_000, [seconds], [seconds], [seconds, 2 * seconds, seconds]
    )


def test_a_median_is_per_step_and_a_cut_run_is_reckoned() -> None:
    each = result("torch", "port", 0.5)
    assert each.micros == 500
    assert each.quartiles[0] == 500
    assert each.at_budget == pytest.approx(10_000 * 500e-6)


def test_a_first_call_costs_what_the_next_one_does_not() -> None:
    each = result("torch", "port", 0.5)
    each.firsts, each.agains = [4.5, 6.0, 4.6], [0.5, 1.0, 0.4]  # 4, 5 and 4.2 s more
    assert each.first == 4.6
    assert each.at_budget == pytest.approx(4.2 + 10_000 * 500e-6)
    each.firsts = [0.4, 0.9, 0.4]  # in a fast spell of the machine
    assert each.at_budget == pytest.approx(10_000 * 500e-6)
    each.agains = [0.4, math.nan, 0.4]
    assert math.isnan(each.at_budget)
    other = result("torch", "idiom", 0.1, "other")
    assert math.isnan(other.pays_from(each))


def test_compiling_for_long_pays_from_some_number_of_steps_on() -> None:
    eager, compiled = result("torch", "port", 0.5), result("torch", "idiom", 0.1, "compiled")
    compiled.firsts = [4.1]  # 4 s of it to compile: 100 µs against 500 µs per step
    assert compiled.pays_from(eager) == pytest.approx(4 / 400e-6)
    assert eager.pays_from(compiled) == math.inf


def test_an_idiom_is_compared_with_numpy_and_with_its_own_port() -> None:
    own = [
        result("numpy", "port", 0.1),
        result("torch", "port", 0.4),
        result("torch", "idiom", 0.2, "other"),
    ]
    console = Console(width=130, record=True, file=StringIO())
    console.print(table(own))
    row = next(line for line in console.export_text().splitlines() if "torch: other" in line)
    assert row.split()[-2:] == ["2.00", "0.50"]


def test_goals_are_ratios_with_limits() -> None:
    own = [
        result("numpy", "port", 0.1),
        result("torch", "port", 0.4),
        result("torch", "idiom", 0.2, "other"),
        result("jax", "port", 0.01),
        result("tensorflow", "port", 0.012),
    ]
    found = {goal.what: goal for goal in goals(own)}
    slow = found["planar: torch to numpy"]
    assert slow.ratio == pytest.approx(4)
    assert not slow.met
    assert found["planar: jax and tensorflow, the slower to the faster"].met
    assert len(found) == 2


def test_it_is_said_who_wins_from_which_size_on() -> None:
    growth = Growth("growth", "rows", "s", (1, 10, 100), {"a": [1, 2, 9], "b": [2, 3, 4]})
    assert growth.winners() == "fastest: a from 1 on; from 100 on, b"


def test_all_is_written_down_and_drawn(tmp_path: Path) -> None:
    own = [result("numpy", "port", 0.1), result("numpy", "idiom", 0.2, "other")]
    growth = Growth(
        "growth: of a", "rows", "s", (1, 10), {"numpy": [1, 2]}, {"numpy": [False, True]}
    )
    report = to_json(own, list(goals(own)), [growth])
    assert [each["micros_per_step"] for each in report["results"]] == [100, 200]
    assert report["growth"][0]["values"] == {"numpy": [1, 2]}
    charts.save(charts.bars([*own, replace(own[0], recipe="iris")]), tmp_path / "bars")
    charts.save(charts.growth([growth]), tmp_path / "growth")
    assert {path.name for path in tmp_path.iterdir()} == {
        *("bars.png", "bars.svg", "growth.png", "growth.svg")
    }


def test_what_there_is_no_benchmark_of_is_one_sentence() -> None:
    found = CliRunner().invoke(main, ["people"])
    assert found.exit_code == 2
    assert "there is no benchmark of 'people'" in found.output
    assert "choose from iris, planar, mnist" in found.output


def test_steps_over_workers_are_timed_beside_the_sums_they_need(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("mpi4py")
    monkeypatch.setattr(spread, "BATCHES", {10: 3, 20: 2})
    monkeypatch.setattr(spread, "SUMS", 3)
    times = list(spread.measure(["numpy"], 1, lambda _: None, (1, 2)))
    assert [each.workers for each in times] == [1, 2]
    for each in times:
        assert {*each.alone, *each.step} == {10, 20}
        assert min(*each.alone.values(), *each.step.values(), each.floor) > 0
    assert [len(table.rows) for table in spread.tables(times)] == [3, 2]


def test_workers_help_until_they_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spread, "BATCHES", {100: 1, 1_100: 1})
    alone = {100: 10 + 100.0, 1_100: 10 + 1_100.0}  # µs: 10 for a step, and 1 per row
    times = [spread.SpreadTime("jax", workers, alone, alone, 5.0) for workers in (1, 2)]
    # Over 10 workers: 10 + 100, and 18 times 2.5 around the ring.
    assert spread.reckoned(times, "jax", 10, 1_000) == pytest.approx((10 + 1_000) / (10 + 100 + 45))
    assert spread.reckoned(times, "jax", 1_000, 1_000) < 1


def test_what_a_floor_sums_is_as_large_as_the_weights() -> None:
    experiment = prepare("mnist", "float32", 1, choice="digits")
    assert sum(weight.size for weight in experiment.weights.values()) == all_reduce.NUMBERS


def test_a_library_that_cannot_be_opened_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", f"{tmp_path}")
    with pytest.raises(RuntimeError, match="nonesuch on Open"):
        Library("nonesuch")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [main, spread.main])
def test_there_is_at_least_a_round(command: click.Command) -> None:
    found = CliRunner().invoke(command, ["--rounds", "0"])
    assert found.exit_code == 2
    assert "0 is not in the range x>=1" in found.output


@pytest.mark.parametrize("command", [main, spread.main, false_alarms.main])
def test_a_folder_that_cannot_be_is_one_sentence(command: click.Command, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = CliRunner().invoke(command, ["--output", f"{tmp_path / 'file' / 'out'}"])
    assert found.exit_code == 2
    assert f"{tmp_path / 'file' / 'out'} cannot be written to" in found.output
    assert found.output.count("\n") == 1
