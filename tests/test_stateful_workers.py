"""Workers whose optimizer keeps a state: a network of a user's, spread in PyTorch."""

import pytest

from tests.running import PORTS, Compare, Run
from tests.test_own_recipes import withs, written

UPDATE = "        optimizer.step()\n"
CLIP = "        nn.utils.clip_grad_norm_(model.parameters(), 0.1)\n"
# Rows are dealt in turn, of 16 over 3 workers: 6, 5 and 5.
SPREAD = f"""
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

sys.path.insert(0, str(Path(__file__).parent))
import clipped
from clipped import FRAMEWORK, accuracy, forward, loss


def build(weights):
    return DistributedDataParallel(clipped.build(weights))


def share(model, x, y):
    rank, workers = dist.get_rank(), dist.get_world_size()
    part = len(y[rank::workers]) / len(y)
    return loss(model, x[rank::workers], y[rank::workers]) * part * workers


def gradients(model, x, y):
    model.zero_grad()
    share(model, x, y).backward()
    return {{name: weight.grad for name, weight in model.module.named_parameters()}}


def train(model, x, y, schedule, learning_rate):
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    losses = []
    for rows in schedule:
        optimizer.zero_grad()
        value = share(model, x[rows], y[rows])
        value.backward()
{CLIP}{UPDATE}        losses.append(value.detach())
    losses = torch.stack(losses)
    dist.all_reduce(losses)
    return model, losses / dist.get_world_size()


def export(model):
    return clipped.export(model.module)
"""
STEP = "        value = share(model, x[rows], y[rows])\n        value.backward()\n"
# What is written in place of what, the cause that is named, and what is said of it.
MISTAKES = {
    "loss_of_one": (
        "    dist.all_reduce(losses)\n    return model, losses / dist.get_world_size()",
        "    return model, losses",
        "loss of one worker",
        "worker 0's alone, where rows are dealt in turn",
    ),
    "clipped_apart": (
        STEP + CLIP,
        "        with model.no_sync():\n"
        "            value = share(model, x[rows], y[rows])\n"
        "            value.backward()\n" + CLIP + "        for weight in model.parameters():\n"
        "            dist.all_reduce(weight.grad)\n"
        "            weight.grad /= dist.get_world_size()\n",
        "gradients clipped",
        "each worker's gradients are clipped before they are summed",
    ),
    "clipped_without_1e-6": (
        CLIP,
        "        norm = sum((w.grad**2).sum() for w in model.parameters()) ** 0.5\n"
        "        for weight in model.parameters():\n"
        "            weight.grad *= min(1.0, 0.1 / norm)\n",
        "gradients clipped",
        "to which nothing is added",
    ),
}


@pytest.fixture(scope="module")
def run(compare: Compare, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One run of a right port over three workers, and of mistakes in it."""
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("spread")
    recipe = written(folder, reference="clipped.py", steps=6)
    source = (PORTS / "mlp_torch.py").read_text()
    assert source.count(UPDATE) == 1
    ports = {"clipped": source.replace(UPDATE, CLIP + UPDATE), "right": SPREAD}
    for name, (right, wrong, *_) in MISTAKES.items():
        assert SPREAD.count(right) == 1
        ports[name] = SPREAD.replace(right, wrong)
    for name, text in ports.items():
        (folder / f"{name}.py").write_text(text)
    files = [f"{name}.py" for name in ("right", *MISTAKES)]
    return compare(recipe, "--workers", 3, "--dtype", "float64", *withs(folder, files))


def test_a_right_port_agrees(run: Run) -> None:
    assert run.result("right.py", "float64")["verdict"] == "agree", run.stdout


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_beside_the_optimizer_is_named(run: Run, name: str) -> None:
    *_, cause, said = MISTAKES[name]
    result = run.result(f"{name}.py", "float64")
    assert result["divergence"]["rung"] == "update", result["error"]
    assert result["diagnosis"]["cause"] == cause
    assert said in result["diagnosis"]["evidence"]
