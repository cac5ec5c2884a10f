"""The learning rates that the groups of an optimizer of torch.optim had before any schedule."""

from contextlib import contextmanager
from weakref import WeakKeyDictionary

from torch.optim import Optimizer

_made_with = WeakKeyDictionary()  # by optimizer, the rate of each of its groups


@contextmanager
def remembered():
    """Remember the rates of optimizers that are made while it lasts."""
    own = Optimizer.add_param_group

    def add(optimizer, group):
        own(optimizer, group)
        _made_with.setdefault(optimizer, []).append(optimizer.param_groups[-1]["lr"])

    Optimizer.add_param_group = add
    try:
        yield
    finally:
        Optimizer.add_param_group = own


def known():
    """Return the optimizers whose rates are remembered, and that there still are."""
    return list(_made_with)


def first(optimizer):
    """Return the first rate of each group: what schedulers took it for, or it was made with."""
    groups, made = optimizer.param_groups, _made_with.get(optimizer, [])
    if len(made) < len(groups):  # made before anything was remembered
        made = [group["lr"] for group in groups]
    return [group.get("initial_lr", rate) for group, rate in zip(groups, made, strict=True)]


def changed(optimizer):
    """Whether any group has another rate than its first."""
    rates = zip(optimizer.param_groups, first(optimizer), strict=True)
    return any(group["lr"] != rate for group, rate in rates)


def has_scheduler(optimizer):
    """Whether one of PyTorch's schedulers, which note the first rates, sets the rates."""
    return all("initial_lr" in group for group in optimizer.param_groups)
