"""The lessons hold what docs/lessons.md says of them: figures, and where tutorials are wrong."""

import importlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris

from shared.datasets import GATES
from shared.experiment import Experiment, prepare
from shared.recipes import RECIPES
from tests.running import ROOT

PAGE = (ROOT / "docs" / "lessons.md").read_text()


def port(recipe: str) -> Any:
    """Return the NumPy port of a recipe's net."""
    return importlib.import_module(f"impls.numpy.{RECIPES[recipe].net}")


def trained(experiment: Experiment, steps: Any = None) -> tuple[Any, Any]:
    """Return the model and the losses of a whole run, or of other steps."""
    net = port(experiment.recipe.name)
    schedule = experiment.schedule if steps is None else steps
    weights = {name: value.copy() for name, value in experiment.weights.items()}
    return net.train(  # type: ignore[no-any-return] # a port has no types
        net.build(weights), experiment.x, experiment.y, schedule, experiment.learning_rate
    )


def test_the_descent_follows_its_formula() -> None:
    experiment = prepare("descent")
    for k in (1, 2, 3, 4, 40):
        model, losses = trained(experiment, k)
        apart = 6 * 0.6 ** (k - 1)  # of w before the last step, from -1
        rounding = 2 * np.spacing(1 + apart)  # of two operations on such numbers
        assert abs(port("descent").export(model)["w"] - (-1 + 0.6 * apart)) <= rounding
        assert len(losses) == k
        assert abs(losses[-1] - apart**2) <= 2 * apart * rounding


DIGITS = 7  # that the course prints


@pytest.mark.parametrize(("rate", "ws"), [(1.0, [-7, 5, -7]), (0.0001, [4.9988, 4.9976002])])
def test_other_rates_of_the_course_lead_where_it_says(rate: float, ws: list[float]) -> None:
    experiment, net = prepare("descent"), port("descent")
    for k, w in enumerate(ws, 1):
        model = net.build(experiment.weights)
        model, _ = net.train(model, experiment.x, experiment.y, k, rate)
        assert round(float(net.export(model)["w"]), DIGITS) == w


def test_the_people_are_those_of_the_tutorial() -> None:
    experiment, net = prepare("people"), port("people")
    alice = experiment.x[:1], experiment.y[:1]
    model = net.build(experiment.weights)
    assert f"{net.layers(model, alice[0])['h'][0, 0]:.8f}" == "0.04742587"
    assert f"{net.forward(model, alice[0])[0, 0]:.8f}" == "0.52369517"
    gradient = net.gradients(model, *alice)["W1"][0, 0]
    assert f"{gradient:.9f}" == "0.021469535"
    # The tutorials print 0.0214: the product of factors that they had rounded before.
    assert f"{-0.952 * 0.249 * -0.0904:.4f}" == "0.0214"
    assert f"{gradient:.4f}" == "0.0215"
    model, _ = trained(experiment)
    emily, frank = net.forward(model, experiment.x_test)[:, 0]
    assert (f"{emily:.9f}", f"{frank:.9f}") == ("0.946788389", "0.039758760")


@pytest.mark.parametrize("gate", ["and", "or", "nand"])
def test_the_perceptron_learns_what_a_line_can_tell_apart(gate: str) -> None:
    experiment, net = prepare(f"perceptron-{gate}"), port("perceptron-and")
    assert tuple(experiment.y[:, 0]) == GATES[gate]
    model, losses = trained(experiment)
    assert net.accuracy(model, experiment.x, experiment.y) == 1
    assert losses[:40].any()
    assert not losses[-80:].any()


def test_the_perceptron_never_settles_on_xor() -> None:
    experiment, net = prepare("perceptron-xor"), port("perceptron-xor")
    _, losses = trained(experiment, np.tile(np.arange(4)[:, None], (5_000, 1)))
    assert losses.reshape(-1, 4).any(axis=1).all()  # there is a mistake in every epoch
    for steps in range(200, 220):
        model, _ = trained(experiment, np.tile(np.arange(4)[:, None], (55, 1))[:steps])
        assert net.accuracy(model, experiment.x, experiment.y) < 1


