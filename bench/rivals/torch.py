"""PyTorch: the port, and other idioms for its loop."""

from collections.abc import Iterable
from functools import partial
from typing import Any

import torch

from bench.contender import PORT, Contender, Make, Train
from bench.rivals import torch_compiled
from bench.rivals.torch_batches import batches, indexed


def optimizer(**options: Any) -> Any:
    """Return a loop with torch.optim.SGD and its options."""

    def make(module: Any) -> Train:
        def train(
            model: Any, x: Any, y: Any, schedule: Any, learning_rate: float
        ) -> tuple[Any, Any]:
            sgd = torch.optim.SGD(model.parameters(), lr=learning_rate, **options)
            losses = []
            for batch in indexed(schedule, x, y):
                sgd.zero_grad()
                value = module.loss(model, *batch)
                value.backward()
                sgd.step()
                losses.append(value.detach())
            return model, torch.stack(losses)

        return train

    return make


def _descend(loss: Any, weights: Any, steps: Iterable[Any], learning_rate: float) -> Any:
    """Update weights in place by autograd.grad and one foreach call a step; return the losses."""
    losses = []
    for batch in steps:
        value = loss(*batch)
        gradients = torch.autograd.grad(value, weights)
        with torch.no_grad():
            torch._foreach_add_(weights, gradients, alpha=-learning_rate)
        losses.append(value.detach())
    return torch.stack(losses)


def by_hand(module: Any) -> Train:
    """Return a loop that updates each weight by itself, without an optimizer."""

    def train(model: Any, x: Any, y: Any, schedule: Any, learning_rate: float) -> tuple[Any, Any]:
        losses = []
        for batch in batches(schedule, x, y):
            value = module.loss(model, *batch)
            value.backward()
            with torch.no_grad():
                for weight in model.parameters():
                    weight.sub_(weight.grad, alpha=learning_rate)
                    weight.grad = None
            losses.append(value.detach())
        return model, torch.stack(losses)

    return train


def foreach_by_hand(module: Any) -> Train:
    """Return a loop with autograd.grad, and an update of all weights in one foreach call."""

    def train(model: Any, x: Any, y: Any, schedule: Any, learning_rate: float) -> tuple[Any, Any]:
        weights = list(model.parameters())
        steps = batches(schedule, x, y)
        return model, _descend(partial(module.loss, model), weights, steps, learning_rate)

    return train


def item_each_step(module: Any) -> Train:
    """Return the tutorials' own loop, which asks for every loss as a Python number."""

    def train(model: Any, x: Any, y: Any, schedule: Any, learning_rate: float) -> tuple[Any, Any]:
        sgd = torch.optim.SGD(model.parameters(), lr=learning_rate)
        losses = []
        for batch in indexed(schedule, x, y):
            value = module.loss(model, *batch)
            sgd.zero_grad()
            value.backward()
            sgd.step()
            losses.append(value.item())
        return model, torch.tensor(losses)

    return train


def functional(module: Any) -> Train:
    """Return a loop of torch.func.grad_and_value over functional_call."""

    def train(model: Any, x: Any, y: Any, schedule: Any, learning_rate: float) -> tuple[Any, Any]:
        weights = {name: w.detach() for name, w in model.named_parameters()}

        class Called:
            def __init__(self, values: Any) -> None:
                self.values = values

            def __call__(self, x: Any) -> Any:
                return torch.func.functional_call(model, self.values, (x,))

        step = torch.func.grad_and_value(lambda w, x, y: module.loss(Called(w), x, y))
        losses = []
        for batch in batches(schedule, x, y):
            gradients, value = step(weights, *batch)
            weights = {name: w - learning_rate * gradients[name] for name, w in weights.items()}
            losses.append(value)
        model.load_state_dict(weights)
        return model, torch.stack(losses)

    return train


def autograd_alone(module: Any) -> Train:
    """Return the floor of eager PyTorch: autograd over the fewest operations that make the net.

    No Module, weights as (inputs, outputs), so that nothing is transposed: addmm and tanh.
    """

    def train(model: Any, x: Any, y: Any, schedule: Any, learning_rate: float) -> tuple[Any, Any]:
        weights = [w.detach().t().clone().requires_grad_() for w in model.parameters()]

        def outputs(x: Any) -> Any:
            for W, b in zip(weights[:-2:2], weights[1:-2:2], strict=True):
                x = torch.tanh(torch.addmm(b, x, W))
            return torch.addmm(weights[-1], x, weights[-2])

        steps = batches(schedule, x, y)
        losses = _descend(partial(module.loss, outputs), weights, steps, learning_rate)
        with torch.no_grad():
            for own, weight in zip(model.parameters(), weights, strict=True):
                own.copy_(weight.t())
        return model, losses

    return train


CONTENDERS: dict[Contender, Make] = {
    Contender("torch", "port", "port"): PORT,
    Contender("torch", "by hand", "idiom"): by_hand,
    Contender("torch", "SGD, foreach=True", "idiom"): optimizer(foreach=True),
    Contender("torch", "SGD, fused=True", "idiom"): optimizer(fused=True),
    Contender("torch", "autograd.grad, foreach update", "idiom"): foreach_by_hand,
    Contender("torch", "torch.func.grad_and_value", "idiom", share=0.2): functional,
    Contender("torch", "the tutorials' loop, loss.item()", "idiom"): item_each_step,
    Contender("torch", "autograd alone, on addmm", "floor", ("iris", "planar")): autograd_alone,
    **(torch_compiled.CONTENDERS if torch_compiled.COMPILER else {}),
}
