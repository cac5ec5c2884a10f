"""All ports through all rungs: the frameworks agree, in both precisions."""

from pathlib import Path

import pytest

from parity.contract import FRAMEWORKS, nets_of
from parity.results import RUNGS
from parity.rungs.ladder import NEEDS
from shared.recipes import RECIPES
from tests.running import Compare, Run

LESSONS = [name for name in RECIPES if name not in ("iris", "planar", "mnist", "mnist-tutorial")]


@pytest.fixture(scope="module")
def short(compare: Compare) -> Run:
    return compare("--data", "digits", "--steps", 60)


def test_all_agree(short: Run) -> None:
    assert short.status == 0, short.stdout + short.stderr
    assert short.report["verdict"] == "agree"
    results = [(r["recipe"], r["port"], r["dtype"]) for r in short.report["results"]]
    due = {
        (recipe.name, framework, dtype)
        for recipe in RECIPES.values()
        for framework in FRAMEWORKS
        for dtype in ("float32", "float64")
        if recipe.net in nets_of(framework)
    }
    assert set(results) == due
    assert len(results) == len(due)


def test_every_rung_compares_something(short: Run) -> None:
    for result in short.report["results"]:
        rungs = {rung["rung"]: rung for rung in result["rungs"]}
        recipe = RECIPES[result["recipe"]]
        cut = "train" in recipe.functions and result["steps"] == 60
        published = result["dtype"] == "float64" and any(
            not (cut and figure.at_the_end) for figure in recipe.figures
        )
        lacking = {rung for rung, needs in NEEDS.items() if not {*needs} & {*recipe.functions}}
        assert list(rungs) == [
            rung for rung in RUNGS if rung not in lacking and (rung != "published" or published)
        ]
        for rung in rungs.values():
            assert rung["verdict"] == "agree"
            assert rung["compared"] > 0
            assert rung["ratio"] <= short.report["limit"]


def test_the_report_names_what_was_run(short: Run) -> None:
    for result in short.report["results"]:
        compiled = result["framework"] in ("jax", "tensorflow", "tensorflow_v1")
        assert result["mode"] == ("compiled" if compiled else "eager")
        assert result["device"] == "cpu"
        assert result["divergence"] is result["diagnosis"] is result["error"] is None
        assert result["not_provided"] == []
        timed = {"import", "first_step", "train"} if result["steps"] else {"import"}
        assert {name for name, seconds in result["seconds"].items() if seconds} == timed
        assert len(result["data"]["sha256"]) == 64
    versions = short.report["environment"]["versions"]
    assert set(versions) == {"numpy", "tensorflow", "torch", "jax"}


def test_the_stand_in_is_named_wherever_figures_are_shown(short: Run) -> None:
    assert short.stdout.count("STAND-IN DATA") == 3  # two recipes and the last line
    names = {r["recipe"]: r["data"]["name"] for r in short.report["results"]}
    assert names["mnist"] == names["mnist-tutorial"] == "digits"
    reasons = {r["recipe"]: r["data"]["stand_in"] for r in short.report["results"]}
    assert "not MNIST's" in reasons["mnist"]
    assert reasons["iris"] is None


def test_the_tables_fit_100_columns(short: Run) -> None:
    assert max(map(len, short.stdout.splitlines())) <= 100


def test_a_single_step_is_enough_to_compare(compare: Compare) -> None:
    run = compare("iris", "mnist", "--steps", 1, "--frameworks", "numpy", "--data", "digits")
    assert run.status == 0, run.stdout + run.stderr


def test_another_seed_gives_other_weights_and_no_published_rung(compare: Compare) -> None:
    run = compare("planar", "--steps", 20, "--seed", 7, "--frameworks", "numpy,jax")
    assert run.status == 0, run.stdout
    result = run.result("jax", "float64")
    assert result["loss"]["first"] != pytest.approx(0.6930480201239823)
    assert "published" not in [rung["rung"] for rung in result["rungs"]]


def test_all_agree_to_the_end(compare: Compare) -> None:
    run = compare("iris", "planar")
    assert run.status == 0, run.stdout
    for port in ("numpy", "tensorflow", "torch", "jax"):
        rungs = {r["rung"]: r for r in run.result(port, "float64", "planar")["rungs"]}
        assert rungs["published"]["compared"] == 8
        assert rungs["trajectory"]["compared"] >= 10_000 + 17
        last = run.result(port, "float32", "iris")["loss"]["last"]
        assert f"{last:.7f}" == "0.0897890"


def test_every_figure_that_was_printed_is_reproduced(compare: Compare) -> None:
    run = compare(*LESSONS, "--dtype", "float64")
    assert run.status == 0, run.stdout
    for result in run.report["results"]:
        figures = RECIPES[result["recipe"]].figures
        rungs = {rung["rung"]: rung for rung in result["rungs"]}
        assert rungs.get("published", {"compared": 0})["compared"] == len(figures)


def test_tensorflow_2_is_faithful_to_tensorflow_1(compare: Compare) -> None:
    run = compare("mnist-tutorial", "--frameworks", "tensorflow,tensorflow_v1", "--data", "digits")
    assert run.status == 0, run.stdout
    assert {result["port"] for result in run.report["results"]} == {"tensorflow", "tensorflow_v1"}


def test_all_agree_on_real_mnist(compare: Compare, mnist_dir: Path) -> None:
    run = compare("mnist", "mnist-tutorial", "--steps", 150, "--data-dir", mnist_dir)
    assert run.status == 0, run.stdout
    assert "STAND-IN" not in run.stdout + run.stderr
    accuracies = {r["accuracy"]["test"] for r in run.report["results"] if r["recipe"] == "mnist"}
    assert len({round(10_000 * accuracy) for accuracy in accuracies}) <= 2
    assert min(accuracies) > 0.85


def test_two_threads_change_no_verdict(compare: Compare) -> None:
    run = compare("planar", "--steps", 30, "--threads", 2, "--frameworks", "numpy,torch,jax")
    assert run.status == 0, run.stdout


def test_the_list_names_recipes_and_frameworks(compare: Compare) -> None:
    run = compare("--list")
    assert run.status == 0
    for name in (*RECIPES, *FRAMEWORKS):
        assert f"\n{name} " in run.stdout
    assert max(map(len, run.stdout.splitlines())) <= 100
