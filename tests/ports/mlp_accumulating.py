"""The two-layer classifier, trained as large models are: micro-batches, AdamW, a warm-up."""

import torch
import torch.nn as nn
import torch.nn.functional as F

FRAMEWORK = "torch"


def build(weights):
    model = nn.Sequential(nn.Linear(6, 8), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 3))
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


class EpsilonInside(torch.optim.Optimizer):
    """AdamW whose epsilon is eps_root of Optax."""

    def __init__(self, groups, lr, eps):
        super().__init__(groups, {"lr": lr, "eps": eps})
        self.steps = 0

    @torch.no_grad()
    def step(self):
        self.steps += 1
        for group in self.param_groups:
            rate = group["lr"]
            for weight in group["params"]:
                own = self.state[weight]
                own["mean"] = 0.9 * own.get("mean", 0) + 0.1 * weight.grad
                own["square"] = 0.999 * own.get("square", 0) + 0.001 * weight.grad**2
                mean = own["mean"] / (1 - 0.9**self.steps)
                root = (own["square"] / (1 - 0.999**self.steps) + group["eps"]).sqrt() + 1e-8
                weight.mul_(1 - rate * group["weight_decay"]).sub_(rate * mean / root)


def train(model, x, y, schedule, learning_rate):
    named = model.named_parameters()
    decaying, others = [], []
    for name, weight in named:
        (decaying if name.endswith(".weight") and weight.ndim > 1 else others).append(weight)
    groups = [{"params": others, "weight_decay": 0.0}, {"params": decaying, "weight_decay": 0.1}]
    optimizer = torch.optim.AdamW(groups, lr=learning_rate, eps=1e-3)
    losses = []
    for step, rows in enumerate(schedule):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * (step + 1) / 8
        total = 0
        for part in (rows[0::2], rows[1::2]):
            half = loss(model, x[part], y[part]) / 2
            half.backward()
            total += half.detach()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(total)
    return model, torch.stack(losses)


def accuracy(model, x, y):
    return (model(x).argmax(1) == y).to(x.dtype).mean()


def export(model):
    return model.state_dict()
