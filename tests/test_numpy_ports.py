"""The reference itself: gradients against finite differences, results against known ones."""

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.batches import part
from shared.experiment import Experiment, prepare
from shared.metrics import correct_rows
from shared.recipes import RECIPES


def port(recipe: str) -> Any:
    """Return the NumPy port of a recipe's net."""
    return importlib.import_module(f"impls.numpy.{RECIPES[recipe].net}")


def trained(experiment: Experiment, steps: int | None = None) -> tuple[Any, NDArray[np.float64]]:
    """Return the model and the losses after some steps of an experiment."""
    net = port(experiment.recipe.name)
    schedule = part(experiment.schedule, 0, steps or experiment.steps)
    model, losses = net.train(
        net.build(experiment.weights),
        experiment.x,
        experiment.y,
        schedule,
        experiment.learning_rate,
    )
    return model, losses


@pytest.mark.parametrize("recipe", ["iris", "planar", "mnist"])
def test_gradients_are_those_of_finite_differences(recipe: str) -> None:
    experiment = prepare(recipe, choice="digits")
    net = port(recipe)
    random = np.random.default_rng(0)
    weights = {k: random.normal(0, 0.3, w.shape) for k, w in experiment.weights.items()}
    x, y = experiment.x[:50], experiment.y[:50]
    derived = net.gradients(weights, x, y)
    assert derived.keys() == weights.keys()
    for name, value in weights.items():
        direction = random.standard_normal(value.shape)
        h = np.cbrt(np.finfo(np.float64).eps)  # balances rounding (eps / h) against h^2
        ahead, behind = (
            net.loss({**weights, name: value + sign * h * direction}, x, y) for sign in (1, -1)
        )
        difference = (ahead - behind) / (2 * h)
        size = np.abs(derived[name] * direction).sum()
        assert size > 0
        assert abs(np.sum(derived[name] * direction) - difference) <= 10 * h**2 * max(size, 1)


def test_iris_reaches_the_least_squares_optimum() -> None:
    experiment = prepare("iris")
    rows = np.column_stack([experiment.x, np.ones(len(experiment.x))])
    best, *_ = np.linalg.lstsq(rows, experiment.y, rcond=None)
    model, losses = trained(experiment)
    net = port("iris")
    optimum = np.mean((rows @ best - experiment.y) ** 2)
    assert f"{optimum:.7f}" == f"{losses[-1]:.7f}" == "0.0897890"
    assert f"{net.accuracy(model, experiment.x, experiment.y):.4f}" == "0.8467"
    assert correct_rows(rows @ best, experiment.y) == 127


def test_planar_prints_the_figures_of_the_course() -> None:
    experiment = prepare("planar")
    _, losses = trained(experiment, 7_001)
    figures = experiment.recipe.figures
    assert len(figures) == 8
    assert [f"{losses[figure.step]:.6f}" for figure in figures] == [f.printed for f in figures]


def test_planar_ends_at_the_accuracy_of_the_course() -> None:
    experiment = prepare("planar")
    model, _ = trained(experiment)
    accuracy = port("planar").accuracy(model, experiment.x, experiment.y)
    assert f"{100 * accuracy:.2f}" in ("90.50", "90.75")


def test_mnist_in_file_order_has_the_published_mean_cost(mnist_dir: Path) -> None:
    experiment = prepare("mnist", data_dir=mnist_dir)
    net = port("mnist")
    in_order = np.arange(55_000).reshape(550, 100)
    _, losses = net.train(net.build(experiment.weights), experiment.x, experiment.y, in_order, 0.01)
    assert f"{losses.mean():.6f}" == "1.182139"


def test_mnist_reaches_the_accuracy_of_the_tutorial(mnist_dir: Path) -> None:
    experiment = prepare("mnist", "float32", data_dir=mnist_dir)
    assert (len(experiment.x), len(experiment.x_test), experiment.steps) == (55_000, 10_000, 5_500)
    net = port("mnist")
    model, _ = trained(experiment, 1_000)
    assert abs(net.accuracy(model, experiment.x_test, experiment.y_test) - 0.918) <= 0.004
    model, _ = trained(experiment)
    assert 0.913 <= net.accuracy(model, experiment.x_test, experiment.y_test) <= 0.928


def test_the_tutorials_one_batch_is_learned_by_heart_alone(mnist_dir: Path) -> None:
    experiment = prepare("mnist-tutorial", data_dir=mnist_dir)
    net = port("mnist")
    model, _ = trained(experiment)
    assert net.accuracy(model, experiment.x, experiment.y) >= 0.97
    assert 0.40 <= net.accuracy(model, experiment.x_test, experiment.y_test) <= 0.53
