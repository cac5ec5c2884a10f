"""Six activations and their derivatives, in PyTorch: the derivatives by autograd.

Softmax is taken along each row, and its derivative is a matrix: of each output by each input. The
step has no derivative to speak of: 0 everywhere but at 0, where there is none. ReLU's at 0 is 0.
Source: K. Saitoh, "Deep Learning from Scratch" (2016), chapter 3.
"""

import torch
from torch.func import jacrev, vmap

from impls.torch.runtime import configure, to_native
from shared.experiment import prepare


def build(weights):
    """Return the model, which is empty: activations have no weights."""
    return dict(weights)


def slope(activation, x):
    """Return the derivative of an activation at each of the numbers x, by autograd."""
    x = x.clone().requires_grad_()
    (dx,) = torch.autograd.grad(activation(x).sum(), x)  # each number moves its own term alone
    return dx


def softmax(x):
    """Return exp(x) / sum of exp(x) along the last axis of x."""
    return torch.softmax(x, dim=-1)


def layers(model, x):
    """Return the activations of x (B, n) and, named with a d, their derivatives."""
    return {
        "step": (x > 0).to(x.dtype),
        "sigmoid": torch.sigmoid(x),
        "tanh": torch.tanh(x),
        "relu": torch.relu(x),
        "identity": x,
        "softmax": softmax(x),
        "dsigmoid": slope(torch.sigmoid, x),
        "dtanh": slope(torch.tanh, x),
        "drelu": slope(torch.relu, x),
        "didentity": slope(torch.clone, x),
        "dsoftmax": vmap(jacrev(softmax))(x),  # (B, n, n)
    }


def main():
    """Run the recipe `activations` and print them for its first rows."""
    configure("float32", "cpu", threads=1)
    experiment = prepare("activations", "float32")
    print(experiment.headline)
    x = to_native(experiment.x)
    for name, value in layers(build({}), x[:2]).items():
        print(name, value, sep="\n")


if __name__ == "__main__":
    main()
