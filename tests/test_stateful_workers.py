"""Workers whose optimizer keeps a state: a network of a user's, spread in PyTorch."""

import numpy as np
import pytest

from tests.running import Compare, Run

RECIPE = """
name = "mlp"
reference = "mlp.py"
data = "rows.npz"
batch = 8
steps = 6
learning_rate = 0.01
"""
REFERENCE = """
import torch
import torch.nn.functional as F
from torch import nn

FRAMEWORK = "torch"


def build(weights):
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    if weights is not None:
        model.load_state_dict(weights)
    return model


def forward(model, x):
    return model(x)


def loss(model, x, y):
    return F.cross_entropy(model(x), y)


def gradients(model, x, y):
    model.zero_grad()
    loss(model, x, y).backward()
    return {name: weight.grad for name, weight in model.named_parameters()}


def train(model, x, y, schedule, learning_rate):
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    losses = []
    for rows in schedule:
        optimizer.zero_grad()
        value = loss(model, x[rows], y[rows])
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        optimizer.step()
        losses.append(value.detach())
    return model, torch.stack(losses)


def export(model):
    return dict(model.state_dict())
"""
# Rows are dealt in turn, of 8 over 3 workers: 3, 3 and 2.
SPREAD = """
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

sys.path.insert(0, str(Path(__file__).parent))
import mlp
from mlp import FRAMEWORK, forward, loss


def build(weights):
    return DistributedDataParallel(mlp.build(weights))


def share(model, x, y):
    rank, workers = dist.get_rank(), dist.get_world_size()
    part = len(y[rank::workers]) / len(y)
    return loss(model, x[rank::workers], y[rank::workers]) * part * workers


def gradients(model, x, y):
    model.zero_grad()
    share(model, x, y).backward()
    return {name: weight.grad for name, weight in model.module.named_parameters()}


def train(model, x, y, schedule, learning_rate):
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    losses = []
    for rows in schedule:
        optimizer.zero_grad()
        value = share(model, x[rows], y[rows])
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        optimizer.step()
        losses.append(value.detach())
    losses = torch.stack(losses)
    dist.all_reduce(losses)
    return model, losses / dist.get_world_size()


def export(model):
    return dict(model.module.state_dict())
"""
STEP = "        value = share(model, x[rows], y[rows])\n        value.backward()\n"
CLIP = "        nn.utils.clip_grad_norm_(model.parameters(), 0.1)\n"
# What is written in place of what, and the cause that is named.
MISTAKES = {
    "loss_of_one": ("    dist.all_reduce(losses)\n    return model, losses / dist.get_world_size()",
                    "    return model, losses", "loss of one worker"),
    "clipped_apart": (
        STEP + CLIP,
        "        with model.no_sync():\n"
        "            share(model, x[rows], y[rows]).backward()\n"
        "            value = share(model, x[rows], y[rows])\n"
        + CLIP
        + "        for weight in model.parameters():\n"
        "            dist.all_reduce(weight.grad)\n"
        "            weight.grad /= dist.get_world_size()\n",
        "gradients clipped",
    ),
    "clipped_without_1e-6": (
        CLIP,
        "        norm = sum((w.grad**2).sum() for w in model.parameters()) ** 0.5\n"
        "        for weight in model.parameters():\n"
        "            weight.grad *= min(1.0, 0.1 / norm)\n",
        "gradients clipped",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def run(compare: Compare, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One run of a right port over three workers, and of mistakes in it."""
    pytest.importorskip("torch")
    folder, random = tmp_path_factory.mktemp("spread"), np.random.default_rng(0)
    x = random.normal(size=(40, 3))
    np.savez(folder / "rows.npz", x=x, y=(x.sum(axis=1) > 0).astype(np.int64))
    (folder / "recipe.toml").write_text(RECIPE)
    (folder / "mlp.py").write_text(REFERENCE)
    ports = {"right": SPREAD}
    for name, (right, wrong, _) in MISTAKES.items():
        assert right in SPREAD
        ports[name] = SPREAD.replace(right, wrong)
    for name, text in ports.items():
        (folder / f"{name}.py").write_text(text)
    given = (f"--with={folder / name}.py" for name in ports)
    return compare(folder / "recipe.toml", "--workers", 3, "--dtype", "float64", *given)


def test_a_right_port_agrees(run: Run) -> None:
    assert run.result("right.py", "float64")["verdict"] == "agree", run.stdout


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_beside_the_optimizer_is_named(run: Run, name: str) -> None:
    result = run.result(f"{name}.py", "float64")
    assert result["divergence"]["rung"] == "update", result["error"]
    assert result["diagnosis"]["cause"] == MISTAKES[name][2]
    if name == "clipped_without_1e-6":
        assert "to which nothing is added" in result["diagnosis"]["evidence"]
