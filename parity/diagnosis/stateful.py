"""Mistakes where the optimizer keeps a state: the reference's is recognised, then varied."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain, product
from typing import NamedTuple

import numpy as np

from parity.diagnosis import batches, models, penalties, rules, workers
from parity.diagnosis.case import Case, distance
from parity.diagnosis.factors import rate_called, spoken
from parity.diagnosis.hypothesis import Hypothesis, Scored
from parity.diagnosis.in_run import first_move, gathered, plain_rules, whole_decays
from parity.diagnosis.optimizers import OPTIMIZERS, SINGLE, Optimizer, adam, at_rate, each, fit
from parity.diagnosis.rules import Rule
from parity.standard.comparison import LIMIT
from parity.standard.inputs import Tensors
from parity.standard.native import wide_all

SOME = 6  # losses of a run, by which an optimizer is recognised
DECAYS = (0.01, 0.1, 0.05, 0.001, 5e-4, 1e-4, 1e-5)  # of weights, as people choose them
DECAYED_APART = ("Adam", "Lion")  # optimizers beside which people let some weights decay
CLIPPED = (1.0, 0.5, 5.0, 0.1, 10.0)  # norms to which gradients are clipped, likewise
CLIPS = {
    " together, to which 1e-6 is added, as by clip_grad_norm_": penalties.clip_norm_as_torch,
    " together, to which nothing is added": penalties.clip_norm,
    " each": penalties.clip_norms,
}
SGD = Optimizer("SGD", "no momentum", rules.scheduled(lambda step: 1.0))
KNOWN = (
    SGD,
    *(Optimizer("SGD", f"a momentum of {m:g}", rules.moving(m)) for m in (0.9, 0.95, 0.99, 0.5)),
    *(
        Optimizer("SGD", f"Nesterov's momentum of {m:g}", rules.moving(m, nesterov=True))
        for m in (0.9, 0.95, 0.99)
    ),
    *(
        Optimizer("SGD", f"{said} of 0.9 rounded to float32, as in Keras", rule)
        for said, rule in (
            ("a momentum", rules.moving(SINGLE[0])),
            ("Nesterov's momentum", rules.moving(SINGLE[0], nesterov=True)),
        )
    ),
    *OPTIMIZERS,
    *(
        Optimizer(
            one.name,
            f"{one.variant}, and a momentum of {m:g}",
            rules.after(one.rule, rules.moving(m)),
        )
        for one in OPTIMIZERS
        if one.name == "RMSprop"
        for m in (0.9, 0.5)
    ),
    *(each("AdamW", f"a weight decay of {d:g}", partial(adam, 1e-8, d)) for d in DECAYS),
)


class Clip(NamedTuple):
    """How gradients are clipped, in words and as a rule."""

    said: str
    rule: Rule


class Apart(NamedTuple):
    """Decay beside an optimizer's update: the share of some weights, by their names."""

    share: float
    names: tuple[str, ...]


class Own(NamedTuple):
    """The reference's optimizer, and what it is given: gradients that are clipped, or decay.

    apart: decay that does not go through the optimizer, where it is of some weights alone.
    """

    optimizer: Optimizer
    clip: Clip | None = None
    decay: float = 0.0
    apart: Apart | None = None

    @property
    def rule(self) -> Rule:
        """How gradients become updates."""
        rule = self.optimizer.rule
        if self.decay:
            rule = rules.after(rules.decayed(self.decay), rule)
        if self.clip:
            rule = rules.after(self.clip.rule, rule)
        return rules.beside(rule, *self.apart) if self.apart else rule


PLAIN = Own(SGD)


def recognise(case: Case) -> Own | None:
    """Return the optimizer that gives the reference's own updates and first losses, if one does.

    Our own recipes are plain gradient descent.
    """
    if not case.inputs.begins_anew:
        return PLAIN
    if not {"gradients", "train"} <= {*case.inputs.functions}:
        return None
    coupled = KNOWN[: len(KNOWN) - len(DECAYS)]
    tried = (
        *map(Own, KNOWN),
        *(Own(one, decay=decay) for decay in DECAYS for one in coupled),
        # Adam's epsilon may grow with a clip that always shrinks: the usual one comes first.
        *(Own(one, clip) for one in coupled for clip in _clips()),
    )
    apart = _with_decay(case, (one for one in tried if one.optimizer.name in DECAYED_APART))
    return next((one for one in chain(tried, apart) if _is_own(case, one)), None)


def _with_decay(case: Case, tried: Iterable[Own]) -> Iterator[Own]:
    """Yield optimizers with decay beside them, of the weights whose first update lacks it."""
    weights, gradients = case.weights[0], case.expected["gradients", 0]
    due, limits = case.expected["update", 0], case.noise["update", 0]
    for own in tried:
        moved = own.rule(0, weights, gradients, {})
        lacks = {n: (weights[n] - due[n]) / case.rate - m for n, m in moved.items()}
        names = tuple(
            name
            for name, rest in lacks.items()
            if not np.abs(rest).max(initial=0.0) * case.rate <= LIMIT * limits[name]
        )
        if names:
            share = fit({n: lacks[n] for n in names}, {n: weights[n] for n in names})
            yield own._replace(apart=Apart(float(f"{share:.2g}"), names))


