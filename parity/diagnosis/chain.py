"""A net recognised by its numbers: layers y = x @ W + b, an activation between them, and a loss.

Mistakes inside a step can only be tried on a net that is known from the inside. Nothing here is
taken on trust: a chain is used only where it computes what the reference computes.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from parity.diagnosis.case import Case, Computed, distance
from parity.standard.inputs import Tensors

Array = NDArray[Any]
PerRow = Callable[[Array, Array], Array]  # outputs (B, n) and targets to losses (B,)
TINY = 1e-30  # a complex step so small that it leaves the real part alone
SAME = 1e-9  # of the largest value
NOTHING = 1e-15  # what saturated sigmoids differ by, from one form of them to another
FORWARD_ONLY = "forward only"  # in place of the kind of loss, where there is none


class Activation(NamedTuple):
    """An activation, and its derivative from what went in, z, and what came out, a."""

    value: Callable[[Array], Array]
    derivative: Callable[[Array, Array], Array]


def sigmoid(z: Array) -> Array:
    """Return 1 / (1 + exp(-z)), of the shape of z, without overflow; z may be complex."""
    e = np.exp(-np.where(z.real < 0, -z, z))
    return np.asarray(np.where(z.real < 0, e, 1.0) / (1 + e))


def softplus(z: Array) -> Array:
    """Return log(1 + exp(z)), of the shape of z, without overflow; z may be complex."""
    folded = np.where(z.real > 0, -z, z)
    return np.asarray(np.where(z.real > 0, z, 0) + np.log(1 + np.exp(folded)))


def log_softmax(z: Array) -> Array:
    """Return log(softmax(z)) along the rows of z (B, n); z may be complex."""
    z = z - z.real.max(axis=1, keepdims=True)
    return np.asarray(z - np.log(np.exp(z).sum(axis=1, keepdims=True)))


def chosen(values: Array, y: Array) -> Array:
    """Return each row's value of its own class, (B,), from values (B, classes) and classes (B,)."""
    return np.asarray(values[np.arange(len(y)), y])


ACTIVATION_FUNCTIONS = {
    "tanh": Activation(np.tanh, lambda z, a: 1 - a * a),
    "sigmoid": Activation(sigmoid, lambda z, a: a * (1 - a)),
    "ReLU": Activation(lambda z: np.maximum(z, 0), lambda z, a: (z > 0).astype(float)),
    "no activation": Activation(lambda z: z, lambda z, a: np.ones_like(z)),
    "a step": Activation(lambda z: (z.real > 0).astype(float), lambda z, a: np.zeros_like(z)),
}
LOSSES: dict[str, PerRow] = {
    "cross-entropy": lambda z, y: -chosen(log_softmax(z), y),
    "binary cross-entropy": lambda z, y: (softplus(z) - z * y).mean(axis=1),
    "mean squared error": lambda z, y: ((z - y) ** 2).mean(axis=1),
    "perceptron criterion": lambda z, y: (((z.real > 0) - y) * z).mean(axis=1),
}


