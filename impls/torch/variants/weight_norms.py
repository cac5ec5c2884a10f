"""How weights may be normalised otherwise by weight_norm; rules as in `rules`."""

import torch

from shared import variants as causes


def weight_norm(operation):
    """Take the norm along other axes, or leave it out, or the length that weights get."""
    v, dim = operation["v"], operation["dim"] or 0

    def by(others, under=0.0):
        """Return g v over the root of the sum of squares over some axes, or over all."""

        def change(operation):
            v = operation["v"]
            square = (v * v).sum(others, keepdim=True) + under
            return operation["g"] * v / square.sqrt()

        return change

    for axis in range(v.ndim):
        if axis != dim % v.ndim:
            claim = f"weight_norm gives each part along axis {axis} its length, not along {dim}"
            yield causes.NORMALISED, claim, by([n for n in range(v.ndim) if n != axis])
    claim = "weight_norm gives all of a weight one length together"
    yield causes.NORMALISED, claim, by([*range(v.ndim)])
    yield causes.NORMALISED, "weight_norm is left out", lambda o: o["v"].clone()
    claim = "weight_norm gives weights a length of 1"
    yield causes.NORMALISED, claim, lambda o: o(g=torch.ones_like(o["g"]))
    for epsilon in causes.EPSILONS:
        claim = f"weight_norm has an epsilon of {epsilon:g}"
        own = [n for n in range(v.ndim) if n != dim % v.ndim]
        yield causes.EPSILON, claim, by(own, epsilon)


RULES = {"_weight_norm": [weight_norm]}
