"""What the judge says of a mistake is true: it is named where it is known, and nothing else is."""

import pytest

from parity.contract import DTYPES
from parity.diagnosis.hypothesis import FIRST_STEPS
from parity.reports.wording import DRIFTS
from parity.results import UNEXPLAINED
from tests.mistakes import MISTAKES, NUMPY, STEPS
from tests.running import Compare, Run

RECIPES = ("iris", "planar", "mnist")
RUN_STEPS = 30
ONE_SIZE = """
def {name}(model, x, y, *others):
    assert len(x) == 400, "compiled for 400 rows"
    return right.{name}(model, x, y, *others)
"""
# Ports of planar: what is in them, and the verdict that is right.
PLANAR = {
    "one_size": ("agree", "".join(ONE_SIZE.format(name=n) for n in ("loss", "gradients", "train"))),
    "one_size_and_wrong": (
        "disagree",
        ONE_SIZE.format(name="loss") + ONE_SIZE.format(name="train") + "    # doubled\n"
        "def gradients(model, x, y):\n"
        "    assert len(x) == 400\n"
        "    return {k: 2 * g for k, g in right.gradients(model, x, y).items()}\n",
    ),
    "wrong_on_half": (
        "disagree",
        "def loss(model, x, y):\n    return right.loss(model, x, y) * (len(x) / 400)\n",
    ),
    "swapped_result": (
        "error",
        "def train(*given):\n    return right.train(*given)[::-1]\n",
    ),
    "generator": ("error", "def train(*given):\n    yield from right.train(*given)\n"),
    "nothing_returned": ("error", "def train(*given):\n    right.train(*given)\n"),
    "one_loss_more": (
        "error",
        "def train(*given):\n    model, losses = right.train(*given)\n"
        "    return model, np.append(losses, losses[-1:])\n",
    ),
    "tiny_rate": ("disagree", STEPS.replace("{rate}", "1e-12 * learning_rate")),
}


@pytest.fixture(scope="module")
def runs(compare: Compare, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """One comparison per recipe, in float64, of all ports with a mistake in it."""
    folder = tmp_path_factory.mktemp("mistakes")
    for name, mistake in MISTAKES.items():
        (folder / f"{name}.py").write_text(mistake.source)
    return {
        recipe: compare(
            *(recipe, "--data", "digits", "--steps", RUN_STEPS, "--frameworks", "numpy"),
            *("--dtype", "float64"),
            *(f"--with={folder / n}.py" for n, m in MISTAKES.items() if m.recipe == recipe),
        )
        for recipe in RECIPES
    }


@pytest.fixture(scope="module")
def planar(compare: Compare, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One comparison of ports whose verdict is what matters."""
    folder = tmp_path_factory.mktemp("planar")
    for name, (_, source) in PLANAR.items():
        (folder / f"{name}.py").write_text(NUMPY.format(recipe="planar") + source)
    return compare(
        *("planar", "--steps", RUN_STEPS, "--frameworks", "numpy"),
        *(f"--with={folder / name}.py" for name in PLANAR),
    )


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named(runs: dict[str, Run], name: str) -> None:
    recipe, word, _ = MISTAKES[name]
    result = runs[recipe].result(f"{name}.py", "float64")
    assert result["verdict"] == "disagree"
    assert result["diagnosis"] is not None, result["divergence"]
    assert word in result["diagnosis"]["cause"], result["diagnosis"]
    assert not result["diagnosis"]["cause"].startswith(UNEXPLAINED)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", PLANAR)
def test_a_verdict_is_right(planar: Run, name: str, dtype: str) -> None:
    result = planar.result(f"{name}.py", dtype)
    assert result["verdict"] == PLANAR[name][0], result["error"] or result["divergence"]


def test_a_port_for_one_number_of_rows_is_said_to_be_one(planar: Run) -> None:
    result = planar.result("one_size.py", "float64")
    assert result["fixed_rows"] == ["loss", "gradients", "train"]
    assert "one_size.py takes no other number of rows than a batch has" in planar.stdout


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("swapped_result", "train returned (losses, model)"),
        ("generator", "train returned a generator"),
        ("nothing_returned", "train returned None"),
    ],
)
def test_an_error_names_the_type_that_came(planar: Run, name: str, said: str) -> None:
    assert said in planar.result(f"{name}.py", "float64")["error"]


def test_a_wrong_number_of_losses_is_not_carried_over(planar: Run) -> None:
    divergence = planar.result("one_loss_more.py", "float64")["divergence"]
    assert divergence["teacher_forced"] is not False, DRIFTS


def test_losses_alone_are_not_carried_over(runs: dict[str, Run]) -> None:
    divergence = runs["planar"].result("running_sum.py", "float64")["divergence"]
    assert divergence["rung"] == "trajectory"
    assert divergence["teacher_forced"] is None, DRIFTS


def test_a_period_is_claimed_only_of_a_run_that_shows_it(planar: Run) -> None:
    assert FIRST_STEPS < RUN_STEPS
    diagnosis = planar.result("tiny_rate.py", "float32")["diagnosis"]
    assert "only every" not in diagnosis["evidence"]
