"""What the judge says of a mistake is true: it is named where it is known, and nothing else is."""

from pathlib import Path

import pytest

from parity.contract import DTYPES
from parity.diagnosis.hypothesis import FIRST_STEPS
from parity.reports.wording import DRIFTS
from parity.results import UNEXPLAINED
from parity.sessions.settings import Settings
from tests.judged import OF_THE_RUN, Judged, Known, judge_all
from tests.mistakes import MISTAKES, NUMPY, STEPS
from tests.running import Compare, Run

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
# Those that compare.py itself judges, each in a process of its own.
SAMPLE = ("one_size", "one_size_and_wrong", "swapped_result")


@pytest.fixture(scope="module")
def named(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """What is said, in float64, of all ports with a mistake in them."""
    folder = tmp_path_factory.mktemp("mistakes")
    for name, mistake in MISTAKES.items():
        (folder / f"{name}.py").write_text(mistake.source)
    ports = [Known(folder / f"{name}.py", mistake.recipe) for name, mistake in MISTAKES.items()]
    settings = Settings(dtype="float64", steps=RUN_STEPS, data="digits")
    return judge_all(environment, settings, ports)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the ports whose verdict is what matters."""
    folder = tmp_path_factory.mktemp("planar")
    for name, (_, source) in PLANAR.items():
        (folder / f"{name}.py").write_text(NUMPY.format(recipe="planar") + source)
    return folder


@pytest.fixture(scope="module")
def planar(environment: dict[str, str], folder: Path) -> Judged:
    """What is said of those ports."""
    ports = [Known(folder / f"{name}.py", "planar") for name in PLANAR]
    return judge_all(environment, Settings(steps=RUN_STEPS), ports)


@pytest.fixture(scope="module")
def run(compare: Compare, folder: Path) -> Run:
    """One comparison of a sample of those ports."""
    return compare(
        *("planar", "--steps", RUN_STEPS, "--frameworks", "numpy"),
        *(f"--with={folder / name}.py" for name in SAMPLE),
    )


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named(named: Judged, name: str) -> None:
    _, word, _ = MISTAKES[name]
    result = named.result(f"{name}.py", "float64")
    assert result["verdict"] == "disagree"
    assert result["diagnosis"] is not None, result["divergence"]
    assert word in result["diagnosis"]["cause"], result["diagnosis"]
    assert not result["diagnosis"]["cause"].startswith(UNEXPLAINED)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", PLANAR)
def test_a_verdict_is_right(planar: Judged, name: str, dtype: str) -> None:
    result = planar.result(f"{name}.py", dtype)
    assert result["verdict"] == PLANAR[name][0], result["error"] or result["divergence"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SAMPLE)
def test_ports_that_share_a_process_are_judged_as_by_compare(
    planar: Judged, run: Run, name: str, dtype: str
) -> None:
    shared, alone = planar.result(f"{name}.py", dtype), run.result(f"{name}.py", dtype)
    assert {**shared, **OF_THE_RUN} == {**alone, **OF_THE_RUN}


def test_a_port_for_one_number_of_rows_is_said_to_be_one(run: Run) -> None:
    result = run.result("one_size.py", "float64")
    assert result["fixed_rows"] == ["loss", "gradients", "train"]
    assert "one_size.py takes no other number of rows than a batch has" in run.stdout


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("swapped_result", "train returned (losses, model)"),
        ("generator", "train returned a generator"),
        ("nothing_returned", "train returned None"),
    ],
)
def test_an_error_names_the_type_that_came(planar: Judged, name: str, said: str) -> None:
    assert said in planar.result(f"{name}.py", "float64")["error"]


def test_a_wrong_number_of_losses_is_not_carried_over(planar: Judged) -> None:
    divergence = planar.result("one_loss_more.py", "float64")["divergence"]
    assert divergence["teacher_forced"] is not False, DRIFTS


def test_losses_alone_are_not_carried_over(named: Judged) -> None:
    divergence = named.result("running_sum.py", "float64")["divergence"]
    assert divergence["rung"] == "trajectory"
    assert divergence["teacher_forced"] is None, DRIFTS


def test_a_period_is_claimed_only_of_a_run_that_shows_it(planar: Judged) -> None:
    assert FIRST_STEPS < RUN_STEPS
    diagnosis = planar.result("tiny_rate.py", "float32")["diagnosis"]
    assert "only every" not in diagnosis["evidence"]
