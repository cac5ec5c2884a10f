"""How the weight decay of optimizers of torch.optim may be otherwise."""

import torch

from impls.torch.variants import rates
from impls.torch.variants.groups import set_to
from shared.updates import DECAY, DECAYS


def of(optimizer, model):
    """Yield the variants of a decay: cause, claim, and what changes an optimizer before a step.

    model: what is trained, whose modules tell which parameters are of norms.
    """
    if "decoupled_weight_decay" in optimizer.param_groups[0]:
        yield from _adams(optimizer)
    yield from _alone(optimizer, model)


def _adams(optimizer):
    """Yield the weight decays that Adam has in its other form, or at other rates."""
    name, groups = type(optimizer).__name__, optimizer.param_groups
    decoupled = groups[0]["decoupled_weight_decay"]
    said = "added to gradients, as Adam's" if decoupled else "of the weights alone, as AdamW's"
    other = {"decoupled_weight_decay": not decoupled}
    decaying = [group["weight_decay"] for group in groups if group["weight_decay"]]
    if decaying:
        yield DECAY, f"the weight decay of {name} is {said}", set_to(**other)
    if decaying and decoupled:
        claim = f"the weight decay of {name} is multiplied by no learning rate"
        yield DECAY, claim, _at(lambda o: [1.0] * len(o.param_groups))
    scheduled = rates.has_scheduler(optimizer) or rates.changed(optimizer)
    if decaying and decoupled and scheduled:
        said = "by the learning rate before it is scheduled"
        yield DECAY, f"the weight decay of {name} is multiplied {said}", _at(rates.first)
    for value in filter(None, DECAYS):
        if not decaying:
            claim = f"{name} has a weight decay of {value}, {said}"
            yield DECAY, claim, set_to(weight_decay=value, **other)
        elif len(decaying) < len(groups) and {*decaying} != {value}:
            claim = f"{name} has a weight decay of {value} where it has one of {decaying[0]}"
            yield DECAY, claim, _where_it_decays(value)


def _at(others):
    """Return what lets decoupled decays be at other rates, of each group of an optimizer."""

    def change(optimizer):
        for group, rate in zip(optimizer.param_groups, others(optimizer), strict=True):
            if group["lr"]:
                group["weight_decay"] *= rate / group["lr"]

    return change


def _where_it_decays(value):
    def change(optimizer):
        for group in optimizer.param_groups:
            if group["weight_decay"]:
                group["weight_decay"] = value

    return change


def _alone(optimizer, model):
    """Yield the decay of some kinds of parameters, and of no others."""
    parameters = {
        (i, j): parameter
        for i, group in enumerate(optimizer.param_groups)
        for j, parameter in enumerate(group["params"])
    }
    groups = optimizer.param_groups
    values = {group.get("weight_decay") for group in groups} - {None, 0}
    if len(values) != 1:
        return
    (value,) = values
    now = {place for place in parameters if groups[place[0]]["weight_decay"]}
    of_norms = {id(parameter) for parameter in _norms(model)}
    kinds = {
        "only matrices decay": {place for place, p in parameters.items() if p.ndim > 1},
        "only the parameters of norms decay": _places(parameters, of_norms),
        "all but the parameters of norms decay": parameters.keys() - _places(parameters, of_norms),
        "only vectors decay, as biases are": {p for p in parameters if parameters[p].ndim < 2},
        "only what is not to decay does": parameters.keys() - now,
    }
    tried = [now]
    for said, places in kinds.items():
        if places and places not in tried:
            tried.append(places)
            yield DECAY, f"under {type(optimizer).__name__}, {said}", _of(places, value)


def _places(parameters, ids):
    return {place for place, parameter in parameters.items() if id(parameter) in ids}


def _norms(model):
    """Yield the parameters of all modules of a model that call themselves norms."""
    for module in model.modules() if isinstance(model, torch.nn.Module) else ():
        if "norm" in type(module).__name__.lower():
            yield from module.parameters(recurse=False)


def _of(places, value):
    """Return what lets only some parameters decay, by numbers of their groups and in these."""

    def change(optimizer):
        parts = []
        for i, group in enumerate(optimizer.param_groups):
            for decays in (True, False):
                own = [p for j, p in enumerate(group["params"]) if ((i, j) in places) is decays]
                parts.append({**group, "params": own, "weight_decay": value if decays else 0.0})
        optimizer.param_groups[:] = [part for part in parts if part["params"]]

    return change
