"""The layers of a PyTorch model, as its modules show them."""

from contextlib import contextmanager

import torch
from torch.utils._python_dispatch import TorchDispatchMode


def named(model):
    """Return the modules inside a model by name; of anything else, none."""
    if not isinstance(model, torch.nn.Module):
        return {}
    inside = {name.replace("_orig_mod.", ""): module for name, module in model.named_modules()}
    return {name: module for name, module in inside.items() if name not in ("", "_orig_mod")}


@contextmanager
def watched(modules, note):
    """Tell of every call of some modules while it lasts, with the compiler switched off.

    Args:
        modules: by name.
        note: is given the name, the positional arguments, the named ones, and what was returned.
    """

    def hook(name):
        return lambda module, args, kwargs, output: note(name, args, kwargs, output)

    handles = [
        module.register_forward_hook(hook(name), with_kwargs=True)
        for name, module in modules.items()
    ]
    try:
        with torch.compiler.set_stance("force_eager"):
            yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def operations(note):
    """Tell of what every operation gives while it lasts; yield what inputs are to be taken by."""
    with torch.compiler.set_stance("force_eager"), _Told(note):
        yield lambda value: value


class _Told(TorchDispatchMode):
    def __init__(self, note):
        super().__init__()
        self.note = note

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for value in result if isinstance(result, list | tuple) else [result]:
            if isinstance(value, torch.Tensor) and value.is_floating_point():
                self.note(value.detach().cpu().numpy())
        return result
