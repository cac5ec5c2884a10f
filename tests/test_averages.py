"""Moving averages of weights, made otherwise by ports, are caught and named."""

from pathlib import Path

from tests.running import Compare
from tests.test_own_recipes import withs, written

REFERENCE = """
import torch
import torch.nn as nn
import torch.nn.functional as F

FRAMEWORK = "torch"


class Averaged(nn.Module):
    def __init__(self):
        super().__init__()
        self.model, self.ema = nn.Linear(6, 3), nn.Linear(6, 3)


def build(weights):
    both = Averaged()
    if weights is None:
        both.ema.load_state_dict(both.model.state_dict())
    else:
        both.load_state_dict(weights)
    return both


def forward(both, x):
    return both.model(x)


def loss(both, x, y):
    return F.cross_entropy(both.model(x), y)


def gradients(both, x, y):
    both.zero_grad()
    loss(both, x, y).backward()
    return {f"model.{name}": weight.grad for name, weight in both.model.named_parameters()}


def train(both, x, y, schedule, learning_rate):
    optimizer = torch.optim.AdamW(both.model.parameters(), lr=learning_rate, weight_decay=0.3)
    losses = []
    for number, rows in enumerate(schedule, 1):
        before = [weight.detach().clone() for weight in both.model.parameters()]
        optimizer.zero_grad()
        value = loss(both, x[rows], y[rows])
        value.backward()
        optimizer.step()
        losses.append(value.detach())
        with torch.no_grad():
            pairs = zip(both.ema.parameters(), both.model.parameters(), before)
            for mean, weight, old in pairs:
                mean.mul_(0.99).add_(weight, alpha=0.01)
    return both, torch.stack(losses)


def export(both):
    return both.state_dict()
"""
MISTAKES = {
    "before.py": ("add_(weight,", "add_(old,", "averages are of the weights before each step"),
    "never.py": ("mul_(0.99).add_(weight, alpha=0.01)", "mul_(1)", "averages are not updated"),
    "kept.py": (
        "mul_(0.99).add_(weight, alpha=0.01)",
        "mul_(0.01).add_(weight, alpha=0.99)",
        "0.01 is the share of the average that is kept",
    ),
    "faster.py": (
        "mul_(0.99).add_(weight, alpha=0.01)",
        "mul_(0.98).add_(weight, alpha=0.02)",
        "the share of the weights that are new is 0.02, not 0.01",
    ),
    "warmed.py": (
        "mul_(0.99).add_(weight, alpha=0.01)",
        "lerp_(weight, 1 - min(0.99, (1 + number) / (10 + number)))",
        "the share of the weights that are new is 0.818 at a first step",
    ),
}


def test_another_average_of_weights_is_named(compare: Compare, tmp_path: Path) -> None:
    recipe = written(tmp_path, reference="reference.py", weights=None, dtype="float64")
    (tmp_path / "reference.py").write_text(REFERENCE)
    for name, (right, wrong, _) in MISTAKES.items():
        assert REFERENCE.count(right) == 1
        (tmp_path / name).write_text(REFERENCE.replace(right, wrong))
    run = compare(recipe, *withs(tmp_path, list(MISTAKES)))
    assert run.status == 1, run.stderr
    assert run.result("reference.py", "float64")["verdict"] == "agree"
    for name, (_, _, said) in MISTAKES.items():
        result = run.result(name, "float64")
        assert result["verdict"] == "disagree", name
        assert result["diagnosis"]["cause"] == "another moving average of the weights", name
        assert result["diagnosis"]["evidence"].startswith(said), result["diagnosis"]