def _is_own(case: Case, optimizer: Own) -> bool:
    for step, weights in case.weights.items():
        if ("update", step) not in case.expected:  # no step is made of half a batch
            continue
        gradients, due = case.expected["gradients", step], case.expected["update", step]
        moved = optimizer.rule(0, weights, gradients, {})
        for name, value in moved.items():
            off = distance(weights[name] - case.rate * value, due[name])
            if not off <= LIMIT * case.noise["update", step][name]:
                return False
    steps = min(SOME, case.inputs.steps)
    initial = wide_all(case.inputs.weights)
    losses, _ = Hypothesis("", "", rule=optimizer.rule).train(case, initial, list(range(steps)))
    off_by = np.abs(losses - case.reference.losses[:steps])
    return bool((off_by <= LIMIT * case.loss_floors[:steps]).all())


def tried(case: Case, own: Own, rung: str, steps: int) -> Iterator[Scored | None]:
    """Yield how well each mistake around the reference's optimizer explains a port.

    Args:
        case: what is to be explained.
        own: the reference's optimizer.
        rung: "update" or "trajectory".
        steps: of the free run, that are tried.
    """
    for idea in workers.mistakes(case, rung):
        yield replace(idea, rule=own.rule).diagnose(case, rung)
    for idea in mistakes(case, own):
        if rung == "update":
            found = idea.diagnose(case, rung)
            explains = found is not None and found[1].explains and case.ran
            yield (idea.diagnose_run(case, steps) or found) if explains else found
        else:
            yield idea.diagnose_run(case, steps)
    yield models.stale(case) if case.ran else None


def mistakes(case: Case, own: Own) -> Iterator[Hypothesis]:
    """Yield the reference's optimizer at another rate or with other numbers, and others."""
    moved, name = first_move(case), own.optimizer.name
    gradients = case.expected["gradients", 0]
    usual = own.rule(0, case.weights[0], gradients, {})
    if moved is not None:
        factor = fit({each: moved[each] for each in usual}, usual)
        cause, claim, factor, fitted = rate_called(case, factor)
        yield Hypothesis(cause, claim, rule=at_rate(own.rule, factor), fitted=fitted)
    for other in KNOWN:
        if other != own.optimizer:
            yield _instead(own, other)
    for decay in (0.0, *DECAYS):
        if decay != own.decay:
            claim = f"{decay:g} times each weight is added to its gradient, before {name}"
            yield Hypothesis("weight decay", claim, rule=own._replace(decay=decay).rule)
    yield from _decayed_otherwise(own, list(gradients))
    if own.clip:
        claim = f"gradients are not clipped {own.clip.said} before {name}"
        yield Hypothesis("gradients clipped", claim, rule=own._replace(clip=None).rule)
        usual_clip = own.clip.rule
        for idea in workers.clipped_apart(case, lambda gradients: usual_clip(0, {}, gradients, {})):
            yield replace(idea, rule=own._replace(clip=None).rule)
    for clip in _clips():
        if own.clip is None or clip.said != own.clip.said:
            claim = f"gradients are clipped {clip.said}, before {name}"
            yield Hypothesis("gradients clipped", claim, rule=own._replace(clip=clip).rule)
    for idea in (*plain_rules(), *gathered()):
        if idea.rule:
            idea = replace(idea, rule=rules.after(idea.rule, own.rule))
        yield replace(idea, claim=f"{idea.claim}; {name} is as in the reference")
    for idea in whole_decays(case):
        if idea.rule:
            yield replace(idea, rule=rules.after(own.rule, idea.rule))
    for idea in batches.mistakes(case):
        yield replace(idea, rule=own.rule)


def _decayed_otherwise(own: Own, all_names: list[str]) -> Iterator[Hypothesis]:
    """Yield other decay in place of that beside the reference's optimizer, if it has any."""
    if own.apart is None:
        return
    name, (share, names), every = own.optimizer.name, own.apart, tuple(all_names)
    due = f"where {share:g} times {spoken(list(names))} is taken beside {name}"
    for said, apart in (
        ("no weight decays", None),
        ("every weight decays", Apart(share, every)),
        *((f"the decay is {d:g}", Apart(d, names)) for d in DECAYS if d != share),
        *((f"every weight decays by {d:g}", Apart(d, every)) for d in DECAYS if d != share),
    ):
        rule = own._replace(apart=apart).rule
        yield Hypothesis("weight decay", f"{said}, {due}", rule=rule)
    for said, some in (("the same", names), ("every weight", every)):
        coupled = rules.after(rules.decayed(share, some), own._replace(apart=None).rule)
        claim = f"{share:g} times {said} is added to the gradient, {due}"
        yield Hypothesis("weight decay", claim, rule=coupled)


def _clips() -> Iterator[Clip]:
    for size, (how, clip) in product(CLIPPED, CLIPS.items()):
        yield Clip(f"to a norm of {size:g}{how}", _clipped(clip, size))


def _clipped(clip: Callable[[Tensors, float], Tensors], size: float) -> Rule:
    return lambda step, weights, gradients, memory: clip(gradients, size)


def _instead(own: Own, other: Optimizer) -> Hypothesis:
    rule, usual = own._replace(optimizer=other).rule, own.optimizer
    if other.name == usual.name:
        claim = f"{usual.name} has {other.variant}, in place of {usual.variant}"
        return Hypothesis(f"another variant of {usual.name}", claim, rule=rule)
    cause = f"{other.name} instead of {usual.name}"
    claim = f"updates are those of {other.name}, with {other.variant}"
    return Hypothesis(cause, claim, rule=rule)
