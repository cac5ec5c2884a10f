"""Ports with mistakes that people really make, and with how the judge is to name each."""

from typing import NamedTuple

NUMPY = """
import numpy as np
from impls.numpy import {recipe} as right
from impls.numpy.{recipe} import *
FRAMEWORK = "numpy"
"""
TORCH = """
import torch
import torch.nn.functional as F
from impls.torch import {recipe} as right
from impls.torch.{recipe} import *
FRAMEWORK = "torch"
"""
JAX = """
import jax
import jax.numpy as jnp
from impls.jax.{recipe} import *
FRAMEWORK = "jax"
"""
OPTIMIZED = """
def train(model, x, y, schedule, learning_rate):
    optimizer = {optimizer}
    losses = []
    for _ in range(schedule):
        optimizer.zero_grad()
        value = loss(model, x, y)
        value.backward()
        optimizer.step()
        losses.append(value.detach())
    return model, torch.stack(losses)
"""
STEPS = """
def train(model, x, y, schedule, learning_rate):
    losses = []
    for step in range(schedule):
        losses.append(loss(model, x, y))
        for name, g in gradients(model, x, y).items():
            model[name] -= {rate} * g
    return model, np.array(losses)
"""
BATCHES = """
def train(model, x, y, schedule, learning_rate):
    losses = []
    for rows in schedule:
        value, grads = {what}
        losses.append(value)
        for name in model:
            model[name] -= learning_rate * grads[name]
    return model, np.array(losses, x.dtype)
"""


class Mistake(NamedTuple):
    """A port with a mistake, and a word of the cause by which it is to be named."""

    recipe: str
    word: str
    source: str


def _numpy(recipe: str, word: str, source: str) -> Mistake:
    return Mistake(recipe, word, NUMPY.format(recipe=recipe) + source)


def _torch(recipe: str, word: str, source: str) -> Mistake:
    return Mistake(recipe, word, TORCH.format(recipe=recipe) + source)


def _jax(recipe: str, word: str, source: str) -> Mistake:
    return Mistake(recipe, word, JAX.format(recipe=recipe) + source)


def _loss(of: str) -> str:
    return f"def loss(model, x, y):\n    return {of}\n"


def _optimizer(which: str) -> str:
    return OPTIMIZED.format(optimizer=f"torch.optim.{which}")


