"""What a function of a user's needs to be judged by itself, in PyTorch."""

from contextlib import contextmanager

import torch

from shared.errors import InputError


@contextmanager
def precision(dtype):
    """Have `dtype` for default, and float32 mean float32, not TF32; then all as it was."""
    before = torch.get_default_dtype(), torch.get_float32_matmul_precision()
    convolutions = torch.backends.cudnn.allow_tf32
    try:
        torch.set_default_dtype(getattr(torch, dtype))
        torch.set_float32_matmul_precision("highest")
        torch.backends.cudnn.allow_tf32 = False
        yield
    finally:
        torch.set_default_dtype(before[0])
        torch.set_float32_matmul_precision(before[1])
        torch.backends.cudnn.allow_tf32 = convolutions


def eagerly():
    """Have torch.compile run Python's own code."""
    return torch.compiler.set_stance("force_eager")


def owns(value):
    """Whether a value holds weights of its own: an operation takes no two precisions."""
    return isinstance(value, torch.nn.Module | torch.Tensor)


@contextmanager
def holding(owners, working, dtype):
    """Have modules and tensors hold copies rounded to `working`, in `dtype`; then their own again.

    Raises:
        InputError: one of them is in a precision that is not judged.
    """
    modules = {part for owner in owners for part in _modules(owner)}
    buffers = [(module, dict(module._buffers)) for module in modules]
    tensors = {id(tensor): tensor for owner in owners for tensor in _tensors(owner)}
    own = [(tensor, tensor.data) for tensor in tensors.values()]
    try:
        for tensor, data in own:
            tensor.data = _copy(data, working, dtype)
        yield
    finally:
        for tensor, data in own:
            tensor.data = data
        for module, held in buffers:
            module._buffers.update(held)


def differentiate(call, leaves, weights):
    """Call a function of some tensors; return its outputs, by path, and gradients of a sum of them.

    Args:
        call: takes a list of tensors, and returns a dict.
        leaves: the tensors.
        weights: of the numbers of an output in that sum, given its shape.
    """
    with torch.enable_grad():
        leaves = [leaf.requires_grad_() for leaf in leaves]
        outputs = call([leaf.clone() for leaf in leaves])  # these may be written into
    summed = [
        value
        for value in outputs.values()
        if isinstance(value, torch.Tensor) and value.is_floating_point() and value.requires_grad
    ]
    if not summed:
        return outputs, [torch.zeros_like(leaf) for leaf in leaves]
    weighed = [torch.from_numpy(weights(value.shape)).to(value) for value in summed]
    return outputs, torch.autograd.grad(
        summed, leaves, weighed, allow_unused=True, materialize_grads=True
    )


def _modules(owner):
    return owner.modules() if isinstance(owner, torch.nn.Module) else ()


def _tensors(owner):
    if isinstance(owner, torch.nn.Module):
        return [*owner.parameters(), *owner.buffers()]
    return [owner]


def _copy(data, working, dtype):
    """Return a copy of a tensor, in another precision if it is made of real numbers."""
    if not data.is_floating_point():
        return data.clone()
    if data.dtype not in (torch.float32, torch.float64):
        raise InputError(
            f"a weight of shape {tuple(data.shape)} is {str(data.dtype).removeprefix('torch.')}, "
            "where float32 or float64 is expected: convert the module with .float()"
        )
    return data.to(getattr(torch, working), copy=True).to(getattr(torch, dtype))
