"""All ports through all rungs: the frameworks agree, in both precisions."""

from pathlib import Path
from typing import Any

import pytest

from parity.contract import FRAMEWORKS, nets_of
from parity.results import RUNGS
from parity.rungs.ladder import NEEDS
from shared.recipes import RECIPES
from tests.running import Compare, Run

ON_MNIST = ("mnist", "mnist-tutorial")
OF_OTHER_SIZES = ("planar-1", "planar-2", "planar-3", "planar-4", "planar-5")  # as long as planar
SHORT = (*ON_MNIST, *OF_OTHER_SIZES)
CUT = 60  # steps of a run that would take long
TO_THE_END = tuple(name for name in RECIPES if name not in SHORT)


@pytest.fixture(scope="module")
def cut(compare: Compare) -> Run:
    """The recipes on MNIST, with few steps on the stand-in."""
    return compare(*ON_MNIST, "--data", "digits", "--steps", CUT)


@pytest.fixture(scope="module")
def resized(compare: Compare) -> Run:
    """Planar with more and fewer units, with few steps: its ports are those that run whole."""
    return compare(*OF_OTHER_SIZES, "--steps", CUT)


@pytest.fixture(scope="module")
def whole(compare: Compare) -> Run:
    """All others, to their end."""
    return compare(*TO_THE_END)


@pytest.fixture(scope="module")
def results(cut: Run, resized: Run, whole: Run) -> list[dict[str, Any]]:
    """The results of all."""
    return [result for run in (cut, resized, whole) for result in run.report["results"]]


def test_all_agree(cut: Run, resized: Run, whole: Run, results: list[dict[str, Any]]) -> None:
    for run in (cut, resized, whole):
        assert run.status == 0, run.stdout + run.stderr
        assert run.report["verdict"] == "agree"
    judged = [(r["recipe"], r["port"], r["dtype"]) for r in results]
    due = {
        (recipe.name, framework, dtype)
        for recipe in RECIPES.values()
        for framework in FRAMEWORKS
        for dtype in ("float32", "float64")
        if recipe.net in nets_of(framework)
    }
    assert set(judged) == due
    assert len(judged) == len(due)


def test_every_rung_compares_something(cut: Run, results: list[dict[str, Any]]) -> None:
    for result in results:
        rungs = {rung["rung"]: rung for rung in result["rungs"]}
        recipe = RECIPES[result["recipe"]]
        published = result["dtype"] == "float64" and any(
            not (recipe.name in SHORT and figure.at_the_end) for figure in recipe.figures
        )
        lacking = {rung for rung, needs in NEEDS.items() if not {*needs} & {*recipe.functions}}
        assert list(rungs) == [
            rung for rung in RUNGS if rung not in lacking and (rung != "published" or published)
        ]
        for rung in rungs.values():
            assert rung["verdict"] == "agree"
            assert rung["compared"] > 0
            assert rung["ratio"] <= cut.report["limit"]


def test_the_report_names_what_was_run(whole: Run, results: list[dict[str, Any]]) -> None:
    for result in results:
        compiled = result["framework"] in ("jax", "tensorflow", "tensorflow_v1")
        assert result["mode"] == ("compiled" if compiled else "eager")
        assert result["device"] == "cpu"
        assert result["divergence"] is result["diagnosis"] is result["error"] is None
        assert result["not_provided"] == []
        timed = {"import", "first_step", "train"} if result["steps"] else {"import"}
        assert {name for name, seconds in result["seconds"].items() if seconds} == timed
        assert len(result["data"]["sha256"]) == 64
    versions = whole.report["environment"]["versions"]
    assert set(versions) == {"numpy", "tensorflow", "torch", "jax"}


def test_the_stand_in_is_named_wherever_figures_are_shown(cut: Run, whole: Run) -> None:
    assert cut.stdout.count("STAND-IN DATA") == 3  # two recipes and the last line
    assert "STAND-IN" not in whole.stdout + whole.stderr
    for result in cut.report["results"]:
        assert result["data"]["name"] == "digits"
        assert "not MNIST's" in result["data"]["stand_in"]
    assert {result["data"]["stand_in"] for result in whole.report["results"]} == {None}


def test_the_tables_fit_100_columns(cut: Run, whole: Run) -> None:
    assert max(map(len, (cut.stdout + whole.stdout).splitlines())) <= 100


def test_the_whole_runs_are_compared(whole: Run) -> None:
    for port in ("numpy", "tensorflow", "torch", "jax"):
        rungs = {r["rung"]: r for r in whole.result(port, "float64", "planar")["rungs"]}
        assert rungs["published"]["compared"] == 8
        assert rungs["trajectory"]["compared"] >= 10_000 + 17
        last = whole.result(port, "float32", "iris")["loss"]["last"]
        assert f"{last:.7f}" == "0.0897890"


def test_every_figure_that_was_printed_is_reproduced(compare: Compare, whole: Run) -> None:
    resized = compare(*OF_OTHER_SIZES, "--frameworks", "numpy", "--dtype", "float64")
    for result in (*whole.report["results"], *resized.report["results"]):
        due = len(RECIPES[result["recipe"]].figures) if result["dtype"] == "float64" else 0
        rungs = {rung["rung"]: rung for rung in result["rungs"]}
        assert rungs.get("published", {"compared": 0})["compared"] == due


def test_a_single_step_is_enough_to_compare(compare: Compare) -> None:
    run = compare("iris", "mnist", "--steps", 1, "--frameworks", "numpy", "--data", "digits")
    assert run.status == 0, run.stdout + run.stderr


def test_another_seed_gives_other_weights_and_no_published_rung(compare: Compare) -> None:
    run = compare("planar", "--steps", 20, "--seed", 7, "--frameworks", "numpy,jax")
    assert run.status == 0, run.stdout
    result = run.result("jax", "float64")
    assert result["loss"]["first"] != pytest.approx(0.6930480201239823)
    assert "published" not in [rung["rung"] for rung in result["rungs"]]


def test_tensorflow_2_is_faithful_to_tensorflow_1(compare: Compare, mnist_dir: Path) -> None:
    how = ("--dtype", "float32", "--data-dir", mnist_dir)
    run = compare("mnist-tutorial", "--frameworks", "tensorflow,tensorflow_v1", *how)
    assert run.status == 0, run.stdout
    for port in ("tensorflow", "tensorflow_v1"):
        result = run.result(port, "float32")
        assert result["steps"] == result["told_apart"] == 4_000  # every loss is held to NumPy's


def test_all_agree_on_real_mnist(compare: Compare, mnist_dir: Path) -> None:
    run = compare("mnist", "--steps", 150, "--data-dir", mnist_dir)
    assert run.status == 0, run.stdout
    assert "STAND-IN" not in run.stdout + run.stderr
    accuracies = {result["accuracy"]["test"] for result in run.report["results"]}
    assert len({round(10_000 * accuracy) for accuracy in accuracies}) <= 2
    assert min(accuracies) > 0.85


def test_two_threads_change_no_verdict(compare: Compare) -> None:
    run = compare("iris", "--steps", 10, "--threads", 2, "--frameworks", "numpy,torch,jax")
    assert run.status == 0, run.stdout


def test_the_list_names_recipes_and_frameworks(compare: Compare) -> None:
    run = compare("--list")
    assert run.status == 0
    for name in (*RECIPES, *FRAMEWORKS):
        assert f"\n{name} " in run.stdout
    assert max(map(len, run.stdout.splitlines())) <= 100