def test_two_layers_of_steps_are_xor() -> None:
    experiment, net = prepare("gates"), port("gates")
    model = net.build(experiment.weights)
    hidden = net.layers(model, experiment.x)["hidden"]
    assert tuple(hidden[:, 0]) == GATES["nand"]
    assert tuple(hidden[:, 1]) == GATES["or"]
    assert tuple(net.forward(model, experiment.x)[:, 0]) == GATES["xor"]
    assert net.accuracy(model, experiment.x, experiment.y) == 1


def test_the_right_flower_is_not_the_largest_before_training() -> None:
    experiment, net = prepare("iris-forward"), port("iris-forward")
    model = net.build(experiment.weights)
    assert net.forward(model, experiment.x).argmax() == 1
    assert experiment.y.argmax() == 0
    assert net.accuracy(model, experiment.x, experiment.y) == 0


def test_raw_features_diverge_at_the_rate_of_the_recipe() -> None:
    features, species = load_iris(return_X_y=True)
    x, y = features[:120], np.eye(3)[species[:120]]
    rows = np.column_stack([x, np.ones(120)])
    limit = 2 / np.linalg.eigvalsh(2 * rows.T @ rows / y.size)[-1]
    assert f"{limit:.4f}" == "0.0533"
    net, ends = port("iris"), {}
    for rate in (0.053, 0.1):
        model = net.build({"W": np.zeros((4, 3)), "b": np.zeros(3)})
        ends[rate] = net.train(model, x, y, 200, rate)[1][-1]
    assert ends[0.053] < 0.2
    assert ends[0.1] > 1e6


def test_the_logarithm_of_a_cross_entropy_is_the_natural_one() -> None:
    net = port("mnist")
    p = np.full(10, 0.1)
    model = {"W": np.zeros((784, 10)), "b": np.log(p)}
    assert f"{net.loss(model, np.zeros((1, 784)), np.array([3])):.6f}" == "2.302585"
    assert -np.log10(0.1) == 1


def test_the_page_says_how_many_hidden_units_it_takes() -> None:
    printed = [RECIPES[f"planar-{hidden}"].figures[0].printed for hidden in range(1, 6)]
    assert f"{', '.join(printed)} %" in PAGE


@pytest.mark.parametrize("figure", ["0.0214", "0.021469535", "0.0533", "2.302585"])
def test_the_page_says_the_figures_tested_here(figure: str) -> None:
    assert figure in PAGE


@pytest.mark.parametrize("recipe", [r.name for r in RECIPES.values() if r.figures])
def test_a_figure_has_a_source_and_digits(recipe: str) -> None:
    for figure in RECIPES[recipe].figures:
        assert len(figure.source) > 10
        plain = replace(figure, made=None)
        assert plain.printed_of(float(figure.printed)) == figure.printed
        assert plain.printed_of(float(figure.printed) + 1.5 * figure.half_digit) != figure.printed


@pytest.mark.parametrize(
    ("printed", "value", "same"),
    [
        ("36", 36.4, True),
        ("36", 36.6, False),
        ("-0.2224", -0.22244, True),
        ("-0.2224", 0.2224, False),
        ("4.53978686e-05", 4.539786864e-05, True),
        ("4.53978686e-05", 4.5397870e-05, False),
        ("67.5", 67.549, True),
        ("67.5", float("nan"), False),
    ],
)
def test_a_figure_is_held_to_the_digits_printed(printed: str, value: float, same: bool) -> None:
    figure = RECIPES["descent"].figures[0]
    other = type(figure)("w", printed, "nobody", "forward", "w")
    assert (other.printed_of(value) == printed) == same
    assert figure.printed_of(36.0) == "36"
