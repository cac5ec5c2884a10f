"""Models of PyTorch, as users have them."""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn


class ConvNet(nn.Module):
    def __init__(self, classes, *, width=2):
        super().__init__()
        self.conv = nn.Conv2d(1, width, 3)
        self.norm = nn.BatchNorm2d(width)
        self.out = nn.Linear(width * 4, classes)
        self.register_buffer("mask", torch.ones(width * 4, dtype=torch.bool))
        self.unused = nn.Linear(2, 2)

    def forward(self, x):
        x = F.adaptive_avg_pool2d(F.relu(self.norm(self.conv(x))), 2).flatten(1)
        return self.out(x * self.mask)


class Dropping(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(5, 4), nn.Dropout(), nn.Linear(4, 3), nn.Softmax(1))


def regression():
    return nn.Linear(3, 1)


ready = nn.Sequential(nn.Linear(4, 2))
tables = {"a": 1}


class Pair(nn.Linear):
    def __init__(self):
        super().__init__(2, 2)

    def forward(self, x):
        return x, x


class Raising(nn.Linear):
    def __init__(self):
        super().__init__(2, 2)

    def forward(self, x):
        raise RuntimeError("no such luck")


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(7, 3)
        self.out = nn.Linear(3, 4)

    def forward(self, x):
        return self.out(self.embed(x).mean(1))
