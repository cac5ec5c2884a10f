"""The convolutional net in Flax NNX and Optax: a Module, nnx.Optimizer and nnx.jit.

Images are (B, height, width, channels) here, and kernels (height, width, inputs, outputs).
"""

from functools import cache

import jax.numpy as jnp
import optax
from flax import nnx

FRAMEWORK = "jax"

adam = cache(optax.adam)  # nnx.jit compiles anew for another optimizer, even one that is equal


class BatchNorm(nnx.BatchNorm):
    """BatchNorm whose running variance is over n - 1, as PyTorch's is; Flax's own is over n."""

    def __call__(self, x):
        kept = self.momentum * self.var[...]
        y = super().__call__(x)
        if not self.use_running_average:
            n = x.size // x.shape[-1]
            self.var[...] = kept + (self.var[...] - kept) * (n / (n - 1))
        return y


class ConvNet(nnx.Module):
    def __init__(self, *, rngs):
        # "SAME", the default padding, would pad a stride of 2 on one side more than on the other.
        self.conv1 = nnx.Conv(1, 16, (5, 5), strides=2, padding=2, use_bias=False, rngs=rngs)
        # PyTorch's momentum of 0.1 is the share of what is new; Flax's is that of what is kept.
        self.norm1 = BatchNorm(16, momentum=0.9, epsilon=1e-5, rngs=rngs)
        self.conv2 = nnx.Conv(16, 32, (3, 3), padding=1, use_bias=False, rngs=rngs)
        self.norm2 = BatchNorm(32, momentum=0.9, epsilon=1e-5, rngs=rngs)
        self.fc = nnx.Linear(3 * 3 * 32, 10, rngs=rngs)

    def __call__(self, x):
        x = x.reshape(-1, 28, 28, 1)  # (B, 784) -> (B, 28, 28, 1)
        x = nnx.gelu(self.norm1(self.conv1(x)), approximate=False)  # -> (B, 14, 14, 16)
        x = nnx.max_pool(x, (2, 2), strides=(2, 2))  # -> (B, 7, 7, 16)
        x = nnx.gelu(self.norm2(self.conv2(x)), approximate=False)  # -> (B, 7, 7, 32)
        x = nnx.max_pool(x, (2, 2), strides=(2, 2))  # -> (B, 3, 3, 32)
        return self.fc(x.reshape(-1, 288))  # -> (B, 10), logits


def build(weights):
    """Return the model, a Module with the weights."""
    model = ConvNet(rngs=nnx.Rngs(0))
    state = {"fc": {"kernel": fc_kernel(weights["fc.weight"]), "bias": weights["fc.bias"]}}
    for conv, norm in (("conv1", "norm1"), ("conv2", "norm2")):
        # (O, I, H, W) -> (H, W, I, O)
        state[conv] = {"kernel": weights[f"{conv}.weight"].transpose(2, 3, 1, 0)}
        state[norm] = {
            "scale": weights[f"{norm}.weight"],
            "bias": weights[f"{norm}.bias"],
            "mean": weights[f"{norm}.running_mean"],
            "var": weights[f"{norm}.running_var"],
        }
    nnx.update(model, state)
    return model


def fc_kernel(weight):
    """Return a kernel (288, 10) for inputs that are flattened channels last, not first."""
    return weight.reshape(10, 32, 3, 3).transpose(2, 3, 1, 0).reshape(288, 10)


def forward(model, x):
    """Return the logits (B, 10) at inference, where BatchNorm takes its running statistics."""
    model.eval()
    return model(x)


@nnx.jit
def loss_fn(model, x, y):
    """Return the mean cross-entropy in nats, in whichever mode the model is."""
    return optax.softmax_cross_entropy_with_integer_labels(model(x), y).mean()


grad_fn = nnx.jit(nnx.grad(loss_fn))


def loss(model, x, y):
    """Return the mean cross-entropy in training, where BatchNorm takes those of the batch."""
    model.train()
    return loss_fn(model, x, y)


def gradients(model, x, y):
    """Return d loss / d weights by nnx.grad, in PyTorch's names and layout."""
    model.train()
    return to_torch(grad_fn(model, x, y))


@nnx.jit
def train_step(model, optimizer, x, y):
    """Update the model and the optimizer in place; return the loss before the update."""
    value, grads = nnx.value_and_grad(loss_fn)(model, x, y)
    optimizer.update(model, grads)
    return value


def train(model, x, y, schedule, learning_rate):
    """Take one step of Adam per batch; return the model and its losses (steps,)."""
    model.train()
    optimizer = nnx.Optimizer(model, adam(learning_rate), wrt=nnx.Param)
    losses = [train_step(model, optimizer, x[rows], y[rows]) for rows in schedule]
    return model, jnp.stack(losses)


def accuracy(model, x, y):
    """Return the fraction of images whose largest logit is that of the right digit."""
    return jnp.mean(forward(model, x).argmax(axis=1) == y, dtype=x.dtype)


def to_torch(state):
    """Return what is in a state, weights or gradients, in PyTorch's names and layout."""
    kernel = state["fc"]["kernel"][...].reshape(3, 3, 32, 10)
    named = {
        "fc.weight": kernel.transpose(3, 2, 0, 1).reshape(10, 288),
        "fc.bias": state["fc"]["bias"][...],
    }
    names = {"scale": "weight", "bias": "bias", "mean": "running_mean", "var": "running_var"}
    for conv, norm in (("conv1", "norm1"), ("conv2", "norm2")):
        # (H, W, I, O) -> (O, I, H, W)
        named[f"{conv}.weight"] = state[conv]["kernel"][...].transpose(3, 2, 0, 1)
        named |= {f"{norm}.{names[kind]}": value[...] for kind, value in state[norm].items()}
    return named


def export(model):
    """Return the weights and BatchNorm's running statistics, in PyTorch's names and layout."""
    return to_torch(nnx.state(model, (nnx.Param, nnx.BatchStat)))


if __name__ == "__main__":
    import data

    mnist = data.load(jnp.array)
    model = build(mnist.weights)
    model, losses = train(model, mnist.x, mnist.y, mnist.schedule, mnist.learning_rate)
    data.report(losses, accuracy(model, mnist.x_test, mnist.y_test))
