"""Ports that spread each batch over several workers: right ones, and mistaken ones."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from parity.contract import PortName
from parity.diagnosis.shares import of_gradients, of_losses
from parity.processes import mpi
from parity.processes.crew import Answers, compared
from parity.sessions.settings import Settings
from parity.standard.inputs import Inputs
from shared import recipes
from shared.errors import InputError
from shared.experiment import prepare
from shared.workers import share
from tests.running import ROOT, Compare, Run

NUMPY = """
import os, time
import numpy as np
from mpi4py import MPI
from impls.numpy import mnist
from impls.numpy import mnist_workers as right
from impls.numpy.mnist_workers import *
FRAMEWORK = "numpy"
"""
TORCH = """
import os, time
import torch
import torch.distributed as dist
from impls.torch import mnist
from impls.torch import mnist_workers as right
from impls.torch.mnist_workers import *
FRAMEWORK = "torch"
"""
JAX = """
from impls.jax import mnist
from impls.jax import mnist_workers as right
from impls.jax.mnist_workers import *
FRAMEWORK = "jax"
"""
# The rung on which each is found, and its name; over three workers, of 34, 33 and 33 rows.
MISTAKES = {
    "padding_counts": (
        JAX
        + """
right.loss_of_counted = lambda params, x, y, counts: mnist.loss(params, x, y)
""",
        "gradients",
        "rows counted twice",
    ),
    "mean_of_means": (
        NUMPY
        + """
def loss_and_gradients(model, x, y, rows):
    mine = share(rows, workers.rank, workers.size)
    value, grads = mnist.loss_and_gradients(model, x[mine], y[mine])
    for grad in grads.values():
        workers.Allreduce(MPI.IN_PLACE, grad, op=MPI.SUM)
        grad /= workers.size
    return value / workers.size, grads
right.loss_and_gradients = loss_and_gradients
""",
        "gradients",
        "mean of the means of uneven parts",
    ),
    "mean_of_means_in_turn": (
        NUMPY
        + """
def loss_and_gradients(model, x, y, rows):
    mine = rows[workers.rank :: workers.size]
    value, grads = mnist.loss_and_gradients(model, x[mine], y[mine])
    for grad in grads.values():
        workers.Allreduce(MPI.IN_PLACE, grad, op=MPI.SUM)
        grad /= workers.size
    return value / workers.size, grads
right.loss_and_gradients = loss_and_gradients
""",
        "gradients",
        "mean of the means of uneven parts",
    ),
    "sum_for_mean": (
        NUMPY
        + """
def loss_and_gradients(model, x, y, rows):
    mine = share(rows, workers.rank, workers.size)
    value, grads = mnist.loss_and_gradients(model, x[mine], y[mine])
    for grad in grads.values():
        workers.Allreduce(MPI.IN_PLACE, grad, op=MPI.SUM)
    return value / workers.size, grads
right.loss_and_gradients = loss_and_gradients
""",
        "gradients",
        "sum over parts instead of their mean",
    ),
    "never_broadcast": (
        NUMPY + "build = mnist.build\n",
        "gradients",
        "weights never broadcast",
    ),
    "all_take_all_rows": (
        NUMPY
        + """
def gradients(model, x, y):
    grads = mnist.gradients(model, x, y)
    for grad in grads.values():
        workers.Allreduce(MPI.IN_PLACE, grad, op=MPI.SUM)
    return grads
""",
        "gradients",
        "sum over parts instead of their mean",
    ),
    "loss_of_one": (
        NUMPY
        + """
def train(model, x, y, schedule, learning_rate):
    rows = share(schedule, workers.rank, workers.size)
    losses = []
    for step, batch in enumerate(schedule):
        losses.append(loss(model, x[rows[step]], y[rows[step]]))
        model, _ = right.train(model, x, y, batch[None], learning_rate)
    return model, np.array(losses)
""",
        "update",
        "loss of one worker",
    ),
    "one_keeps_its_own_gradient": (
        NUMPY
        + """
def gradients(model, x, y):
    grads = right.gradients(model, x, y)
    return mnist.gradients(model, x[:40], y[:40]) if workers.rank == 2 else grads
""",
        "gradients",
        "rows missing from the batch",
    ),
    "averaged_twice": (
        TORCH + "right.backward = lambda value: value.backward()\n",
        "gradients",
        "averaged over the workers twice",
    ),
}


def judged(compare: Compare, folder: Path, ports: dict[str, str], *arguments: object) -> Run:
    """Judge ports by name, written into a folder."""
    for name, text in ports.items():
        (folder / f"{name}.py").write_text(text)
    files = [f"--with={folder / name}.py" for name in ports]
    return compare(*arguments, "--steps", 4, "--frameworks", ",", *files)


def test_the_engines_agree_with_one_worker(compare: Compare) -> None:
    how = "--frameworks", "numpy,torch,jax", "--steps", 4, "--dtype", "float64"
    run = compare("mnist-workers-3", *how)  # of 34, 33 and 33 rows
    assert run.status == 0, run.stdout + run.stderr
    assert len(run.report["results"]) == 3
    for result in run.report["results"]:
        assert {rung["verdict"] for rung in result["rungs"]} == {"agree"}


def test_tensorflow_agrees_with_one_worker(compare: Compare) -> None:
    how = "--frameworks", "tensorflow", "--steps", 4, "--dtype", "float32"
    run = compare("mnist", "--workers", 2, *how)
    assert run.status == 0, run.stdout + run.stderr
    assert [result["recipe"] for result in run.report["results"]] == ["mnist-workers-2"]


@pytest.fixture(scope="module")
def mistaken(compare: Compare, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One run of all mistakes, beside a right port."""
    ports = {name: text for name, (text, *_) in MISTAKES.items()}
    folder = tmp_path_factory.mktemp("mistakes")
    how = "mnist", "--workers", 3, "--dtype", "float64"
    return judged(compare, folder, {"right": NUMPY, **ports}, *how)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_found_and_named(mistaken: Run, name: str) -> None:
    _, rung, cause = MISTAKES[name]
    result = mistaken.result(f"{name}.py", "float64")
    assert result["verdict"] == "disagree", result["error"]
    assert result["divergence"]["rung"] == rung
    assert result["diagnosis"]["cause"] == cause


