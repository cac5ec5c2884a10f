"""Planted: a little momentum is left on; it cannot show before the second update."""

import torch

from impls.torch.planar import (  # noqa: F401
    accuracy,
    build,
    export,
    forward,
    gradients,
    loss,
    train_step,
)

FRAMEWORK = "torch"


def train(model, x, y, schedule, learning_rate):
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate, momentum=0.01)
    losses = [train_step(model, optimizer, x, y) for _ in range(schedule)]
    return model, torch.stack(losses)
