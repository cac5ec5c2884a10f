"""How channels are normalised in groups otherwise; rules as in `rules`."""

import torch.nn.functional as F

from impls.torch.variants.operation import instead
from shared import variants as causes


def groups(operation):
    """Normalise in more groups or fewer, or in others, or each place of an image by itself."""
    channels, own = operation["input"].shape[1], operation["num_groups"]
    for many in dict.fromkeys((1, channels, 2 * own, own // 2, channels // own, 32)):
        if many and many != own and channels % many == 0:
            claim = f"group_norm has {many} groups, not {own}"
            yield causes.NORMALISED, claim, instead(num_groups=many)
    if 1 < own < channels:
        claim = "the groups of group_norm lie between one another, not behind"
        yield causes.NORMALISED, claim, _between
    claim = "group_norm normalises each place of an image by itself"
    yield causes.NORMALISED, claim, _by_hand(axes=(2,))
    claim = "the variance of group_norm is over n - 1, not n"
    yield causes.VARIANCE, claim, _by_hand(less=1)
    claim = "the epsilon of group_norm is added to the root, not under it"
    yield causes.EPSILON, claim, _by_hand(under=False)


def _between(operation):
    many, eps = operation["num_groups"], operation["eps"]
    laid = operation["input"].unflatten(1, (-1, many)).transpose(1, 2)
    normal = F.group_norm(laid.flatten(1, 2), many, eps=eps)
    return _scaled(operation, normal.unflatten(1, (many, -1)).transpose(1, 2).flatten(1, 2))


def _by_hand(axes=None, less=0, under=True):
    """Return GroupNorm made by hand, over some axes of (batch, groups, channels, ...), or all."""

    def change(operation):
        x = operation["input"].unflatten(1, (operation["num_groups"], -1))
        over, eps = axes or tuple(range(2, x.ndim)), operation["eps"]
        apart = x - x.mean(over, keepdim=True)
        n = apart[0, 0].numel()
        variance = (apart * apart).mean(over, keepdim=True) * (n / (n - less))
        root = (variance + eps).sqrt() if under else variance.sqrt() + eps
        return _scaled(operation, (apart / root).flatten(1, 2))

    return change


def _scaled(operation, x):
    shape = (-1, *(1,) * (x.ndim - 2))
    weight, bias = operation["weight"], operation["bias"]
    x = x if weight is None else x * weight.reshape(shape)
    return x if bias is None else x + bias.reshape(shape)


RULES = {"group_norm": [groups]}
