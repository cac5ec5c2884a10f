"""The block in PyTorch, and with mistakes in it."""

import torch
import torch.nn.functional as F


def block(x, w, approximate="none", epsilon=1e-5, axis=1):
    hidden = F.gelu(x @ w["W1"] + w["b1"], approximate=approximate)
    hidden = F.layer_norm(hidden, hidden.shape[1:], eps=epsilon)
    logits = hidden @ w["W2"]
    return {"hidden": hidden, "outputs": (logits, torch.softmax(logits, axis))}


class Layers(torch.nn.Module):
    """The block, with weights of its own in float32."""

    def __init__(self, w):
        super().__init__()
        self.first = torch.nn.Linear(*w["W1"].shape)
        self.norm = torch.nn.LayerNorm(w["W1"].shape[1])
        self.last = torch.nn.Linear(*w["W2"].shape, bias=False)
        with torch.no_grad():
            self.first.weight.copy_(torch.tensor(w["W1"].T))
            self.first.bias.copy_(torch.tensor(w["b1"]))
            self.last.weight.copy_(torch.tensor(w["W2"].T))

    def forward(self, x):
        hidden = self.norm(F.gelu(self.first(x)))
        logits = self.last(hidden)
        return {"hidden": hidden, "outputs": (logits, logits.softmax(1))}


class Normalized(torch.nn.Module):
    """Batch normalization, whose running means change whenever it is called."""

    def __init__(self, features):
        super().__init__()
        self.norm = torch.nn.BatchNorm1d(features)

    def forward(self, x):
        return self.norm(x)


def tanh_for_erf(x, w):
    return block(x, w, approximate="tanh")


def other_epsilon(x, w):
    return block(x, w, epsilon=1e-6)


def wrong_axis(x, w):
    return block(x, w, axis=0)


def transposed(x, w):
    return block(x, {**w, "W2": w["W2"].T.reshape(w["W2"].shape)})


def through_float32(x, w):
    narrow = block(x.float(), {name: value.float() for name, value in w.items()})
    return {
        "hidden": narrow["hidden"].to(x.dtype),
        "outputs": [y.to(x.dtype) for y in narrow["outputs"]],
    }


def not_a_number(x, w):
    right = block(x, w)
    return {**right, "hidden": torch.where(right["hidden"] > 1, torch.nan, right["hidden"])}


def flat(images):
    """Flatten images of shape (N, C, H, W) channel by channel."""
    return torch.flatten(torch.tanh(images), 1)


def flat_by_pixel(images):
    return torch.flatten(torch.tanh(images).permute(0, 2, 3, 1), 1)
