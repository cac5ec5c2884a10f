"""How each of PyTorch's operations may be made otherwise.

A rule is given an `Operation`, and yields causes, claims, and functions of an operation that return
what is then its result.
"""

import math
from itertools import permutations

import torch
import torch.nn.functional as F

from impls.torch import cell_variants
from shared import variants as causes
from shared.variants import EPSILONS, MOMENTA, NEGLIGIBLE

# The parameters of what is no Python function, in order. Others have their own.
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
    "scaled_dot_product_attention": (
        *("query", "key", "value", "attn_mask", "dropout_p", "is_causal", "scale"),
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
NORMS = ("layer_norm", "rms_norm", "group_norm", "instance_norm", "batch_norm")
ACTIVATIONS = {
    "ReLU": F.relu,
    "GELU": F.gelu,
    "GELU by tanh": lambda z: F.gelu(z, approximate="tanh"),
    "GELU by a sigmoid, z sigmoid(1.702 z)": lambda z: z * torch.sigmoid(1.702 * z),
    "SiLU": F.silu,
    "tanh": torch.tanh,
    "the sigmoid": torch.sigmoid,
    "leaky ReLU with a slope of 0.01": F.leaky_relu,
    "leaky ReLU with a slope of 0.2": lambda z: F.leaky_relu(z, 0.2),
    "leaky ReLU with a slope of 0.3": lambda z: F.leaky_relu(z, 0.3),
    "ELU": F.elu,
    "softplus": F.softplus,
    "nothing": lambda z: z,
}
OWN_ACTIVATIONS = ("relu", "relu_", "gelu", "silu", "tanh", "sigmoid", "leaky_relu", "elu")
SMOOTHINGS = (0.0, 0.1, 0.05, 0.2)
HEADS = (2, 3, 4, 6, 8, 12, 16, 20, 24, 32)


class Operation:
    """One call of one of PyTorch's functions or methods, which can be called otherwise, too."""

    def __init__(self, func, args, kwargs):
        self.func, self.args, self.kwargs = func, args, kwargs
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

    def __getitem__(self, name):
        number = self.names.index(name)
        if number < len(self.args):
            return self.args[number]
        return self.kwargs.get(name, DEFAULTS.get(name))


def knows(func):
    """Whether there are rules for a function."""
    return getattr(func, "__name__", None) in RULES


def of(operation):
    """Yield the variants of an operation: cause, claim, and how its result is then made."""
    for rule in RULES[operation.name]:
        yield from rule(operation)


def instead(**others):
    """Return how an operation is called with other arguments."""
    return lambda operation: operation(**others)


def epsilons(operation):
    """Vary what is added to the variance; or add it behind the root."""
    own, name = operation["eps"], operation.name
    for epsilon in EPSILONS:
        if own is not None and epsilon != own:
            claim = f"the epsilon of {name} is {epsilon:g}, not {own:g}"
            yield causes.EPSILON, claim, instead(eps=epsilon)


def normalised(operation):
    """Normalise over n - 1, with the epsilon behind the root, or by the root mean square."""
    shape = operation["normalized_shape"]
    ways = {
        (causes.VARIANCE, "the variance of layer_norm is over n - 1, not n"): (1, True, True),
        (causes.EPSILON, "the epsilon of layer_norm is added to the root, not under it"): (
            *(0, True, False),
        ),
        (causes.NORMALISED, "layer_norm does not subtract the mean"): (0, False, True),
    }
    for (cause, claim), (less, centred, under) in ways.items():

        def change(operation, less=less, centred=centred, under=under):
            x, dims = operation["input"], tuple(range(-len(shape), 0))
            x = x - x.mean(dims, keepdim=True) if centred else x
            n = math.prod(shape)
            square = (x * x).sum(dims, keepdim=True) / (n - less)
            eps = operation["eps"]
            root = torch.sqrt(square + eps) if under else torch.sqrt(square) + eps
            return _scaled(x / root, operation)

        yield cause, claim, change
    claim = "no gradient passes through the mean and the root of layer_norm"
    yield causes.CUT, claim, _of_constants


def _of_constants(operation):
    x, dims = operation["input"], tuple(range(-len(operation["normalized_shape"]), 0))
    mean, variance = x.mean(dims, keepdim=True), x.var(dims, correction=0, keepdim=True)
    root = torch.sqrt(variance + operation["eps"])
    return _scaled((x - mean.detach()) / root.detach(), operation)


def unscaled(operation):
    """Leave out a norm, its weight or its bias."""
    yield (
        *(causes.NORMALISED, f"{operation.name} is left out"),
        lambda o: o["input"].clone(),
    )
    for name, said in (("weight", "scale"), ("bias", "bias")):
        if name in operation.names and operation[name] is not None:
            cause = causes.BIAS if name == "bias" else causes.NORMALISED
            claim = f"the {said} of {operation.name} is left out"
            yield cause, claim, instead(**{name: None})


def _scaled(x, operation):
    weight, bias = operation["weight"], operation["bias"]
    x = x if weight is None else x * weight
    return x if bias is None else x + bias


def batch_norm(operation):
    """Vary what BatchNorm keeps of batches, and which statistics it takes."""
    training, own = operation["training"], operation["momentum"]
    if operation["running_mean"] is None:
        return
    mode = "the batch's, not the running" if not training else "the running, not the batch's"
    claim = f"batch_norm normalises by {mode} statistics"
    yield causes.BATCH_NORM_MODE, claim, instead(training=not training)
    if not training or own is None:
        return
    for share in dict.fromkeys((1 - own, *MOMENTA)):
        if share != own:
            said = f"is {share:g}, not {own:g}"
            if share == 1 - own:
                said = f"is the share of what is kept, not of what is new: {share:g}, not {own:g}"
            claim = f"the momentum of batch_norm {said}"
            if share == 0:
                claim = "the running statistics of batch_norm are not updated"
            yield causes.BATCH_NORM_MOMENTUM, claim, instead(momentum=share)
    claim = "the running variance of batch_norm is over n, not n - 1"
    yield causes.VARIANCE, claim, _biased_running


def _count(operation):
    x = operation["input"]
    return x.numel() // x.shape[1]


def _biased_running(operation):
    running, n = operation["running_var"], _count(operation)
    kept = (1 - operation["momentum"]) * running.detach().clone()
    result = operation()
    running.data.copy_(kept + (running - kept) * (n - 1) / n)
    return result


def _by_hand(less=0, under=True, centred=True, mean=lambda m: m, square=lambda v: v, alone=False):
    """Return BatchNorm by the batch's statistics, made by hand.

    less: than n, that the variance is over. under: whether epsilon is, the root. centred: whether
    the mean is subtracted. mean, square: what is made of the mean and the variance. alone: whether
    each example has its own.
    """

    def change(operation):
        x = operation["input"]
        dims = [d for d in range(x.ndim) if d > 1 or (d == 0 and not alone)]
        shape = [-1 if d == 1 else 1 for d in range(x.ndim)]
        if operation["training"]:
            operation()  # which updates the running statistics
            n = math.prod(x.shape[d] for d in dims)
            own = x.mean(dims, keepdim=True)
            variance = square(((x - own) ** 2).sum(dims, keepdim=True) / (n - less))
        else:
            own, variance = (operation[f"running_{k}"].reshape(shape) for k in ("mean", "var"))
        eps = operation["eps"]
        root = torch.sqrt(variance + eps) if under else torch.sqrt(variance) + eps
        normal = (x - mean(own) if centred else x) / root
        weight, bias = operation["weight"], operation["bias"]
        normal = normal if weight is None else normal * weight.reshape(shape)
        return normal if bias is None else normal + bias.reshape(shape)

    return change


def batch_norm_by_hand(operation):
    """Vary how BatchNorm normalises, and what gradients pass through."""
    claim = "the epsilon of batch_norm is added to the root, not under it"
    yield causes.EPSILON, claim, _by_hand(under=False)
    yield causes.NORMALISED, "batch_norm does not subtract the mean", _by_hand(centred=False)
    if not operation["training"]:
        return
    claim = "batch_norm normalises by a variance over n - 1, not n"
    yield causes.VARIANCE, claim, _by_hand(less=1)
    claim = "batch_norm normalises each example by its own statistics"
    yield causes.NORMALISED, claim, _by_hand(alone=True)
    constant = {"mean": lambda m: m.detach()}, {"square": lambda v: v.detach()}
    said = "the mean", "the variance", "the mean and the variance"
    for what, others in zip(said, (*constant, constant[0] | constant[1]), strict=True):
        claim = f"no gradient passes through {what} of batch_norm"
        yield causes.CUT, claim, _by_hand(**others)


def activations(operation):
    """Put another activation in place of one."""
    z = operation.args[0]
    if not isinstance(z, torch.Tensor):
        return
    own = operation.func(z, *operation.args[1:], **operation.kwargs)
    for name, function in ACTIVATIONS.items():
        if not torch.equal(function(z), own):
            gelu = operation.name == "gelu" and name.startswith("GELU")
            cause = causes.GELU if gelu else causes.ACTIVATION
            claim = f"{name} is in place of {operation.name}"
            yield cause, claim, lambda operation, f=function: f(operation.args[0])
    claim = f"the derivative of {operation.name} is taken for 1"
    yield causes.CUT, claim, lambda o: o.args[0] + (o() - o.args[0]).detach()


def convolution(operation):
    """Flip or turn a kernel, pad one side more than the other, or leave out the bias."""
    weight, spatial = operation["weight"], operation["weight"].ndim - 2
    dims = tuple(range(2, 2 + spatial))
    yield (
        *(causes.KERNEL_FLIPPED, f"the kernel of {operation.name} is flipped"),
        lambda operation: operation(weight=operation["weight"].flip(dims)),
    )
    if spatial == 2 and weight.shape[2] == weight.shape[3]:
        claim = f"height and width of the kernel of {operation.name} are swapped"
        yield causes.TRANSPOSED, claim, lambda o: o(weight=o["weight"].transpose(2, 3))
    if weight.shape[0] == weight.shape[1]:
        claim = f"inputs and outputs of the kernel of {operation.name} are swapped"
        yield causes.TRANSPOSED, claim, lambda o: o(weight=o["weight"].transpose(0, 1))
    if not isinstance(operation["padding"], str):
        claim = f"{operation.name} pads as SAME does, at the end more than at the beginning"
        yield causes.PADDING, claim, _padded_same
    if operation["bias"] is not None:
        yield causes.BIAS, f"the bias of {operation.name} is left out", instead(bias=None)


def _padded_same(operation):
    x, kernel = operation["input"], operation["weight"].shape[2:]
    strides = _of_each(operation["stride"] or 1, len(kernel))
    dilations = _of_each(operation["dilation"] or 1, len(kernel))
    pads = []
    for n, k, s, d in zip(x.shape[2:], kernel, strides, dilations, strict=True):
        total = max((math.ceil(n / s) - 1) * s + d * (k - 1) + 1 - n, 0)
        pads = [total // 2, total - total // 2, *pads]  # the last dimension is the first of them
    return operation(input=F.pad(x, pads), padding=0)


def _of_each(value, count):
    return [value] * count if isinstance(value, int) else list(value) * (count // len(value))


def linear(operation):
    """Transpose a square weight, or leave out the bias."""
    weight = operation["weight"]
    if weight.shape[0] == weight.shape[1]:
        yield causes.TRANSPOSED, "the weight is transposed", lambda o: o(weight=o["weight"].T)
    if operation["bias"] is not None:
        yield causes.BIAS, "the bias is left out", instead(bias=None)
    claim = "no gradient reaches the weight of linear"
    yield causes.GRADIENT, claim, lambda o: o(weight=o["weight"].detach())


def embedding(operation):
    """Take other rows of an embedding, scale them, or let some get no gradient."""
    width = operation["weight"].shape[1]
    claim = f"embeddings are multiplied by the root of their width, {width}"
    yield causes.EMBEDDING, claim, lambda o: o() * math.sqrt(width)
    for shift in (1, -1):
        claim = f"embedding takes the row {'after' if shift > 0 else 'before'} each"

        def change(operation, shift=shift):
            weight = operation["weight"]
            return operation(input=(operation["input"] + shift).clamp(0, len(weight) - 1))

        yield causes.EMBEDDING, claim, change
    yield (
        *(causes.EMBEDDING, "embedding gives zeros for 0, as for padding"),
        lambda o: o() * (o["input"] != 0).unsqueeze(-1),
    )
    yield causes.EMBEDDING, "row 0 gets no gradient, as padding", instead(padding_idx=0)
    claim = "a row that is taken several times gets one gradient"
    yield causes.EMBEDDING, claim, _counted_once(None)
    if operation["input"].ndim > 1:
        claim = "a row that is taken several times at one position gets one gradient there"
        yield causes.EMBEDDING, claim, _counted_once(-1)
    yield (
        causes.GRADIENT,
        "no gradient reaches the embedding",
        lambda o: o(weight=o["weight"].detach()),
    )


def _counted_once(along):
    """Return an embedding of which each row gets one gradient, of all places or of each column."""

    def change(operation):
        taken, weight = operation["input"], operation["weight"]
        columns = torch.arange(taken.shape[-1]).expand(taken.shape)
        each = taken if along is None else taken + len(weight) * columns
        last = {int(row): place for place, row in enumerate(each.reshape(-1))}
        keep = torch.zeros(taken.numel(), dtype=torch.bool)
        keep[list(last.values())] = True
        alone = operation() * keep.reshape(*taken.shape, 1)
        return operation(weight=weight.detach()) + alone - alone.detach()

    return change


def softmax(operation):
    """Take the softmax along another axis."""
    x, dim = operation["input"], operation["dim"]
    for other in range(x.ndim):
        if dim is not None and other != dim % x.ndim:
            claim = f"{operation.name} is along axis {other}, not {dim % x.ndim}"
            yield causes.SOFTMAX, claim, instead(dim=other)


def attention(operation):
    """Scale or mask attention otherwise, or give it its inputs in another order."""
    query = operation["query"]
    width, heads = query.shape[-1], query.shape[-3] if query.ndim > 3 else 1
    own = operation["scale"] or width**-0.5
    scales = {
        "not scaled": 1.0,
        "divided by the width of a head, not its root": 1 / width,
        "divided by the root of the width of all heads": (width * heads) ** -0.5,
        "multiplied by the root of the width, not divided": width**0.5,
        "divided by the root of the width twice": 1 / width,
    }
    for said, scale in scales.items():
        if scale != own:
            yield causes.ATTENTION_SCALE, f"attention scores are {said}", instead(scale=scale)
    if operation["is_causal"]:
        yield (
            *(causes.CAUSAL_MASK, "attention has no causal mask"),
            instead(is_causal=False),
        )
        yield causes.CAUSAL_MASK, "each query sees the next key, too", _masked(1, -torch.inf)
        yield causes.CAUSAL_MASK, "no query sees its own key", _masked(-1, -1e9)
        yield causes.CAUSAL_MASK, "queries see the keys after them, not those before", _anticausal
        yield causes.CAUSAL_MASK, "what is masked is 0 before the softmax", _masked(0, 0.0)
    else:
        yield causes.CAUSAL_MASK, "attention has a causal mask", _masked(0, -torch.inf)
    if operation["attn_mask"] is not None:
        yield causes.CAUSAL_MASK, "attention has no mask", instead(attn_mask=None)
    yield causes.SOFTMAX, "the softmax of attention is along the queries", _by_queries
    names = ("query", "key", "value")
    yield from _swapped(names, "attention")


def _swapped(names, said):
    for order in list(permutations(names))[1:]:

        def change(operation, order=order):
            values = {name: operation[other] for name, other in zip(names, order, strict=True)}
            return operation(**values)

        yield causes.INPUTS, f"{said} takes {', '.join(order)} as {', '.join(names)}", change


def _scores(operation):
    query, key = operation["query"], operation["key"]
    return query @ key.mT * (operation["scale"] or query.shape[-1] ** -0.5)


def _masked(diagonal, value):
    """Return attention that sees the keys up to a diagonal; other scores are a value."""

    def change(operation):
        scores = _scores(operation)
        seen = torch.ones(scores.shape[-2:], dtype=torch.bool).tril(diagonal)
        scores = scores * seen if value == 0 else scores.masked_fill(~seen, value)
        return scores.softmax(-1) @ operation["value"]

    return change


def _anticausal(operation):
    scores = _scores(operation)
    seen = torch.ones(scores.shape[-2:], dtype=torch.bool).triu()
    return scores.masked_fill(~seen, -torch.inf).softmax(-1) @ operation["value"]


def _by_queries(operation):
    scores = _scores(operation)
    if operation["is_causal"]:
        seen = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
        scores = scores.masked_fill(~seen, -torch.inf)
    return scores.softmax(-2) @ operation["value"]


def pooling(operation):
    """Count padding or not, take the mean for the largest or back, or count on to the end."""
    own = operation["padding"]
    mean = operation.name.startswith("avg")
    padded = own not in (None, 0) and any(_of_each(own, 2))
    if mean and padded:
        counted = operation["count_include_pad"] is not False
        claim = f"{operation.name} {'does not count' if counted else 'counts'} the padding"
        yield causes.POOLING, claim, instead(count_include_pad=not counted)
    other = operation.name.replace(*(("avg", "max") if mean else ("max", "avg")))
    function = getattr(F, other)
    yield (
        *(causes.POOLING, f"{other} is in place of {operation.name}"),
        lambda o: function(o["input"], o["kernel_size"], o["stride"], o["padding"] or 0),
    )
    if not mean:
        claim = f"{operation.name} gives at least 0"
        yield causes.POOLING, claim, lambda o: o().relu()


def flattened(operation):
    """Flatten images with their channels last, not first."""
    x = operation.args[0]
    if x.ndim > 2 and operation().ndim == 2 and operation().shape[0] == x.shape[0]:
        claim = "the channels come last where an array is flattened, not first"
        yield (
            causes.FLATTENED,
            claim,
            lambda o: o.func(o.args[0].movedim(1, -1).contiguous(), *o.args[1:], **o.kwargs),
        )
        claim = "the channels come first where an array is flattened, not last"
        yield (
            causes.FLATTENED,
            claim,
            lambda o: o.func(o.args[0].movedim(-1, 1).contiguous(), *o.args[1:], **o.kwargs),
        )


def cross_entropy(operation):
    """Smooth labels, count those that are to be ignored, or take another mean."""
    target, name = operation["target"], operation.name
    own = operation["label_smoothing"] if name == "cross_entropy" else None
    for smoothing in SMOOTHINGS:
        if own is not None and smoothing != own:
            claim = f"labels are smoothed by {smoothing:g}, not {own:g}"
            yield causes.LABELS, claim, instead(label_smoothing=smoothing)
    yield causes.MEAN, f"{name} is summed", instead(reduction="sum")
    if target.is_floating_point():
        return
    ignored = -100 if operation["ignore_index"] is None else operation["ignore_index"]
    for index in (0, 1, -1):
        if index != ignored:
            claim = f"{name} ignores the label {index}, not {ignored}"
            yield causes.IGNORED, claim, _ignoring(index, ignored)
    if (target == ignored).any():
        for label, said in ((0, "the first class"), (-1, "the last class")):

            def change(operation, label=label):
                classes = operation["input"].shape[1]
                y = operation["target"]
                return operation(target=torch.where(y == ignored, label % classes, y))

            yield causes.IGNORED, f"the label {ignored} counts as {said}", change
        yield (
            *(causes.MEAN, f"the mean is over all labels, those that are {ignored}, too"),
            lambda o: o(reduction="sum") / o["target"].numel(),
        )


def _ignoring(index, ignored):
    def change(operation):
        y = operation["target"]
        return operation(target=torch.where(y == index, ignored, y), ignore_index=ignored)

    return change


def added(operation):
    """Vary a small number that is added, or leave out one of two arrays."""
    one, other = operation.args[0], operation.args[1]
    if isinstance(other, int | float) and 0 < other <= NEGLIGIBLE:
        for epsilon in EPSILONS:
            if epsilon != other:
                claim = f"{epsilon:g} is added, not {other:g}"
                yield causes.EPSILON, claim, instead(other=epsilon)
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor) and one.ndim > 1:
        result = operation()
        for said, kept in (("second", one), ("first", other)):
            if kept.shape == result.shape:
                number = 0 if said == "second" else 1
                claim = f"the {said} of two arrays is not added"
                yield causes.RESIDUAL, claim, lambda o, n=number: o.args[n].clone()
        for number, said in enumerate(("first", "second")):
            claim = f"no gradient passes through the {said} of two arrays that are added"
            yield causes.CUT, claim, lambda o, n=number: _cut(o, n)


def _cut(operation, number):
    args = list(operation.args[:2])
    args[number] = args[number].detach()
    return operation.func(*args, *operation.args[2:], **operation.kwargs)


def diagonals(operation):
    """Cut a triangle off at the next diagonal."""
    own = operation["diagonal"]
    for diagonal in (own - 1, own + 1):
        claim = f"the diagonal of {operation.name} is {diagonal}, not {own}"
        yield causes.CAUSAL_MASK, claim, instead(diagonal=diagonal)


def chunked(operation):
    """Give parts in another order, or interleaved."""
    chunks = operation()
    if not 1 < len(chunks) <= 4 or len({chunk.shape for chunk in chunks}) > 1:
        return
    for order in list(permutations(range(len(chunks))))[1:]:
        claim = f"the parts of an array are taken in the order {', '.join(map(str, order))}"
        yield causes.INPUTS, claim, lambda o, order=order: tuple(o()[i] for i in order)
    dim = operation["dim"] or 0
    for parts in (*HEADS, chunks[0].shape[dim]):
        if chunks[0].shape[dim] % parts == 0:
            claim = f"the parts of an array lie behind one another in each of {parts} heads"

            def change(operation, parts=parts):
                x, of = operation["input"], dim % operation["input"].ndim
                heads = x.unflatten(of, (parts, operation["chunks"], -1)).unbind(of + 1)
                return tuple(head.flatten(of, of + 1) for head in heads)

            yield causes.HEADS, claim, change


def heads(operation):
    """Split an axis the other way round, as heads that lie between one another."""
    sizes, x = operation["sizes"], operation["input"]
    if len(sizes) == 2 and x.ndim > 2:
        dim = operation["dim"] % x.ndim

        def change(operation):
            return operation(sizes=tuple(reversed(operation["sizes"]))).transpose(dim, dim + 1)

        yield causes.HEADS, "heads lie between one another, not behind", change


def variances(operation):
    """Divide by n, not n - 1, or back."""
    x = operation.args[0]
    own = operation.kwargs.get("correction", operation.kwargs.get("unbiased", 1))
    dims = operation.args[1] if len(operation.args) > 1 else operation.kwargs.get("dim")
    kwargs = {k: v for k, v in operation.kwargs.items() if k == "keepdim"}
    if isinstance(dims, bool) or not isinstance(x, torch.Tensor):
        return
    said = "n, not n - 1" if own else "n - 1, not n"
    claim = f"a variance is over {said}"
    yield (
        causes.VARIANCE,
        claim,
        lambda o: torch.var(o.args[0], dims, correction=0 if own else 1, **kwargs),
    )


RULES = {
    **{name: [activations] for name in OWN_ACTIVATIONS},
    **{name: [epsilons, unscaled] for name in NORMS},
    **{name: [convolution] for name in ("conv1d", "conv2d")},
    **{name: [pooling] for name in ("avg_pool1d", "avg_pool2d", "max_pool1d", "max_pool2d")},
    **{name: [flattened] for name in ("flatten", "reshape", "view")},
    **{name: [diagonals] for name in ("tril", "triu")},
    **{name: [cross_entropy] for name in ("cross_entropy", "nll_loss")},
    **{name: [softmax] for name in ("softmax", "log_softmax")},
    "add": [added],
    "batch_norm": [epsilons, batch_norm, batch_norm_by_hand, unscaled],
    "chunk": [chunked],
    "embedding": [embedding],
    "gru": [cell_variants.gru],
    "layer_norm": [epsilons, normalised, unscaled],
    "linear": [linear],
    "lstm": [cell_variants.lstm],
    "scaled_dot_product_attention": [attention],
    "unflatten": [heads],
    "var": [variances],
}