@dataclass(frozen=True)
class Chain:
    """Layers named W, b or W1, b1, W2, ...; each part of it can be replaced by another.

    loss: of each row; their mean is the loss. output: the activation of the last layer.
    derivative: of the activation, where it is not its own. product: how a layer multiplies, forward
    and backward. hidden: takes the error back through an activation, from z, a and the error there.
    slope: makes what is taken back, (B, n), from the outputs (B, n), the targets, and what it
    should be, (B, n). moved: the learning rate at which a layer is updated before the error is
    taken back through it. inside: which of the sums and activations are answered by name.
    """

    layers: tuple[tuple[str, str], ...]
    activation: Activation
    kind: str
    loss: PerRow
    output: Activation = ACTIVATION_FUNCTIONS["no activation"]
    derivative: Callable[[Array, Array], Array] | None = None
    product: Callable[[Array, Array], Array] = np.matmul
    hidden: Callable[[Array, Array, Array], Array] | None = None
    slope: Callable[[Array, Array, Array], Array] | None = None
    moved: float = 0.0
    inside: tuple[tuple[str, int], ...] = ()

    def compute(self, weights: Tensors, x: Array, y: Array) -> Computed:
        """Return outputs, loss and gradients on one batch; a `Compute`."""
        inputs: list[Array] = [x]
        sums: list[Array] = []
        for number, (W, b) in enumerate(self.layers):
            sums.append(self.product(inputs[-1], weights[W]) + weights[b])
            last = number == len(self.layers) - 1
            inputs.append((self.output if last else self.activation).value(sums[-1]))
        z, outputs = sums[-1], inputs[-1]
        inside = {name: [*sums, *inputs][place] for name, place in self.inside}
        if self.kind == FORWARD_ONLY:
            return Computed(outputs, np.nan, {}, inside)
        dz = self.right_slope(z, y)
        if self.slope:
            dz = self.slope(outputs, y, dz)
        gradients = {}
        derivative = self.derivative or self.activation.derivative
        for number in reversed(range(len(self.layers))):
            W, b = self.layers[number]
            gradients[W], gradients[b] = self.product(inputs[number].T, dz), dz.sum(axis=0)
            if number:
                z, a = sums[number - 1], inputs[number]
                used = weights[W] - self.moved * gradients[W]
                back = self.product(dz, used.T)
                dz = self.hidden(z, a, back) if self.hidden else back * derivative(z, a)
        value = self.loss(outputs, y).real.mean()
        return Computed(outputs, value, {name: gradients[name] for name in weights}, inside)

    def loss_of(self, weights: Tensors, x: Array, y: Array) -> float:
        """Return the loss alone, of a `Compute`, without the gradients, which take longer."""
        z = x
        for number, (W, b) in enumerate(self.layers):
            a = self.activation.value(z) if number else z
            z = self.product(a, weights[W]) + weights[b]
        return float(self.loss(self.output.value(z), y).real.mean())

    def right_slope(self, z: Array, y: Array) -> Array:
        """Return d loss / d z, where z (B, n) is what the last layer sums up to, and y its targets.

        It is taken by a complex step in each sum, and exact to rounding.
        """
        dz = np.empty_like(z)
        for column in range(z.shape[1]):
            step = np.zeros(z.shape, complex)
            step[:, column] = TINY * 1j
            dz[:, column] = self.loss(self.output.value(z + step), y).imag / TINY
        return dz / len(z)


def recognise(case: Case) -> Chain | None:
    """Return the chain that computes what the reference does, or None."""
    names = list(case.inputs.weights)
    layers = tuple(zip(names[::2], names[1::2], strict=False))
    if not names or len(names) % 2 or not all(W[0] == "W" and b[0] == "b" for W, b in layers):
        return None
    if not case.x_is_real or isinstance(case.y, dict):
        return None
    step = max(case.weights)
    weights, (x, y) = case.weights[step], case.batch(step)
    due = case.compute(weights, x, y)
    trained = "gradients" in case.inputs.functions
    outputs = (ACTIVATION_FUNCTIONS[name] for name in ("no activation", "sigmoid", "a step"))
    kinds = LOSSES if trained else {FORWARD_ONLY: LOSSES["mean squared error"]}
    for output, activation, kind in product(outputs, ACTIVATION_FUNCTIONS.values(), kinds):
        if trained and (y.ndim == 1) != (kind == "cross-entropy"):
            continue
        chain = Chain(layers, activation, kind, kinds[kind], output)
        with contextlib.suppress(ValueError, IndexError):  # other shapes, or targets of no class
            if _same(due, chain.compute(weights, x, y)):
                return replace(chain, inside=_inside(chain, due, weights, x, y))
    return None


def _inside(
    chain: Chain, due: Computed, weights: Tensors, x: Array, y: Array
) -> tuple[tuple[str, int], ...]:
    """Return which of the chain's sums and activations have names, and their places."""
    places = [(f"{place}", place) for place in range(2 * len(chain.layers) + 1)]
    found = replace(chain, inside=tuple(places)).compute(weights, x, y).inside
    return tuple(
        (name, place)
        for name, value in due.inside.items()
        for number, place in places
        if distance(value, found[number]) <= SAME * np.abs(value).max() + NOTHING
    )


def _same(one: Computed, other: Computed) -> bool:
    pairs = [
        (one.outputs, other.outputs),
        *([(one.loss, other.loss)] if one.gradients else []),
        *((one.gradients[name], other.gradients[name]) for name in one.gradients),
    ]
    return all(distance(a, b) <= SAME * np.abs(a).max() + NOTHING for a, b in pairs)
