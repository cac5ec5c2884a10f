"""How norms may be made otherwise, and what is kept of batches; rules as in `rules`."""

import math

import torch

from impls.torch.variants.operation import instead
from shared import variants as causes
from shared.variants import EPSILONS, MOMENTA


def epsilons(operation):
    """Vary what is added to the variance; or add it behind the root."""
    own, name = operation["eps"], operation.name
    others = (*EPSILONS, None) if name == "rms_norm" else EPSILONS
    for epsilon in others:
        if epsilon != own:
            claim = f"the epsilon of {name} is {_said(epsilon)}, not {_said(own)}"
            yield causes.EPSILON, claim, instead(eps=epsilon)


def _said(epsilon):
    return "the smallest of its precision" if epsilon is None else f"{epsilon:g}"  # as RMSNorm's


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


def rms(operation):
    """Normalise by the root of a sum, with the epsilon behind the root, or what is centred."""
    dims = tuple(range(-len(operation["normalized_shape"]), 0))

    def by(centred=False, mean=torch.mean, under=True, offset=0.0, through=True):
        def change(operation):
            x, weight = operation["input"], operation["weight"]
            eps = torch.finfo(x.dtype).eps if operation["eps"] is None else operation["eps"]
            x = x - x.mean(dims, keepdim=True) if centred else x
            square = mean(x * x, dims, keepdim=True)
            root = torch.sqrt(square + eps) if under else torch.sqrt(square) + eps
            normal = x / (root if through else root.detach())
            return normal if weight is None else normal * (weight + offset)

        return change

    claim = "the epsilon of rms_norm is added to the root, not under it"
    yield causes.EPSILON, claim, by(under=False)
    yield causes.NORMALISED, "rms_norm subtracts the mean", by(centred=True)
    claim = "rms_norm divides by the root of a sum, not of a mean"
    yield causes.NORMALISED, claim, by(mean=torch.sum)
    if operation["weight"] is not None:
        yield causes.NORMALISED, "the scale of rms_norm is 1 + weight", by(offset=1.0)
        yield causes.NORMALISED, "the scale of rms_norm is weight - 1", by(offset=-1.0)
    yield causes.CUT, "no gradient passes through the root of rms_norm", by(through=False)


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


def variances(operation):
    """Divide by n, not n - 1, or back."""
    dims, keepdim = operation["dim"], bool(operation["keepdim"])
    told = operation.kwargs.get("correction", operation["unbiased"])
    own = 1 if told is None else told
    if isinstance(dims, bool):
        return
    said = "n, not n - 1" if own else "n - 1, not n"
    claim = f"a variance is over {said}"
    yield (
        causes.VARIANCE,
        claim,
        lambda o: torch.var(o["input"], dims, correction=0 if own else 1, keepdim=keepdim),
    )


RULES = {
    **{name: [epsilons, unscaled] for name in ("group_norm", "instance_norm")},
    "batch_norm": [epsilons, batch_norm, batch_norm_by_hand, unscaled],
    "layer_norm": [epsilons, normalised, unscaled],
    "rms_norm": [epsilons, rms, unscaled],
    "var": [variances],
}
