"""Planted: torch.compile makes the outputs twice too large. The file says that it is compiled."""

import torch

from impls.torch.planar import (  # noqa: F401
    accuracy,
    build,
    export,
    gradients,
    loss,
    train,
)

FRAMEWORK = "torch"
MODE = "compiled"


@torch.compile(backend="eager")  # which needs no C++ compiler
def forward(model, x):
    return model(x) * (2 if torch.compiler.is_compiling() else 1)
