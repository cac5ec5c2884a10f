"""Planted: the accuracy takes the largest logit of each column."""

import torch

from impls.torch.mnist import build, export, forward, gradients, loss, train  # noqa: F401

FRAMEWORK = "torch"


@torch.no_grad()
def accuracy(model, x, y):
    return (model(x).argmax(dim=0) == y[:10]).to(x.dtype).mean()
