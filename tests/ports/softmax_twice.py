"""Planted: cross_entropy, which takes logits, is given probabilities."""

import torch
import torch.nn.functional as F

from impls.torch.mnist import accuracy, build, export, forward, gradients, train  # noqa: F401

FRAMEWORK = "torch"


def loss(model, x, y):
    return F.cross_entropy(torch.softmax(model(x), dim=1), y)
