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
    "ReLU6": F.relu6,
    "hard swish": F.hardswish,
    "the hard sigmoid": F.hardsigmoid,
    "ELU": F.elu,
    "softplus": F.softplus,
    "nothing": lambda z: z,
}
NORMS = ("layer_norm", "rms_norm")
OWN_ACTIVATIONS = (
    *("relu", "relu_", "relu6", "gelu", "silu", "tanh", "sigmoid", "leaky_relu", "elu"),
    *("hardsigmoid", "hardswish", "hardtanh", "prelu"),
)


def activations(operation):
    """Put another activation in place of one."""
    z = operation["input"]
    own = operation(input=z.clone())  # which may be written into
    for name, function in ACTIVATIONS.items():
        if not torch.equal(function(z), own):
            gelu = operation.name == "gelu" and name.startswith("GELU")
            cause = causes.GELU if gelu else causes.ACTIVATION
            claim = f"{name} is in place of {operation.name}"
            yield cause, claim, lambda o, f=function: _by(f, o)
    if operation.name == "leaky_relu":
        slope = operation["negative_slope"]
        if slope != (single := torch.tensor(slope, dtype=torch.float32).item()):
            claim = f"the slope of leaky_relu is {slope:g} rounded to float32, as TensorFlow's"
            yield causes.ACTIVATION, claim, lambda o: _by(lambda z: F.leaky_relu(z, single), o)
    claim = f"the derivative of {operation.name} is taken for 1"
    yield causes.CUT, claim, lambda o: _by(lambda z: z + (o(input=z.clone()) - z).detach(), o)


def _by(function, operation):
    """Return another function of what an operation is given, where that has its own result."""
    z = operation["input"]
    return z.copy_(function(z.clone())) if operation.in_place else function(z)


def added(operation):
    """Vary a small number that is added, or leave out one of two arrays."""
    one, other = operation["input"], operation["other"]
    if operation["alpha"] != 1:
        return
    if isinstance(other, int | float) and 0 < other <= NEGLIGIBLE:
        for epsilon in EPSILONS:
            if epsilon != other:
                claim = f"{epsilon:g} is added, not {other:g}"
                yield causes.EPSILON, claim, instead(other=epsilon)
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor) and one.ndim > 1:
        result = operation()
        for said, kept in (("second", "input"), ("first", "other")):
            if operation[kept].shape == result.shape:
                claim = f"the {said} of two arrays is not added"
                yield causes.RESIDUAL, claim, lambda o, n=kept: o[n].clone()
        for said, cut in (("first", "input"), ("second", "other")):
            claim = f"no gradient passes through the {said} of two arrays that are added"
            yield causes.CUT, claim, lambda o, n=cut: o(**{n: o[n].detach()})


def gated(operation):
    """Let the other factor of a product be the gate, or leave the gate out."""
    for gate, other in (("input", "other"), ("other", "input")):
        made = operation.made(operation[gate], *OWN_ACTIVATIONS)
        if made is None or not isinstance(operation[other], torch.Tensor):
            continue
        name = made.name
        claim = f"{name} is applied to the other of two factors"
        yield causes.GATED, claim, lambda o, n=(gate, other): _other_gate(o, *n)
        yield causes.GATED, f"{name} is not multiplied by anything", lambda o, n=gate: o[n].clone()


def _other_gate(operation, gate, other):
    activation = operation.made(operation[gate], *OWN_ACTIVATIONS)
    return activation["input"] * activation(input=operation[other])


def scaled(operation):
    """Leave out a number that is a factor or a divisor, or have another power of it."""
    name, number = operation.name, operation["other"]
    if not isinstance(number, int | float) or number in (0, 1, -1) or operation.in_place:
        return
    done = "multiplied" if name == "mul" else "divided"
    others = {
        f"nothing is {done} by {number:g}": 1,
        f"numbers are {done} by 1 / {number:g}, not {number:g}": 1 / number,
        f"numbers are {done} by the square of {number:g}": number**2,
    }
    if number > 0:
        others[f"numbers are {done} by the root of {number:g}"] = number**0.5
    for claim, other in others.items():
        yield causes.FACTOR, claim, instead(other=other)


def skipped(operation):
    """Add to what a norm gave, not to what it was given."""
    for name in ("input", "other"):
        if operation.made_of(operation[name], *NORMS) is not None:

            def change(operation, name=name):
                return operation(**{name: operation.made_of(operation[name], *NORMS)})

            yield causes.SKIPPED, "what a norm gives is added, not what it is given", change


RULES = {
    **{name: [activations] for name in OWN_ACTIVATIONS},
    "add": [added, skipped],
    "div": [scaled],
    "mul": [gated, scaled],
}
