"""The steps of Adam and RMSprop by the formulas of other libraries."""

import numpy as np
import torch


def early_epsilon(optimizer):
    """Let Adam add its epsilon before the bias of its squares is corrected."""
    for group in optimizer.param_groups:
        group["eps"] /= _roots(optimizer, group)[1]


def uncorrected(optimizer):
    """Let Adam correct no bias of its means."""
    for group in optimizer.param_groups:
        first, second = _roots(optimizer, group)
        group["lr"] = group["lr"] * first / second  # which may be a tensor
        group["eps"] /= second
        if group.get("decoupled_weight_decay"):
            group["weight_decay"] *= second / first


def as_keras(epsilon):
    """Return what lets Adam be Keras', which rounds constants to float32 where all is in float64.

    epsilon: is added before the bias of the squares is corrected.
    """

    def change(optimizer):
        for group in optimizer.param_groups:
            first, second = _roots(optimizer, group)
            single = _roots(optimizer, group, [float(np.float32(b)) for b in group["betas"]])
            factor = single[1] / single[0] * first / second
            group["lr"] = group["lr"] * factor  # which may be a tensor
            group["eps"] = epsilon / second
            if group.get("decoupled_weight_decay"):
                group["weight_decay"] = float(np.float32(group["weight_decay"])) / factor

    return change


def rooted(outside):
    """Return what makes Adam's steps again, with epsilon inside the root, and another outside."""

    @torch.no_grad()
    def change(optimizer):
        groups, before = optimizer.param_groups, {}
        roots = [_roots(optimizer, group) for group in groups]
        for group in groups:
            given = (p for p in group["params"] if p.grad is not None)
            before |= {parameter: parameter.clone() for parameter in given}

        @torch.no_grad()
        def step():
            for group, (first, second) in zip(groups, roots, strict=True):
                rate, decay = group["lr"], group["weight_decay"]
                kept = 1 - rate * decay if group["decoupled_weight_decay"] else 1
                for parameter in before.keys() & set(group["params"]):
                    state = optimizer.state[parameter]
                    mean, square = state["exp_avg"] / first, state["exp_avg_sq"] / second**2
                    root = (square + group["eps"]).sqrt() + outside
                    parameter.copy_(before[parameter] * kept - rate * mean / root)

        return step

    return change


@torch.no_grad()
def root_mean_square(optimizer):
    """Return what makes RMSprop's step again, with epsilon inside the root."""
    given = [
        (group, parameter, parameter.clone(), parameter.grad.clone())
        for group in optimizer.param_groups
        for parameter in group["params"]
        if parameter.grad is not None
    ]
    states = optimizer.state
    moved = [
        states[parameter]["momentum_buffer"].clone()
        if group["momentum"] and states.get(parameter)
        else 0.0
        for group, parameter, *_ in given
    ]

    @torch.no_grad()
    def step():
        for (group, parameter, before, gradient), kept in zip(given, moved, strict=True):
            state = optimizer.state[parameter]
            square = state["square_avg"]
            if group["centered"]:
                square = square - state["grad_avg"] ** 2
            gradient = gradient + group["weight_decay"] * before
            change = group["momentum"] * kept + gradient / (square + group["eps"]).sqrt()
            if group["momentum"]:
                state["momentum_buffer"].copy_(change)
            parameter.copy_(before - group["lr"] * change)

    return step


def _roots(optimizer, group, betas=None):
    """Return by what Adam divides its mean, and the root of its squares, at the step to come.

    betas: in place of its own.
    """
    states = [optimizer.state[p] for p in group["params"] if p in optimizer.state]
    step = 1 + int(next((s["step"] for s in states if "step" in s), torch.tensor(0)))
    first, second = betas or group["betas"]
    return 1 - first**step, (1 - second**step) ** 0.5
