"""How the optimizers of torch.optim, and the clipping before them, may be set otherwise."""

from contextlib import contextmanager
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch.nn.utils import clip_grad, clip_grad_norm_, clip_grad_value_
from torch.optim.optimizer import register_optimizer_step_pre_hook

from impls.torch.variants import decays, formulas, micro_batches, rates, schedules
from impls.torch.variants.groups import set_to, stepping_by
from shared import updates
from shared.variants import LOW_RATE, Variant


@contextmanager
def noted(variants, model):
    """Add the variants of optimizers that make steps while it lasts to a list, and of clipping.

    model: what they train.
    """
    passes = micro_batches.Passes()

    def note(optimizer, args, kwargs):
        for place, own in (
            (updates.OPTIMIZER, (*of(optimizer), *decays.of(optimizer, model))),
            (updates.SCHEDULER, schedules.of(optimizer)),
            (micro_batches.PLACE, passes.of(optimizer)),
        ):
            for cause, claim, change in own:
                variants.append(Variant(cause, claim, (place,), change))

    def clip(parameters, max_norm):
        for claim, change in CLIPS.items():
            said = f"{claim}, not together to a norm of {max_norm:g}"
            variants.append(Variant(updates.CLIPPED, said, (updates.CLIPPING,), change))
        for factor in updates.FACTORS:
            said = f"gradients are multiplied by {factor} before they are clipped"
            variants.append(
                Variant(updates.FACTOR, said, (updates.CLIPPING,), _clipped_times(factor))
            )
        clip_grad_norm_(parameters, max_norm)

    hook = register_optimizer_step_pre_hook(note)
    try:
        with _clipping_by(clip), rates.remembered(), passes.counted():
            yield
    finally:
        hook.remove()


@contextmanager
def applied(variant):
    """Let optimizers, or clipping, be as a variant has them while it lasts, if it is of them."""
    if updates.CLIPPING in variant.places:
        with _clipping_by(variant.change):
            yield
    elif updates.SCHEDULER in variant.places:
        with schedules.applied(variant.change):
            yield
    elif micro_batches.PLACE in variant.places:
        with micro_batches.applied(variant.change):
            yield
    elif updates.OPTIMIZER in variant.places:
        with stepping_by(variant.change), rates.remembered():
            yield
    else:
        yield


@contextmanager
def _clipping_by(clip):
    """Let another function clip in place of clip_grad_norm_ while it lasts.

    Users may have that under a name of their own, so what it calls is replaced; the other function
    may call it.
    """
    own = clip_grad._clip_grads_with_norm_

    def instead(parameters, max_norm, *others):
        clip_grad._clip_grads_with_norm_ = own
        try:
            clip(parameters, max_norm)
        finally:
            clip_grad._clip_grads_with_norm_ = instead

    clip_grad._clip_grads_with_norm_ = instead
    try:
        yield
    finally:
        clip_grad._clip_grads_with_norm_ = own


def of(optimizer):
    """Yield the variants of an optimizer: cause, claim, and what changes it before each step."""
    name, groups = type(optimizer).__name__, optimizer.param_groups
    variant = f"another variant of {name}"
    own = groups[0]
    for key, cause, others, said in (
        ("eps", variant, updates.EPSILONS, "an epsilon of"),
        ("betas", variant, updates.BETAS, "betas of"),
        ("alpha", variant, updates.ALPHAS, "an alpha of"),
        ("momentum", updates.MOMENTUM, updates.MOMENTA, "a momentum of"),
        ("weight_decay", updates.DECAY, updates.DECAYS, "a weight decay of"),
        ("lr", "another learning rate", updates.RATES, "a learning rate of"),
    ):
        for value in others if key in own else ():
            if any(group[key] != value for group in groups):
                claim = f"{name} has {said} {value}, not {_own(groups, key)}"
                yield cause, claim, set_to(**{key: value})
    for key, said in (
        ("amsgrad", "AMSGrad's maximum"),
        ("centered", "squares that the mean's is subtracted from"),
        ("nesterov", "Nesterov's momentum"),
    ):
        if key in own and (key != "nesterov" or own.get("momentum")):
            cause = updates.NESTEROV if key == "nesterov" else variant
            claim = f"{name} has {'no ' if own[key] else ''}{said}"
            yield cause, claim, set_to(**{key: not own[key]})
    for factor in updates.FACTORS:
        yield updates.FACTOR, f"gradients are multiplied by {factor} before {name}", _times(factor)
    yield from _rounded(optimizer)
    if rates.changed(optimizer) and not rates.has_scheduler(optimizer):
        claim = f"{name} has the learning rate that it was made with, unscheduled"
        yield updates.SCHEDULE, claim, _unscheduled
    if rates.changed(optimizer) or rates.has_scheduler(optimizer):
        claim = "the learning rate is 0 at the first step, and one step behind from there"
        yield updates.SCHEDULE, claim, _from_zero()
    if "betas" in own:
        claim = f"{name} adds its epsilon before the bias of the squares is corrected, as Keras'"
        yield variant, claim, formulas.early_epsilon
        yield variant, f"{name} does not correct the bias of its means", formulas.uncorrected
        for epsilon in dict.fromkeys((own["eps"], 1e-7)) if _is_double() else ():
            claim = (
                f"{name} adds an epsilon of {epsilon:g} before the bias of the squares is "
                "corrected, and rounds its constants to float32, as Keras'"
            )
            yield variant, claim, formulas.as_keras(epsilon)
    if name == "RMSprop":
        claim = "RMSprop has its epsilon inside the root, as Keras' and Optax's"
        yield variant, claim, formulas.root_mean_square
    if name in ("Adam", "AdamW") and not own["amsgrad"] and not own["maximize"]:
        for outside in dict.fromkeys((0.0, 1e-8, own["eps"])):
            claim = (
                f"{name} has its epsilon of {own['eps']:g} inside the root, as eps_root of Optax "
                f"has it, and {outside:g} outside"
            )
            yield variant, claim, formulas.rooted(outside)


