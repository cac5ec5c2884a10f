"""Activations of a net behind its layers and norms that may have none."""

from typing import NamedTuple

from impls.torch.variants.elementwise import OWN_ACTIVATIONS
from impls.torch.variants.operation import Operation
from impls.torch.variants.orders import NORMS
from shared import variants as causes
from shared.variants import Variant

LAYERS = (*NORMS, "conv1d", "conv2d", "linear")


class Seen:
    """The activations of a net, and its layers and norms, as they are called."""

    def __init__(self):
        self.activations, self.layers = {}, []

    def add(self, operation):
        """Remember an operation that is one of them."""
        if operation.name in OWN_ACTIVATIONS and operation.name != "prelu":  # which has a weight
            self.activations.setdefault(operation.name, operation)
        elif operation.name in LAYERS:
            self.layers.append((operation.name, operation.place))

    def variants(self):
        """Yield the variants: each activation behind each layer."""
        for name, activation in self.activations.items():
            for layer, place in self.layers:
                claim = f"{name} is applied to what {layer} gives"
                yield Variant(causes.ACTIVATION, claim, (place,), _Then(activation, layer))


class _Then(NamedTuple):
    """An activation behind the operations of one name."""

    activation: Operation
    layer: str


def changes(operation, variant):
    """Return how an operation is then made, at one of the places of a variant; None if as ever."""
    then = variant.change
    if isinstance(then, _Then) and operation.name == then.layer:
        return lambda o: then.activation(input=o())
    return None
