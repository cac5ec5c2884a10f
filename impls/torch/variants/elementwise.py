"""How activations and sums may be made otherwise; rules as in `rules`."""

import torch
import torch.nn.functional as F

from impls.torch.variants.operation import instead
from shared import variants as causes
from shared.variants import EPSILONS, NEGLIGIBLE

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
NORMS = ("layer_norm", "rms_norm")
OWN_ACTIVATIONS = ("relu", "relu_", "gelu", "silu", "tanh", "sigmoid", "leaky_relu", "elu")


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


def gated(operation):
    """Let the other factor of a product be the gate, or leave the gate out."""
    for number, gate in enumerate(operation.args[:2]):
        made = operation.made(gate, *OWN_ACTIVATIONS)
        if made is None or not all(isinstance(arg, torch.Tensor) for arg in operation.args):
            continue
        name = made.name
        claim = f"{name} is applied to the other of two factors"
        yield causes.GATED, claim, lambda o, n=number: _other_gate(o, n)
        yield causes.GATED, f"{name} is not multiplied by anything", lambda o, n=number: o.args[n]


def _other_gate(operation, number):
    activation = operation.made(operation.args[number], *OWN_ACTIVATIONS)
    z, others = activation.args[0], activation.args[1:]
    return z * activation.func(operation.args[1 - number], *others, **activation.kwargs)


def skipped(operation):
    """Add to what a norm gave, not to what it was given."""
    for number, term in enumerate(operation.args[:2]):
        if operation.made_of(term, *NORMS) is not None:

            def change(operation, number=number):
                args = list(operation.args)
                args[number] = operation.made_of(args[number], *NORMS)
                return operation.func(*args, **operation.kwargs)

            yield causes.SKIPPED, "what a norm gives is added, not what it is given", change


def _cut(operation, number):
    args = list(operation.args[:2])
    args[number] = args[number].detach()
    return operation.func(*args, *operation.args[2:], **operation.kwargs)


RULES = {
    **{name: [activations] for name in OWN_ACTIVATIONS},
    "add": [added, skipped],
    "mul": [gated],
}