def test_the_worker_that_differs_is_named(mistaken: Run) -> None:
    assert "W of worker 2, held to worker 0's" in mistaken.stdout


def test_a_right_port_agrees_over_three_workers(mistaken: Run) -> None:
    result = mistaken.result("right.py", "float64")
    assert result["verdict"] == "agree"
    assert result["recipe"] == "mnist-workers-3"


def test_all_weighings_of_shares_are_wrong() -> None:
    rows = np.arange(100)
    for weighing in (*of_gradients(3, apart=True), *of_losses(3)):
        parts = [np.array_split(share(rows, rank, 3), weighing.micro) for rank in range(3)]
        sizes = np.array([[len(part) for part in own] for own in parts], float)
        weights = weighing.weigh(sizes)
        assert weights.shape == sizes.shape
        assert np.isfinite(weights).all()
        assert not np.allclose(weights, sizes / 100), weighing.claim


def test_a_worker_that_answers_less_or_more_differs() -> None:
    whole: Answers = {("update", 0): {"W": np.ones(1), "b": np.ones(1)}}
    less: Answers = {("update", 0): {}}
    for answers in ([whole, {}], [{}, whole], [whole, less], [less, whole]):
        assert [c.agrees for c in compared([*answers])] == [False, False]
    assert [c.agrees for c in compared([whole, whole, less])] == [True, True, False, False]


def test_a_port_runs_without_the_judge(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [f"{mpi.program()}", "-n", "2", sys.executable, "-m", "impls.numpy.mnist_workers"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("mnist: ")
    assert lines[-1].startswith("step   139  mean loss ")
    assert sum(line.startswith("step") for line in lines) == 10  # of worker 0 alone


@pytest.mark.parametrize(
    ("line", "under_mpi"),
    [
        ("from mpi4py import MPI", True),
        ("from impls.numpy.mnist_workers import *", True),
        ("from impls.numpy import mnist_workers as right", True),
        ("from impls.numpy import mnist", False),
        ("from impls.torch.mnist_workers import *", False),
    ],
)
def test_what_imports_mpi_is_started_by_mpiexec(tmp_path: Path, line: str, under_mpi: bool) -> None:
    file = tmp_path / "port.py"
    file.write_text(f"{line}\n")
    assert mpi.launches(PortName("port.py", file), "mnist") is under_mpi


@pytest.mark.parametrize("text", ["0", "2,", "two", "65", "-1"])
def test_numbers_of_workers_are_checked(command: Compare, text: str) -> None:
    run = command("mnist", "--workers", text)
    assert run.status == 2
    assert "give a number from 1 to 64" in run.stderr


def test_names_of_recipes_over_workers_are_known(command: Compare) -> None:
    for wrong in ("65", "9" * 5000):  # which is too long for int() to take
        run = command(f"mnist-workers-{wrong}")
        assert run.status == 2
        assert "give a number from 1 to 64" in run.stderr
    assert "did you mean mnist-workers-2?" in command("mnist-worker-2").stderr


def test_every_worker_gets_a_row_even_of_half_a_batch(command: Compare) -> None:
    run = command("mnist", "--workers", "52", "--data", "digits", "--frameworks", "numpy")
    assert run.status == 2
    assert "51 workers at most have a row each" in run.stderr
    prepare("mnist-workers-51", "float32", choice="digits")


def test_what_cannot_spread_is_said(command: Compare) -> None:
    assert "there is no port of iris_workers" in command("iris", "--workers", "2").stderr
    run = command("iris", "--workers", "2", "--frameworks", "torch")
    assert run.status == 2
    assert "torch has no port of iris_workers" in run.stderr


def test_shares_differ_by_one_row_at_most() -> None:
    batches = np.arange(200).reshape(2, 100)
    shares = [share(batches, rank, 3) for rank in range(3)]
    assert [each.shape for each in shares] == [(2, 34), (2, 33), (2, 33)]
    assert np.array_equal(np.concatenate(shares, axis=1), batches)
    assert [len(share(batches[0, :2], rank, 3)) for rank in range(3)] == [1, 1, 0]


def test_the_others_get_other_weights() -> None:
    [trial] = Settings(dtype="float32", steps=1, data="digits").trials(["mnist-workers-2"])
    given = trial.experiment.weights
    inputs = Inputs(*("", "", "float32", "cpu", 1, {}, given, 1, 0.1, 1, (), 0.0), rank=1)
    for name, value in inputs.handed(given).items():
        assert value.dtype == "float32"
        assert (value != given[name]).mean() > 0.99
    assert replace(inputs, rank=0).handed(given) is given


def test_a_recipe_over_workers_is_the_same_recipe() -> None:
    one, four = recipes.get("mnist"), recipes.get("mnist-workers-4")
    assert (four.net, four.port, four.workers) == (one.net, "mnist_workers", 4)
    assert four.batches == one.batches
    with pytest.raises(InputError, match="cannot be '0' workers"):
        recipes.get("mnist-workers-0")
