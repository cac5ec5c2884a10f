"""How learning rates may be scheduled otherwise by the schedulers of torch.optim.lr_scheduler."""

import warnings
from contextlib import contextmanager

from torch.optim.lr_scheduler import LRScheduler

from impls.torch.variants import rates
from shared.updates import SCHEDULE


def of(optimizer):
    """Yield the variants of a schedule: cause, claim, and what a scheduler's step is then.

    That is a function of the step as it is and of the scheduler.
    """
    if rates.has_scheduler(optimizer):
        for claim, change in CHANGES.items():
            yield SCHEDULE, claim, change


@contextmanager
def applied(change):
    """Let schedulers make their steps as a variant has them while it lasts."""
    own_init, own_step = LRScheduler.__init__, LRScheduler.step

    def init(scheduler, *args, **kwargs):
        own_init(scheduler, *args, **kwargs)  # which makes a first step
        if change is _ahead:
            own_step(scheduler)

    def step(scheduler, *args, **kwargs):
        change(lambda: own_step(scheduler, *args, **kwargs), scheduler)

    LRScheduler.__init__, LRScheduler.step = init, step
    try:
        with warnings.catch_warnings():  # of steps before an optimizer's
            warnings.simplefilter("ignore")
            yield
    finally:
        LRScheduler.__init__, LRScheduler.step = own_init, own_step


def _constant(step, scheduler):
    step()
    for group in scheduler.optimizer.param_groups:
        group["lr"] = group["initial_lr"]


def _first(step, scheduler):
    if scheduler.last_epoch < 0:
        step()


def _ahead(step, scheduler):
    step()


def _behind(step, scheduler):
    if scheduler.last_epoch != 0 or getattr(scheduler, "waited", False):
        step()
    else:
        scheduler.waited = True


def _twice(step, scheduler):
    step()
    if scheduler.last_epoch > 0:
        step()


CHANGES = {
    "the learning rate is not scheduled": _constant,
    "the learning rate stays at its first value": _first,
    "the schedule of the learning rate is one step ahead": _ahead,
    "the schedule of the learning rate is one step behind": _behind,
    "the schedule of the learning rate makes two steps in place of each": _twice,
}
