"""Planted: the sum over the rows is divided by 400, which is right for all of them alone."""

import torch
import torch.nn.functional as F

from impls.torch import planar
from impls.torch.planar import accuracy, build, export, forward  # noqa: F401

FRAMEWORK = "torch"


def loss(model, x, y):
    return F.binary_cross_entropy_with_logits(model(x), y, reduction="sum") / 400


def gradients(model, x, y):
    hidden, bias1, output, bias2 = torch.autograd.grad(loss(model, x, y), model.parameters())
    return {"W1": hidden.T, "b1": bias1, "W2": output.T, "b2": bias2}


def train(model, x, y, schedule, learning_rate):
    return planar.train(model, x, y, schedule, learning_rate)
