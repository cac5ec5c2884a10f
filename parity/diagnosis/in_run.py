"""Mistakes that carry over from step to step: optimizers, schedules, logs. Fitted, then tried.

What a port did in a step is told by its own weights before and after it: their difference over the
learning rate is the gradient that it took, to be held against the reference's at the same weights.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from parity.diagnosis import logs, rules
from parity.diagnosis.case import Case
from parity.diagnosis.factors import rate_called
from parity.diagnosis.hypothesis import Hypothesis
from parity.diagnosis.rules import Rule
from parity.standard.inputs import Tensors
from parity.standard.native import wide, wide_all

Array = NDArray[Any]
FEW = 20  # steps on which a small number beside another is fitted
ROUND = 1e-2  # relative; a fitted number so close to one of two digits is that one
NOTHING = 1e-6  # of the gradient; an update with less of it has none
MARKED = 0.99  # a learning rate that warms up begins below it
DECAY_STEPS = 6  # steps after the first, on which a decay is fitted


class Taken(NamedTuple):
    """One step of the port's own free run: its number, and two flat vectors, in noise floors."""

    step: int
    moved: Array
    gradient: Array


def taken(case: Case) -> dict[int, Taken]:
    """Return what the port took for gradients, and the reference's at the same weights."""
    states = {0: case.inputs.weights, **case.findings.states}
    found = {}
    for step in sorted(states):
        if step + 1 not in states or not _whole(case, states[step], states[step + 1]):
            continue
        now, then = wide_all(states[step]), wide_all(states[step + 1])
        weights = {name: now[name] for name in case.inputs.weights}
        gradients = case.compute(weights, *case.batch(step)).gradients
        moved = {name: (w - then[name]) / case.rate for name, w in weights.items()}
        found[step] = Taken(step, flat(case, moved), flat(case, gradients))
    return found


def _whole(case: Case, *states: Tensors) -> bool:
    return all(
        name in state and state[name].shape == w.shape and np.isfinite(state[name]).all()
        for state in states
        for name, w in case.inputs.weights.items()
    )


def flat(case: Case, tensors: Tensors) -> Array:
    """Return all trained weights' values in one, (n,), in noise floors of the first update."""
    floors = case.floors["update", 0]
    return np.concatenate(
        [tensors[n].ravel() / floors[n] for n in case.inputs.weights if n not in case.buffers]
    )


def mistakes(case: Case) -> Iterator[Hypothesis]:
    """Yield rules that fit the steps taken."""
    steps = taken(case)
    yield from plain_rules()
    yield from _momenta(steps)
    yield from _momenta_decayed(case, steps)
    yield from gathered()
    yield from _warming(steps)
    yield from _decays(steps)
    yield from _from_some_step(case, steps)
    yield from whole_decays(case)
    yield from logs.mistakes(case)


def first_move(case: Case) -> Tensors | None:
    """Return the port's first update over the learning rate, or None where it is not known."""
    then = case.findings.states.get(1, {})
    now = wide_all(case.inputs.weights)
    if not _whole(case, then):
        return None
    return {name: (w - wide(then[name])) / case.rate for name, w in now.items()}


def plain_rules() -> Iterator[Hypothesis]:
    """Yield rules without a number to fit."""
    yield Hypothesis(
        "gradients accumulate",
        "each update takes the sum of all gradients so far",
        rule=rules.moving(1.0),
    )
    yield Hypothesis(
        "gradient one step late",
        "each update takes the gradient of the step before, the first none",
        rule=rules.late(0.0),
    )
    yield Hypothesis(
        "gradient one step late",
        "each update but the first takes the gradient of the step before",
        rule=rules.late(1.0),
    )
    yield Hypothesis(
        "no update after the first", "only the first update is made", rule=rules.only_first
    )
    claim = (
        "every step starts from the initial weights, as where compiled code has them as constants"
    )
    yield Hypothesis(
        "no update after the first",
        claim,
        anew=True,
    )
    yield Hypothesis(
        "the gradient is never taken anew",
        "every update takes the gradient of the first step, at the initial weights",
        rule=rules.kept,
    )


