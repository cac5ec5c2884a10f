"""Planted: gradients are never cleared, and add up."""

import torch

from impls.torch.planar import accuracy, build, export, forward, gradients, loss  # noqa: F401

FRAMEWORK = "torch"


def train(model, x, y, schedule, learning_rate):
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
    losses = []
    for _ in range(schedule):
        value = loss(model, x, y)
        value.backward()
        optimizer.step()
        losses.append(value.detach())
    return model, torch.stack(losses)
