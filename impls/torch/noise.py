"""Noise in PyTorch: every operation errs as another library's might.

A dispatch mode sees all of them below autograd, those of backward passes and optimizers too.
"""

import sys
from pathlib import Path

import torch
from torch._decomp import decomposition_table
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.optim.adam import _get_value
from torch.utils._python_dispatch import TorchDispatchMode

from shared.operations import Operations
from shared.rounding import NoiseLostError

OPERATIONS = Path(__file__).with_name("operations.toml")
# The positions of two factors, which are summed over in another order.
FACTORS = {"mm": (0, 1), "bmm": (0, 1), "addmm": (1, 2), "baddbmm": (1, 2)}

BETA2 = 0.999  # Adam's
COUNTING = [  # the optimizers that read the number of their step by `_get_value`
    module
    for name, module in list(sys.modules.items())
    if name.startswith("torch.optim.") and hasattr(module, "_get_value")
]


class Noise:
    """While it lasts, every operation errs at random."""

    def __init__(self, rounding):
        self.operations = Operations(OPERATIONS, rounding)
        self.leaning = rounding.random.uniform(-1, 1)  # of beta2, all the run
        self.mode = _Erring(self.operations)
        self.eager = torch.compiler.set_stance("force_eager")  # compiled code is not dispatched
        # Fused, attention errs as a whole: what its decomposition hands on to the backward pass is
        # something else than the operation itself does.
        self.unfused = sdpa_kernel(SDPBackend.MATH)

    def __enter__(self):
        self.eager.__enter__()
        self.unfused.__enter__()
        _let_optimizers_count_by(self.counted)
        self.mode.__enter__()
        return self

    def __exit__(self, *error):
        self.mode.__exit__(*error)
        _let_optimizers_count_by(_get_value)
        self.unfused.__exit__(*error)
        self.eager.__exit__(*error)

    def counted(self, step):
        """Return the number of an optimizer's step so that 1 - beta2 ** step errs.

        PyTorch computes that in Python. Optax and Keras do in the working precision, in which
        almost all of it cancels: at the first step, Adam's 1 - 0.999 has only half of its digits.
        beta2 itself is rounded, too, by the same at each step, so that errors add up.
        """
        number, unit = _get_value(step), torch.finfo(torch.get_default_dtype()).eps
        if not isinstance(number, int | float):
            return number
        errors = self.operations.rounding.random.uniform(-1, 1) + self.leaning * number
        return number + errors * unit / 4 / (1 - BETA2)

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
        self.known = {}

    @classmethod
    def _should_skip_dynamo(cls):
        """Say that torch.compile need not be kept out of here: it is off, and asking takes time."""
        return False

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        operations, kwargs = self.operations, kwargs or {}
        found = self.known.get(func)
        name, parts, written = found or self.known.setdefault(func, self.look_up(func))
        if parts:
            with self:
                return parts(*args, **kwargs)
        if func.is_view or operations.is_exact(name):
            return func(*args, **kwargs)
        if name in ("sum", "mean"):
            return self.summed(name, *args, **kwargs)
        if name in FACTORS:
            args = self.reordered(args, *FACTORS[name])
        if operations.sums(name):
            args = [
                value if number in written else _mapped(operations.rounding.rounded, value)
                for number, value in enumerate(args)
            ]
        result, error = func(*args, **kwargs), operations.error(name)
        for number, argument in written.items():
            _overwrite(error, args[number] if number < len(args) else kwargs.get(argument))
        if written:
            return result
        given = {value.data_ptr() for value in args if isinstance(value, torch.Tensor)}
        return _mapped(error, result, given)

    def look_up(self, func):
        """Return an operation's name in operations.toml, its parts, and what it changes in place.

        The latter are arguments, by position: their names.
        """
        schema = func._schema
        name = schema.name.split("::")[1].removeprefix("_foreach_")
        name = name.removesuffix("_") if schema.is_mutable else name
        written = {
            number: argument.name
            for number, argument in enumerate(schema.arguments)
            if argument.alias_info and argument.alias_info.is_write
        }
        return name, self.parts_of(func, name), written

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
    for module in COUNTING:
        module._get_value = count


def _mapped(function, value, given=None):
    """Return a tensor, or all in a list or tuple, as a function of NumPy arrays changes them.

    given: where tensors lie that must stay as they are. With it, others change where they are.
    """
    if isinstance(value, list | tuple):
        return type(value)(_mapped(function, each, given) for each in value)
    if not isinstance(value, torch.Tensor) or not (value.is_floating_point() or value.is_complex()):
        return value
    if value.dtype == torch.bfloat16:
        raise NoiseLostError("NumPy does not know bfloat16, so its operations cannot err")
    array = value.numpy(force=True)
    changed = function(array, copy=given is None or value.data_ptr() in given)
    return value if changed is array else torch.from_numpy(changed)


def _overwrite(function, value):
    """Change a tensor, or all in a list or tuple, where they are."""
    for each in value if isinstance(value, list | tuple) else [value]:
        changed = _mapped(function, each, ())
        if changed is not each:
            each.copy_(changed)