def _momenta(steps: dict[int, Taken]) -> Iterator[Hypothesis]:
    """Yield momentum of either kind, fitted to pairs of steps."""
    pairs = [(steps[k - 1], steps[k]) for k in steps if k - 1 in steps]
    if not pairs:
        return
    heavy = _ratio([(b.moved - b.gradient, a.moved) for a, b in pairs])
    early = _ratio([(b.moved - b.gradient, b.gradient - a.gradient + a.moved) for a, b in pairs])
    claim = "each update adds {:.4g} times the one before"
    yield Hypothesis("momentum", claim.format(heavy), rule=rules.moving(heavy), fitted=1)
    both = [(b.moved, np.stack([b.gradient, a.moved])) for a, b in pairs]
    share, kept = np.linalg.lstsq(
        np.concatenate([basis for _, basis in both], axis=1).T,
        np.concatenate([moved for moved, _ in both]),
    )[0]
    for first in (1.0, share) if abs(share) > NOTHING else ():
        claim = f"each update is {share:.4g} times the gradient and {kept:.4g} times the one before"
        rule = rules.damped(float(kept), float(share), float(first))
        yield Hypothesis("momentum", claim, rule=rule, fitted=2)
    claim = "updates are those of Nesterov's momentum, {:.4g}"
    yield Hypothesis(
        "Nesterov momentum", claim.format(early), rule=rules.moving(early, True), fitted=1
    )


def _momenta_decayed(case: Case, steps: dict[int, Taken]) -> Iterator[Hypothesis]:
    """Yield momentum of either kind at a rate that falls by 1 / (1 + a k), as Keras had it."""
    pairs = [(steps[k - 1], steps[k]) for k in steps if k - 1 in steps]
    if not pairs:
        return
    heavy = _ratio([(b.moved - b.gradient, a.moved) for a, b in pairs])
    early = _ratio([(b.moved - b.gradient, b.gradient - a.gradient + a.moved) for a, b in pairs])
    for number, nesterov, cause in ((heavy, False, "momentum"), (early, True, "Nesterov momentum")):
        momentum = round(number, 2)
        if not 0 < momentum < 1:
            continue
        for inside in (True, False):
            make = partial(_decaying, partial(rules.moving, momentum, nesterov), inside)
            share = _fitted(case, min(case.inputs.steps, FEW), make, rounds=3)
            rounded = float(f"{share:.2g}")
            share = rounded if abs(share - rounded) <= ROUND * abs(share) else share
            claim = (
                f"updates have a momentum of {momentum:g}{', Nesterov' * nesterov}, and the "
                f"learning rate is divided by 1 + {share:.6g} k before step k"
            )
            yield Hypothesis(cause, claim, rule=make(share), fitted=1)


def _decaying(moving: Callable[[], Rule], inside: bool, share: float) -> Rule:
    """Return a rule whose gradients, or else whose updates, fall by 1 / (1 + share k)."""
    inner = moving()

    def rule(step: int, weights: Tensors, gradients: Tensors, memory: rules.Memory) -> Tensors:
        factor = rules.inverse(share, step)
        if inside:
            scaled = {name: factor * g for name, g in gradients.items()}
            return inner(step, weights, scaled, memory)
        moved = inner(step, weights, gradients, memory)
        return {name: factor * m for name, m in moved.items()}

    return rule


def gathered() -> Iterator[Hypothesis]:
    """Yield gradients that are cleared, or used, only once in several steps."""
    cause = "gradients accumulate"
    for every in (2, 3, 4, 5, 8, 10):  # no more than the few steps that show it
        claim = f"gradients add up, and are cleared only every {every} steps"
        yield Hypothesis(cause, claim, rule=rules.cleared(every), period=every)
        for share, what in ((1.0, "sum"), (1 / every, "mean")):
            claim = f"an update is made only every {every} steps, with the {what} of the gradients"
            rule = rules.gathered(every, share)
            yield Hypothesis(cause, claim, rule=rule, period=every)


def _warming(steps: dict[int, Taken]) -> Iterator[Hypothesis]:
    """Yield learning rates that rise on a line, and ones that fall before the first update."""
    scales = {k: _ratio([(t.moved, t.gradient)]) for k, t in steps.items()}
    if not {0, 1} <= scales.keys():
        return
    rise = scales[1] - scales[0]
    if rise > 0 and scales[0] < MARKED:
        first = scales[0] / rise
        claim = f"the learning rate rises to its value on a line over {1 / rise:.6g} steps"
        rule = rules.scheduled(partial(rules.warming, 1 / rise, first))
        yield Hypothesis("learning rate warms up", claim, rule=rule, fitted=1)
    if 0 < scales[0] < 1 and scales[1] < scales[0]:
        claim = f"the learning rate is multiplied by {scales[0]:.9g} before each step"
        rule = rules.scheduled(partial(rules.early, scales[0]))
        yield Hypothesis("learning rate decays", claim, rule=rule, fitted=1)


