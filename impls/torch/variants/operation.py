"""A call of one of PyTorch's functions or methods, which can be called otherwise, too."""

import torch

REDUCED = ("input", "dim", "keepdim")
PARAMETERS = {
    "__getitem__": ("input", "index"),
    "__matmul__": ("input", "other"),
    "__rpow__": ("input", "other"),
    "_weight_norm": ("v", "g", "dim"),
    "adaptive_avg_pool1d": ("input", "output_size"),
    "adaptive_avg_pool2d": ("input", "output_size"),
    "add": ("input", "other", "alpha"),
    "avg_pool1d": ("input", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad"),
    "avg_pool2d": ("input", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad"),
    "bmm": ("input", "mat2"),
    "cat": ("tensors", "dim"),
    "chunk": ("input", "chunks", "dim"),
    "concat": ("tensors", "dim"),
    "concatenate": ("tensors", "dim"),
    "conv1d": ("input", "weight", "bias", "stride", "padding", "dilation", "groups"),
    "conv2d": ("input", "weight", "bias", "stride", "padding", "dilation", "groups"),
    **dict.fromkeys(
        ("conv_transpose1d", "conv_transpose2d"),
        (
            *("input", "weight", "bias", "stride", "padding", "output_padding", "groups"),
            "dilation",
        ),
    ),
    "cross_entropy": (
        *("input", "target", "weight", "size_average", "ignore_index", "reduce", "reduction"),
        "label_smoothing",
    ),
    "div": ("input", "other", "rounding_mode"),
    "dropout": ("input", "p", "training", "inplace"),
    "elu": ("input", "alpha", "inplace"),
    "embedding": ("input", "weight", "padding_idx"),
    "flatten": ("input", "start_dim", "end_dim"),
    "gelu": ("input", "approximate"),
    "hardsigmoid": ("input", "inplace"),
    "hardswish": ("input", "inplace"),
    "hardtanh": ("input", "min_val", "max_val", "inplace"),
    "interpolate": (
        *("input", "size", "scale_factor", "mode", "align_corners", "recompute_scale_factor"),
        "antialias",
    ),
    "leaky_relu": ("input", "negative_slope", "inplace"),
    "linear": ("input", "weight", "bias"),
    "log_softmax": ("input", "dim"),
    "masked_fill": ("input", "mask", "value"),
    "matmul": ("input", "other"),
    "max_pool1d": ("input", "kernel_size", "stride", "padding", "dilation", "ceil_mode"),
    "max_pool2d": ("input", "kernel_size", "stride", "padding", "dilation", "ceil_mode"),
    "mean": REDUCED,
    "mm": ("input", "mat2"),
    "mul": ("input", "other"),
    "nll_loss": (
        *("input", "target", "weight", "size_average", "ignore_index", "reduce", "reduction"),
    ),
    "pad": ("input", "pad", "mode", "value"),
    "pow": ("input", "exponent"),
    "relu": ("input", "inplace"),
    "relu6": ("input", "inplace"),
    "silu": ("input", "inplace"),
    "softmax": ("input", "dim"),
    "split": ("input", "split_size_or_sections", "dim"),
    "stack": ("tensors", "dim"),
    "sum": REDUCED,
    "transpose": ("input", "dim0", "dim1"),
    "repeat_interleave": ("input", "repeats", "dim"),
    "scaled_dot_product_attention": (
        *("query", "key", "value", "attn_mask", "dropout_p", "is_causal", "scale", "enable_gqa"),
    ),
    "layer_norm": ("input", "normalized_shape", "weight", "bias", "eps"),
    "rms_norm": ("input", "normalized_shape", "weight", "eps"),
    "group_norm": ("input", "num_groups", "weight", "bias", "eps"),
    "instance_norm": (
        *("input", "running_mean", "running_var", "weight", "bias", "use_input_stats", "momentum"),
        "eps",
    ),
    "batch_norm": (
        *("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps"),
    ),
    "tril": ("input", "diagonal"),
    "triu": ("input", "diagonal"),
    "unbind": ("input", "dim"),
    "unflatten": ("input", "dim", "sizes"),
    "var": ("input", "dim", "unbiased", "keepdim"),
}
DEFAULTS = {
    "alpha": 1,
    "approximate": "none",
    "diagonal": 0,
    "eps": 1e-5,
    "label_smoothing": 0.0,
    "mode": "nearest",
    "negative_slope": 0.01,
    ("rms_norm", "eps"): None,
}
ALIASES = {  # most are NumPy's names, which PyTorch takes too
    "dim": ("axis",),
    "input": ("self", "x", "a", "x1"),
    "keepdim": ("keepdims",),
    "other": ("x2",),
}


class Operation:
    """One call of one of PyTorch's functions or methods, which can be called otherwise, too.

    lately: results and operations before this one, of those there are rules for, the last first;
        what is done later may still join them. place: where it is called. modules: of the model, by
        name. module: the name of the one at work, if it has any. kept: what is kept from one call
        to the next.
    """

    def __init__(self, func, args, kwargs, lately=()):
        self.func, self.args, self.kwargs, self.lately = func, args, kwargs, lately
        self.name = func.__name__
        self.names = PARAMETERS.get(self.name, ("input",))
        self.place, self.module, self.modules, self.kept = None, None, {}, {}

    def __call__(self, **others):
        """Return the result, with other arguments in place of its own."""
        args, kwargs = list(self.args), dict(self.kwargs)
        for name, value in others.items():
            number = self.names.index(name)
            if number < len(args):
                args[number] = value
            else:
                kwargs[self._given_as(name)] = value
        return self.func(*args, **kwargs)

    def made(self, tensor, *names):
        """Return the operation of one of those names that made a tensor lately, or None.

        None, too, if what it is given, or the tensor itself, has been written into since.
        """
        made = ((result, o) for result, o in self.lately if o.name in names)
        own = next((o for result, o in made if result is tensor), None)
        return own if own and own._makes(tensor) else None

    def maker(self, tensor, *names):
        """Return the operation that made a tensor last, if it has one of those names, or None.

        It is not called again to see that: BatchNorm would change its running statistics.
        """
        last = next((o for result, o in self.lately if result is tensor), None)
        return last if last is not None and last.name in names else None

    def made_of(self, tensor, *names):
        """Return the result of an operation of one of those names on a tensor lately, or None."""
        made = ((result, o) for result, o in self.lately if o.name in names)
        found = next(((result, o) for result, o in made if o["input"] is tensor), None)
        return found[0] if found and found[1]._makes(found[0]) else None

    def takers(self, tensor, *names):
        """Return the operations of those names on a tensor lately, the last first."""
        return [o for _, o in self.lately if o.name in names and o["input"] is tensor]

    @property
    def in_place(self):
        """Whether the result is written where the input was."""
        told = "inplace" in self.names and self["inplace"]
        return bool(told) or (self.name.endswith("_") and not self.name.endswith("__"))

    def __getitem__(self, name):
        number = self.names.index(name)
        if number < len(self.args):
            return self.args[number]
        default = DEFAULTS.get((self.name, name), DEFAULTS.get(name))
        return self.kwargs.get(self._given_as(name), default)

    def _given_as(self, name):
        """Return by which keyword the call has an argument."""
        return next((key for key in (name, *ALIASES.get(name, ())) if key in self.kwargs), name)

    def _makes(self, tensor):
        """Whether the result, made again, is a tensor bit for bit."""
        if self.in_place:
            return False
        with torch.no_grad():
            return torch.equal(self(), tensor)


def instead(**others):
    """Return how an operation is called with other arguments."""
    return lambda operation: operation(**others)