MISTAKES = {
    "swapped_arguments": _torch(
        "planar", "swapped", _loss("F.binary_cross_entropy_with_logits(y, model(x))")
    ),
    "positive_rows_weighted": _torch(
        "planar",
        "class weights",
        _loss(
            "F.binary_cross_entropy_with_logits(model(x), y, pos_weight=torch.tensor(3.0).to(x))"
        ),
    ),
    "sigmoid_returned": _torch(
        "planar", "instead of logits", "def forward(model, x):\n    return torch.sigmoid(model(x))"
    ),
    "one_term_forgotten": _jax(
        "planar",
        "half of the cross-entropy",
        _loss("-jnp.mean((1 - y) * jax.nn.log_sigmoid(-forward(model, x)))"),
    ),
    "nadam": _torch("planar", "NAdam", _optimizer("NAdam(model.parameters())")),
    "adagrad": _torch("planar", "Adagrad", _optimizer("Adagrad(model.parameters())")),
    "rate_not_passed": _torch(
        "planar", "another learning rate", _optimizer("SGD(model.parameters())")
    ),
    "sum_over_devices": _numpy(
        "planar", "another learning rate", STEPS.format(rate="4 * learning_rate")
    ),
    "own_weights": _numpy(
        "planar",
        "weights given are ignored",
        """
def build(weights):
    random = np.random.default_rng(1)
    return {k: random.normal(size=w.shape).astype(w.dtype) for k, w in weights.items()}
""",
    ),
    "weights_drawn_anew": _torch(
        "planar",
        "weights given are ignored",
        """
def build(weights):
    return right.PlanarClassifier(2, 4, 1).to(weights["W1"])
""",
    ),
    "mini_batches": _numpy(
        "planar",
        "mini-batches",
        """
def train(model, x, y, schedule, learning_rate):
    losses = []
    for _ in range(schedule):
        own = []
        for start in range(0, len(x), 64):
            rows = slice(start, start + 64)
            own.append(loss(model, x[rows], y[rows]))
            for name, g in gradients(model, x[rows], y[rows]).items():
                model[name] -= learning_rate * g
        losses.append(np.mean(own))
    return model, np.array(losses, x.dtype)
""",
    ),
    "stops_after_the_first": _numpy(
        "planar", "no update after", STEPS.format(rate="(0 if step else learning_rate)")
    ),
    "first_gradient_kept": _numpy(
        "planar",
        "never taken anew",
        STEPS.replace("    losses = []\n", "    losses, kept = [], gradients(model, x, y)\n")
        .replace("gradients(model, x, y).items()", "kept.items()")
        .format(rate="learning_rate"),
    ),
    "differences": _numpy(
        "planar",
        "numerical",
        """
def gradients(model, x, y, h=1e-4):
    found = {name: np.empty_like(w) for name, w in model.items()}
    for name, w in model.items():
        for index in np.ndindex(w.shape):
            sides = [{**model, name: w.copy()} for _ in range(2)]
            sides[0][name][index] += h
            sides[1][name][index] -= h
            above, below = (loss(side, x, y) for side in sides)
            found[name][index] = (above - below) / (2 * h)
    return found
""",
    ),
    "running_sum": _numpy(
        "planar",
        "running sum",
        """
def train(model, x, y, schedule, learning_rate):
    model, losses = right.train(model, x, y, schedule, learning_rate)
    return model, np.cumsum(losses)
""",
    ),
    "zeros_logged": _jax(
        "planar",
        "never recorded",
        """
descend = train
def train(model, x, y, schedule, learning_rate):
    model, losses = descend(model, x, y, schedule, learning_rate)
    return model, 0 * losses
""",
    ),
    "one_bias_gradient": _numpy(
        "planar",
        "wrong axes",
        """
def gradients(model, x, y):
    own = right.gradients(model, x, y)
    return {**own, "b1": np.full_like(own["b1"], own["b1"].sum())}
""",
    ),
    "huber": _torch("iris", "another loss", _loss("F.huber_loss(model(x), y, delta=0.3)")),
    "classes_of_one_hot": _torch("iris", "another loss", _loss("F.cross_entropy(model(x), y)")),
    "focal": _torch(
        "mnist",
        "focal",
        """
def loss(model, x, y):
    each = F.cross_entropy(model(x), y, reduction="none")
    return ((1 - torch.exp(-each)) ** 2 * each).mean()
""",
    ),
    "sigmoid_per_class": _jax(
        "mnist",
        "another loss",
        """
def loss(model, x, y):
    z = forward(model, x)
    t = jax.nn.one_hot(y, 10, dtype=z.dtype)
    return jnp.mean(jnp.sum(jnp.logaddexp(0, z) - z * t, axis=1))
""",
    ),
    "classes_weighted": _torch(
        "mnist",
        "class weights",
        """
def loss(model, x, y):
    weights = torch.linspace(0.5, 1.5, 10).to(x)
    return (weights[y] * F.cross_entropy(model(x), y, reduction="none")).mean()
def gradients(model, x, y):
    dweight, dbias = torch.autograd.grad(loss(model, x, y), model.parameters())
    return {"W": dweight.T, "b": dbias}
""",
    ),
    "class_ignored": _torch(
        "mnist", "class is ignored", _loss("F.cross_entropy(model(x), y, ignore_index=3)")
    ),
    "x_shuffled": _numpy(
        "mnist",
        "targets of other rows",
        BATCHES.format(
            what="right.loss_and_gradients(model, np.random.default_rng(7).permutation(x[rows]), "
            "y[rows])"
        ),
    ),
    "parts_of_unequal_size": _numpy(
        "mnist",
        "uneven parts",
        """
def mean_of_parts(model, x, y):
    parts = [
        right.loss_and_gradients(model, *each)
        for each in zip(np.array_split(x, 7), np.array_split(y, 7))
    ]
    mean = {name: np.mean([grads[name] for _, grads in parts], axis=0) for name in model}
    return np.mean([value for value, _ in parts]), mean
"""
        + BATCHES.format(what="mean_of_parts(model, x[rows], y[rows])"),
    ),
    "epoch_mean": _torch(
        "mnist",
        "mean of an epoch",
        """
def train(model, x, y, schedule, learning_rate):
    model, losses = right.train(model, x, y, schedule, learning_rate)
    return model, torch.cat([part.mean().expand(len(part)) for part in losses.split(10)])
""",
    ),
    "rows_normalised": _torch(
        "mnist", "inputs normalised", "def forward(model, x):\n    return model(F.normalize(x))"
    ),
}
