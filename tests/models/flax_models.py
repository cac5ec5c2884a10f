"""Models of Flax NNX, as users have them."""

from flax import nnx


class Net(nnx.Module):
    def __init__(self, classes, *, rngs):
        self.layers = nnx.List([nnx.Linear(5, 4, rngs=rngs), nnx.Linear(4, classes, rngs=rngs)])
        self.norm = nnx.BatchNorm(4, rngs=rngs)

    def __call__(self, x):
        return self.layers[1](nnx.relu(self.norm(self.layers[0](x))))


class Tokens(nnx.Module):
    def __init__(self, *, rngs):
        self.embed = nnx.Embed(7, 3, rngs=rngs)
        self.out = nnx.Linear(3, 4, rngs=rngs)

    def __call__(self, x):
        return self.out(self.embed(x).mean(1))
