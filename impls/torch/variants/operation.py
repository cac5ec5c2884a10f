"""A call of one of PyTorch's functions or methods, which can be called otherwise, too."""

PARAMETERS = {
    "add": ("input", "other"),
    "avg_pool1d": ("input", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad"),
    "avg_pool2d": ("input", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad"),
    "chunk": ("input", "chunks", "dim"),
    "conv1d": ("input", "weight", "bias", "stride", "padding", "dilation", "groups"),
    "conv2d": ("input", "weight", "bias", "stride", "padding", "dilation", "groups"),
    "cross_entropy": (
        *("input", "target", "weight", "size_average", "ignore_index", "reduce", "reduction"),
        "label_smoothing",
    ),
    "embedding": ("input", "weight", "padding_idx"),
    "flatten": ("input", "start_dim", "end_dim"),
    "gelu": ("input", "approximate"),
    "linear": ("input", "weight", "bias"),
    "max_pool1d": ("input", "kernel_size", "stride", "padding", "dilation", "ceil_mode"),
    "max_pool2d": ("input", "kernel_size", "stride", "padding", "dilation", "ceil_mode"),
    "nll_loss": (
        *("input", "target", "weight", "size_average", "ignore_index", "reduce", "reduction"),
    ),
    "softmax": ("input", "dim"),
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
    "unflatten": ("input", "dim", "sizes"),
    "var": ("input", "dim", "unbiased", "keepdim"),
}
DEFAULTS = {"eps": 1e-5, "approximate": "none", "diagonal": 0, "label_smoothing": 0.0}


class Operation:
    """One call of one of PyTorch's functions or methods, which can be called otherwise, too.

    lately: results and operations before this one, of those there are rules for, the last first.
    """

    def __init__(self, func, args, kwargs, lately=()):
        self.func, self.args, self.kwargs, self.lately = func, args, kwargs, lately
        self.name = func.__name__
        self.names = PARAMETERS.get(self.name, ())

    def __call__(self, **others):
        """Return the result, with other arguments in place of its own."""
        args, kwargs = list(self.args), dict(self.kwargs)
        for name, value in others.items():
            number = self.names.index(name)
            if number < len(args):
                args[number] = value
            else:
                kwargs[name] = value
        return self.func(*args, **kwargs)

    def made(self, tensor, *names):
        """Return the operation of one of those names that made a tensor lately, or None."""
        made = (operation for result, operation in self.lately if result is tensor)
        return next((operation for operation in made if operation.name in names), None)

    def made_of(self, tensor, *names):
        """Return the result of an operation of one of those names on a tensor lately, or None."""
        made = ((result, o) for result, o in self.lately if o.name in names)
        return next((result for result, o in made if o.args and o.args[0] is tensor), None)

    def __getitem__(self, name):
        number = self.names.index(name)
        if number < len(self.args):
            return self.args[number]
        return self.kwargs.get(name, DEFAULTS.get(name))


def instead(**others):
    """Return how an operation is called with other arguments."""
    return lambda operation: operation(**others)
