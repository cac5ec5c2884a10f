"""Norms and activations in the other order: two operations, each made otherwise at once."""

from impls.torch.variants.elementwise import OWN_ACTIVATIONS
from shared import variants as causes

NORMS = ("batch_norm", "group_norm", "instance_norm", "layer_norm", "rms_norm")


def of(operation, links):
    """Yield claims, each with the operations that are made otherwise, of which this is the last.

    Args:
        operation: of which that is asked.
        links: by place and name of the first operation of two, gets the place of the second.
    """
    first = _first(operation)
    if first is not None:
        links[first.place, first.name] = operation.place
        claim = f"{operation.name} is before {first.name}, not behind it"
        yield claim, first, operation


def changes(operation, variant):
    """Return how an operation is then made, at one of the places of a variant; None if as ever."""
    if variant.cause != causes.ORDER:
        return None
    if variant.change.get((operation.place, operation.name)) in variant.places:
        return lambda o: o["input"] if o.in_place else o["input"].clone()
    first = _first(operation)
    if first is not None and first.place in variant.places:
        return lambda o: _given_back(o, first(input=o(input=o["input"].clone())))
    return None


def _first(operation):
    """Return the norm before an activation, or the activation before a norm, or None."""
    for kinds, before in ((OWN_ACTIVATIONS, NORMS), (NORMS, OWN_ACTIVATIONS)):
        if operation.name in kinds:
            return operation.maker(operation["input"], *before)
    return None


def _given_back(operation, result):
    return operation["input"].copy_(result) if operation.in_place else result
