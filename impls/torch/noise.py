"""Noise in PyTorch: every operation errs as another library's might.

A dispatch mode sees all of them below autograd, those of backward passes and optimizers too.
"""

import sys
from functools import cache, partial
from pathlib import Path

import torch
from torch._decomp import decomposition_table
from torch.optim.adam import _get_value
from torch.utils._python_dispatch import TorchDispatchMode

from shared.operations import Operations
from shared.rounding import NoiseLostError

OPERATIONS = Path(__file__).with_name("operations.toml")
# The positions of two factors, which are summed over in another order.
FACTORS = {"mm": (0, 1), "bmm": (0, 1), "addmm": (1, 2), "baddbmm": (1, 2)}

BETA2 = 0.999  # Adam's


class Noise:
    """While it lasts, every operation errs at random."""

    def __init__(self, rounding):
        self.operations = Operations(OPERATIONS, rounding)
        self.mode = _Erring(self.operations)
        self.eager = torch.compiler.set_stance("force_eager")  # compiled code is not dispatched

    def __enter__(self):
        self.eager.__enter__()
        _let_optimizers_count_by(self.counted)
        self.mode.__enter__()
        return self

    def __exit__(self, *error):
        self.mode.__exit__(*error)
        _let_optimizers_count_by(_get_value)
        self.eager.__exit__(*error)

    def counted(self, step):
        """Return the number of an optimizer's step so that 1 - beta2 ** step errs.

        PyTorch computes that in Python. Optax and Keras do in the working precision, in which
        almost all of it cancels: at the first step, Adam's 1 - 0.999 has only half of its digits.
        """
        number, unit = _get_value(step), torch.finfo(torch.get_default_dtype()).eps
        off = self.operations.rounding.random.uniform(-1, 1) * unit / 4 / (1 - BETA2)
        return number + off if isinstance(number, int | float) else number

    def take(self, value):
        """Return a tensor as it is: it is the operations that err."""
        return value

    def require(self, values, where):
        """Check that something has erred since the last time.

        Raises:
            NoiseLostError: nothing has; `where` is named.
        """
        self.operations.require(where)


class _Erring(TorchDispatchMode):
    """Lets every operation err. What is made of several enters it again for each of these."""

    def __init__(self, operations):
        super().__init__()
        self.operations = operations
        self.parts = {}

    @classmethod
    def _should_skip_dynamo(cls):
        """Say that torch.compile need not be kept out of here: it is off, and asking takes time."""
        return False

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        operations, kwargs, name = self.operations, kwargs or {}, _name(func)
        if func not in self.parts:
            self.parts[func] = self.parts_of(func, name)
        if self.parts[func]:
            with self:
                return self.parts[func](*args, **kwargs)
        if func.is_view or operations.is_exact(name):
            return func(*args, **kwargs)
        if name in ("sum", "mean"):
            return self.summed(name, *args, **kwargs)
        if name in FACTORS:
            args = self.reordered(args, *FACTORS[name])
        written = _written(func)
        if operations.sums(name):
            args = [
                value if number in written else _on_numpy(operations.rounding.rounded, value)
                for number, value in enumerate(args)
            ]
        result, error = func(*args, **kwargs), partial(_in_place, operations.error(name))
        for number, argument in written.items():
            _mapped(error, args[number] if number < len(args) else kwargs.get(argument))
        if not written:
            given = {value.data_ptr() for value in args if isinstance(value, torch.Tensor)}
            _mapped(lambda tensor: tensor.data_ptr() in given or error(tensor), result)
        return result

    def parts_of(self, func, name):
        """Return what does the same by operations that err by themselves, if there is anything."""
        if name in ("var", "var_mean"):
            return self.variance if name == "var" else self.variance_and_mean
        if self.operations.is_composed(name) and func in decomposition_table:
            return decomposition_table[func]
        composite = torch.DispatchKey.CompositeImplicitAutograd
        if not self.operations.is_known(name) and func.has_kernel_for_dispatch_key(composite):
            return func.decompose
        return None

    def variance(self, *args, **kwargs):
        """Return the variance over some dimensions, or over all, by operations that err."""
        return self.variance_and_mean(*args, **kwargs)[0]

    def variance_and_mean(self, tensor, dim=None, correction=1, keepdim=False, **others):
        """Return the variance and the mean over some dimensions, or over all."""
        dim = range(tensor.dim()) if dim in (None, []) else dim
        dim = [dim] if isinstance(dim, int) else list(dim)
        mean = tensor.mean(dim, keepdim=True)
        apart = tensor - mean
        total = (apart * apart).sum(dim, keepdim)
        variance = total / (tensor.numel() / max(total.numel(), 1) - correction)
        return variance, mean.reshape(total.shape)

    def summed(self, name, tensor, dim=None, keepdim=False, dtype=None, output_dtype=None):
        """Return a sum or a mean over some dimensions, or over all, in another order."""
        rounding, tensor = (
            self.operations.rounding,
            tensor.to(dtype or output_dtype or tensor.dtype),
        )
        dim = range(tensor.dim()) if dim in (None, []) else dim
        if not tensor.is_floating_point():
            return tensor.sum(tuple(dim), keepdim)
        values = rounding.rounded(tensor.detach().cpu().numpy())
        total = rounding.sum(values, dim if isinstance(dim, int) else tuple(dim), keepdim)
        if name == "mean":
            total = rounding.rounded(total / total.dtype.type(values.size / total.size))
        return torch.from_numpy(total).to(tensor.device)

    def reordered(self, args, first, second):
        """Return arguments whose factors are summed over in another order."""
        args = list(args)
        order = self.operations.rounding.order(args[first].shape[-1])
        order = order if isinstance(order, slice) else torch.from_numpy(order)
        args[first], args[second] = args[first][..., order], args[second][..., order, :]
        return args


def _let_optimizers_count_by(count):
    """Let the optimizers of torch.optim read the number of their step by a function."""
    for name, module in list(sys.modules.items()):
        if name.startswith("torch.optim.") and hasattr(module, "_get_value"):
            module._get_value = count


@cache
def _name(func):
    """Return what an operation is called in operations.toml."""
    name = func._schema.name.split("::")[1].removeprefix("_foreach_")
    return name.removesuffix("_") if func._schema.is_mutable else name


@cache
def _written(func):
    """Return the arguments that an operation changes in place, by position: their names."""
    return {
        number: argument.name
        for number, argument in enumerate(func._schema.arguments)
        if argument.alias_info and argument.alias_info.is_write
    }


def _mapped(function, value):
    """Call a function on a tensor, or on all tensors in a list or tuple."""
    if isinstance(value, list | tuple):
        return type(value)(_mapped(function, each) for each in value)
    return function(value) if isinstance(value, torch.Tensor) else value


def _in_place(error, tensor):
    """Let a tensor err where it is."""
    if not (tensor.is_floating_point() or tensor.is_complex()):
        return
    values = _numpy(tensor)
    changed = error(values, copy=False)
    if changed is not values:
        tensor.copy_(torch.from_numpy(changed))


def _on_numpy(function, value):
    """Return a function of NumPy arrays of a tensor, or of all in a list, in the same layout."""

    def of_tensor(tensor):
        if not (tensor.is_floating_point() or tensor.is_complex()):
            return tensor
        return torch.from_numpy(function(_numpy(tensor)))

    return _mapped(of_tensor, value)


def _numpy(tensor):
    if tensor.dtype == torch.bfloat16:
        raise NoiseLostError("NumPy does not know bfloat16, so its operations cannot err")
    return tensor.numpy(force=True)
