"""Gradients of micro-batches, which an optimizer may take a step by each of, not by their sum."""

from contextlib import contextmanager

import torch

from impls.torch.variants import rates
from shared.variants import Place

PLACE = Place("the accumulation of gradients", "")
CAUSE = "a step after each micro-batch"


class Passes:
    """How many backward passes there have been since the last step."""

    def __init__(self):
        self.count = 0

    @contextmanager
    def counted(self):
        """Count passes while it lasts."""

        def count(own, *args, **kwargs):
            own(*args, **kwargs)
            self.count += 1

        with _going_back_by(count):
            yield

    def of(self, optimizer):
        """Yield the variants of a step to come: cause, claim, and how a backward pass is made."""
        many, self.count = self.count, 0
        if many > 1:
            name = type(optimizer).__name__
            claim = f"{name} takes a step after each of {many} backward passes, not after the last"
            yield CAUSE, claim, _stepping(1)
            yield CAUSE, f"{claim}, by gradients that are {many} times as large", _stepping(many)


@contextmanager
def applied(change):
    """Let backward passes be as a variant has them while it lasts."""
    with rates.remembered(), _going_back_by(change):
        yield


def _stepping(scale):
    """Return a backward pass that optimizers make a step after, so that nothing is left for theirs.

    scale: of gradients.
    """

    def change(own, *args, **kwargs):
        own(*args, **kwargs)
        for optimizer in rates.known():
            groups = (group["params"] for group in optimizer.param_groups)
            given = [p.grad for parameters in groups for p in parameters if p.grad is not None]
            if given:
                for gradient in given:
                    gradient.mul_(scale)
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)

    return change


@contextmanager
def _going_back_by(change):
    """Let a function, given PyTorch's own, go back in its place while it lasts."""
    own = torch.autograd.backward

    def instead(*args, **kwargs):
        change(own, *args, **kwargs)

    torch.autograd.backward = instead
    try:
        yield
    finally:
        torch.autograd.backward = own
