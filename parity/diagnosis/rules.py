"""How gradients become updates, other than by gradient descent alone.

The functions up to `scheduled` make a `Rule`, or are one; those after it are schedules of the
learning rate, for `scheduled`.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from parity.standard.inputs import Tensors

Memory = dict[str, Any]


class Rule(Protocol):
    """How gradients become an update: new weights are the old less the learning rate times it."""

    def __call__(self, step: int, weights: Tensors, gradients: Tensors, memory: Memory) -> Tensors:
        """Return the update of one step.

        Args:
            step: counted from 0.
            weights: those before the step, by name.
            gradients: by the weights' names, each of its weight's shape.
            memory: what the rule keeps from step to step; empty at first, and written to.

        Returns:
            What is subtracted from each weight, over the learning rate, of its shape.
        """
        ...


def moving(momentum: float, nesterov: bool = False) -> Rule:
    """Return v = momentum v + g, or g + momentum v."""

    def rule(step: int, weights: Tensors, gradients: Tensors, memory: Memory) -> Tensors:
        for name, g in gradients.items():
            memory[name] = momentum * memory.get(name, 0.0) + g
        return {
            n: g + momentum * memory[n] if nesterov else memory[n] for n, g in gradients.items()
        }

    return rule


def damped(momentum: float, share: float, first: float) -> Rule:
    """Return v = momentum v + share g, which begins as `first` times the gradient."""

    def rule(step: int, weights: Tensors, gradients: Tensors, memory: Memory) -> Tensors:
        for name, g in gradients.items():
            memory[name] = momentum * memory[name] + share * g if step else first * g
        return {name: memory[name] for name in gradients}

    return rule


def cleared(every: int) -> Rule:
    """Return the sum of all gradients since they were last cleared, once in so many steps."""

    def rule(step: int, weights: Tensors, gradients: Tensors, memory: Memory) -> Tensors:
        for name, g in gradients.items():
            memory[name] = g + (memory[name] if step % every else 0.0)
        return {name: memory[name] for name in gradients}

    return rule


def gathered(every: int, share: float) -> Rule:
    """Return nothing but once in so many steps, then `share` times the sum of all gradients."""

    def rule(step: int, weights: Tensors, gradients: Tensors, memory: Memory) -> Tensors:
        for name, g in gradients.items():
            memory[name] = g + (memory[name] if step % every else 0.0)
        due = share if step % every == every - 1 else 0.0
        return {name: due * memory[name] for name in gradients}

    return rule


def late(first: float) -> Rule:
    """Return the gradient of the step before; in the first step, `first` times its own."""

    def rule(step: int, weights: Tensors, gradients: Tensors, memory: Memory) -> Tensors:
        late = memory.get("last", {n: first * g for n, g in gradients.items()})
        memory["last"] = gradients
        return dict(late)

    return rule


def only_first(step: int, weights: Tensors, gradients: Tensors, memory: Memory) -> Tensors:
    """Give the gradient in the first step, and nothing in those after it."""
    return {name: (0.0 if step else 1.0) * g for name, g in gradients.items()}


def kept(step: int, weights: Tensors, gradients: Tensors, memory: Memory) -> Tensors:
    """Give the gradient of the first step in every step."""
    return dict(memory.setdefault("first", gradients))


def decayed(share: float, names: tuple[str, ...] | None = None) -> Rule:
    """Return g + share w, of some weights or of all."""

    def rule(step: int, weights: Tensors, gradients: Tensors, memory: Memory) -> Tensors:
        some = gradients if names is None else names
        return {n: g + share * weights[n] if n in some else g for n, g in gradients.items()}

    return rule


def beside(inner: Rule, share: float, names: tuple[str, ...]) -> Rule:
    """Return what a rule gives, and share w of some weights."""

    def rule(step: int, weights: Tensors, gradients: Tensors, memory: Memory) -> Tensors:
        moved = inner(step, weights, gradients, memory)
        return {n: m + share * weights[n] if n in names else m for n, m in moved.items()}

    return rule


def after(first: Rule, then: Rule) -> Rule:
    """Return what one rule makes of what another has made of the gradients."""

    def rule(step: int, weights: Tensors, gradients: Tensors, memory: Memory) -> Tensors:
        made = first(step, weights, gradients, memory.setdefault("first", {}))
        return then(step, weights, made, memory.setdefault("then", {}))

    return rule


def scheduled(scale: Callable[[int], float]) -> Rule:
    """Return g times a factor that depends on the step."""

    def rule(step: int, weights: Tensors, gradients: Tensors, memory: Memory) -> Tensors:
        factor = scale(step)
        return {name: factor * g for name, g in gradients.items()}

    return rule


def inverse(share: float, step: int) -> float:
    """Return 1 / (1 + share step)."""
    return 1 / (1 + share * step)


def exponential(share: float, step: int) -> float:
    """Return share to the power of the step."""
    return float(share**step)


def early(share: float, step: int) -> float:
    """Return share to the power of the step after this one."""
    return float(share ** (step + 1))


def warming(steps: float, first: float, step: int) -> float:
    """Return what rises on a line, from `first` parts of `steps`, up to 1."""
    return min(1.0, (step + first) / steps)


def root(share: float, step: int) -> float:
    """Return 1 over the root of 1 + share step."""
    return float(max(1 + share * step, 1e-300) ** -0.5)


def linear(steps: float, step: int) -> float:
    """Return what falls from 1 to 0 on a line."""
    return max(0.0, 1 - step / steps)


def cosine(steps: float, step: int) -> float:
    """Return what falls from 1 to 0 on half a cosine."""
    return float(0.5 * (1 + np.cos(np.pi * min(step / steps, 1.0))))


def switched(start: int, factor: float, step: int) -> float:
    """Return the factor from `start` on, 1 before."""
    return factor if step >= start else 1.0


def staircase(every: int, factor: float, step: int) -> float:
    """Return the factor to the power of how many times so many steps are over."""
    return float(factor ** (step // every))