def _rounded(optimizer):
    """Yield learning rates of float32, where those of float64 are kept: reckoned in it, too."""
    own = [group["lr"] for group in optimizer.param_groups]
    if not _is_double() or all(_in_float32(r) == r for r in own):
        return
    for said, towards in (
        ("which is {} rounded to float32", None),
        ("as {} may become where it is computed in float32", -np.inf),
        ("as {} may become where it is computed in float32", np.inf),
    ):

        def change(optimizer, towards=towards):
            for group in optimizer.param_groups:
                group["lr"] = _in_float32(group["lr"], towards)

        rate, due = _in_float32(own[0], towards), f"{own[0]:.12g}"
        yield LOW_RATE, f"the learning rate is {rate:.12g}, {said.format(due)}", change


def _is_double():
    return torch.get_default_dtype() == torch.float64


def _in_float32(rate, towards=None):
    """Return a rate rounded to float32, or the number beside that."""
    near = np.float32(rate)
    return float(near if towards is None else np.nextafter(near, np.float32(towards)))


def _unscheduled(optimizer):
    for group, rate in zip(optimizer.param_groups, rates.first(optimizer), strict=True):
        group["lr"] = rate


def _own(groups, key):
    values = {f"{group[key]}" for group in groups}
    return " and ".join(sorted(values))


def _from_zero():
    last = WeakKeyDictionary()

    def change(optimizer):
        groups = optimizer.param_groups
        now = [group["lr"] for group in groups]
        for group, rate in zip(groups, last.get(optimizer, [0.0] * len(now)), strict=True):
            group["lr"] = rate
        last[optimizer] = now

    return change


def _scaled(parameters, scale):
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad.mul_(scale)


def _times(factor):
    def change(optimizer):
        for group in optimizer.param_groups:
            _scaled(group["params"], factor)

    return change


def _clipped_times(factor):
    def clip(parameters, max_norm):
        parameters = list(parameters)
        _scaled(parameters, factor)
        return clip_grad_norm_(parameters, max_norm)

    return clip


def _exactly(parameters, max_norm):
    parameters = list(parameters)
    norm = torch.linalg.vector_norm(
        torch.stack([p.grad.norm() for p in parameters if p.grad is not None])
    )
    _scaled(parameters, (max_norm / norm).clamp(max=1))


def _each(parameters, max_norm):
    for parameter in parameters:
        clip_grad_norm_([parameter], max_norm)


def _each_exactly(parameters, max_norm):
    for parameter in parameters:
        _exactly([parameter], max_norm)


def _to(factor):
    return lambda parameters, max_norm: clip_grad_norm_(parameters, factor * max_norm)


CLIPS = {
    "gradients are not clipped": lambda parameters, max_norm: None,
    "gradients are divided by their length alone, without 1e-6": _exactly,
    "gradients are clipped each for itself": _each_exactly,
    "gradients are clipped each for itself, with 1e-6": _each,
    "gradients are clipped value by value": clip_grad_value_,
    "gradients are clipped to half the norm": _to(0.5),
    "gradients are clipped to twice the norm": _to(2.0),
    "gradients are clipped to ten times the norm": _to(10.0),
}
