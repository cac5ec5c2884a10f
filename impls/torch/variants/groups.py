"""The groups of an optimizer of torch.optim, whose settings may be others for each step."""

from contextlib import contextmanager

from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)


def set_to(**values):
    """Return what sets all groups of an optimizer to other values."""

    def change(optimizer):
        for group in optimizer.param_groups:
            group.update(values)

    return change


@contextmanager
def stepping_by(change):
    """Let a function change the groups of optimizers for each of their steps while it lasts.

    change: of an optimizer; it may return what is to be called after the step.
    """
    own = []

    def before(optimizer, *args):
        groups = list(optimizer.param_groups)
        own.append((groups, [{**group} for group in groups], change(optimizer)))

    def after(optimizer, *args):
        groups, settings, finish = own.pop()
        if finish:
            finish()
        optimizer.param_groups[:] = groups
        for group, was in zip(groups, settings, strict=True):
            group.update(was)

    hooks = register_optimizer_step_pre_hook(before), register_optimizer_step_post_hook(after)
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