def _decays(steps: dict[int, Taken]) -> Iterator[Hypothesis]:
    """Yield learning rates that fall from step to step, fitted to one of the first steps."""
    scales = {k: _ratio([(t.moved, t.gradient)]) for k, t in steps.items() if k > 0}
    early = [step for step in scales if step <= min(scales) + DECAY_STEPS]
    if not early or not 0 < scales[max(early)] < 1:
        return
    k, c = max(early), scales[max(early)]
    for number, how, scale in (
        ((1 / c - 1) / k, "is divided by 1 + {:.6g} k before step k", rules.inverse),
        (c ** (1 / k), "is multiplied by {:.9g} after each step", rules.exponential),
        ((1 / c**2 - 1) / k, "is divided by the root of 1 + {:.6g} k", rules.root),
        (k / (1 - c), "falls to zero on a line over {:.6g} steps", rules.linear),
        (k * np.pi / np.arccos(2 * c - 1), "falls on a cosine over {:.6g} steps", rules.cosine),
    ):
        claim = f"the learning rate {how.format(number)}"
        rule = rules.scheduled(partial(scale, number))
        yield Hypothesis("learning rate decays", claim, rule=rule, fitted=1)


def whole_decays(case: Case) -> Iterator[Hypothesis]:
    """Yield learning rates that fall to zero over the whole run."""
    steps = case.inputs.steps
    for how, scale in (("a line", rules.linear), ("a cosine", rules.cosine)):
        claim = f"the learning rate falls to zero on {how} over all {steps:,} steps"
        rule = rules.scheduled(partial(scale, steps))
        yield Hypothesis("learning rate decays", claim, rule=rule)


def _from_some_step(case: Case, steps: dict[int, Taken]) -> Iterator[Hypothesis]:
    """Yield another learning rate from some step on, or at all."""
    for start in sorted(steps):
        later = [(t.moved, t.gradient) for k, t in steps.items() if k >= start]
        scale = _ratio(later)
        if scale != 1:
            cause, claim, scale, fitted = rate_called(case, scale)
            since = f" from step {start:,} on" if start else ""
            if start and scale < 1:
                cause = "learning rate decays"
            rule = rules.scheduled(partial(rules.switched, start, scale))
            yield Hypothesis(cause, claim + since, rule=rule, fitted=fitted + bool(start))
        if start and scale != 1:
            claim = f"the learning rate is multiplied by {scale:.6g} every {start:,} steps"
            rule = rules.scheduled(partial(rules.staircase, start, scale))
            yield Hypothesis("learning rate decays", claim, rule=rule, fitted=1, period=start)


def _ratio(pairs: list[tuple[Array, Array]]) -> float:
    """Return the number that, times the second of each pair, is closest to the first."""
    bottom = sum(float(b @ b) for _, b in pairs)
    return sum(float(a @ b) for a, b in pairs) / bottom if bottom else 1.0


def small(case: Case, steps: int) -> Iterator[Hypothesis]:
    """Yield mistakes so small that only many steps show them, fitted to all losses at once."""
    for cause, claim, made in _small_ones(case):
        number = _fitted(case, steps, made)
        yield Hypothesis(cause, claim(number), rule=made(number), fitted=1)


def _fitted(case: Case, steps: int, made: Callable[[float], Rule], rounds: int = 1) -> float:
    """Return the small number with which a rule gives the port's first losses, by Newton's way."""
    initial, tiny, fitted = wide_all(case.inputs.weights), 1e-6, 0.0
    floors = case.loss_floors[:steps]
    for _ in range(rounds):
        without, moved = (
            Hypothesis("", "", rule=made(number)).train(case, initial, list(range(steps)))[0]
            for number in (fitted, fitted + tiny)
        )
        slope = (moved - without) / tiny / floors
        fitted += _ratio([((case.losses[:steps] - without) / floors, slope)])
    return fitted


def _small_ones(
    case: Case,
) -> Iterator[tuple[str, Callable[[float], str], Callable[[float], Rule]]]:
    rate = case.rate
    yield (
        "another learning rate",
        lambda a: f"the learning rate is {rate * (1 + a):.9g} in place of {rate:g}",
        lambda a: rules.scheduled(lambda step: 1 + a),
    )
    yield (
        "learning rate decays",
        lambda a: f"the learning rate is divided by 1 + {a:.4g} k before step k",
        lambda a: rules.scheduled(partial(rules.inverse, a)),
    )
    yield "momentum", lambda a: f"each update adds {a:.4g} times the one before", rules.moving
    yield (
        "weight decay",
        lambda a: f"{a:.4g} times each weight is added to its gradient",
        rules.decayed,
    )
