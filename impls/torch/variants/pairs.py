"""Norms at another place: behind a residual sum in place of before a layer, or the other way.

Such a variant is of two operations or more, which are each made otherwise at once.
"""

import torch

from shared import variants as causes
from shared.variants import Place, Variant, set_attribute

NORMS = ("layer_norm", "rms_norm")
LAYERS = ("conv1d", "conv2d", "linear", "matmul")
BEHIND = "norms are behind the residual sums, as in post-norm, not before the layers"
AHEAD = "norms are before the layers, as in pre-norm, not behind the residual sums"
NORM_FIRST = "norm_first"


def of(operation, links):
    """Yield claims, each with the operations that are made otherwise, of which this is the last.

    Args:
        operation: of which that is asked.
        links: by places of layers, gets the names of the modules that normalise behind them.
    """
    if operation.name == "add":
        for term in (operation["input"], operation["other"]):
            if norm := next(iter(operation.takers(term, *NORMS)), None):
                yield BEHIND, norm, operation
    elif operation.name in NORMS and operation.module:
        added = operation.made(operation["input"], "add")
        for term in (added["input"], added["other"]) if added else ():
            if layers := operation.takers(term, *LAYERS):
                links.update({layer.place: operation.module for layer in layers})
                yield AHEAD, operation, *layers


def changes(operation, variant):
    """Return how an operation is then made, at one of the places of a variant; None if as ever."""
    if variant.claim not in (BEHIND, AHEAD):
        return None
    if operation.name in NORMS:
        return lambda o: o["input"].clone()
    if variant.claim == AHEAD and operation.name in LAYERS:
        norm = operation.modules[variant.change[operation.place]]
        return lambda o: o(input=norm(o["input"]))
    for term in (operation["input"], operation["other"]) if operation.name == "add" else ():
        if norm := next(iter(operation.takers(term, *NORMS)), None):
            return lambda o: norm(input=o())
    return None


def of_layers(modules):
    """Yield the variants of PyTorch's own layers of Transformers, which take either way.

    modules: by name.
    """
    kinds = torch.nn.TransformerEncoderLayer, torch.nn.TransformerDecoderLayer
    for name, module in modules.items():
        if isinstance(module, kinds):
            place, now = Place(name, NORM_FIRST), module.norm_first
            way = "behind the residual sums" if now else "before the layers"
            claim = f"{type(module).__name__} has its norms {way}, as by norm_first={not now}"
            change = set_attribute(NORM_FIRST, not now)
            yield Variant(causes.PLACED, claim, (place,), change)
