"""Models that keep, lay out, update or give back something other than their weights."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from parity.diagnosis.case import Case, Computed, comparable, distance
from parity.diagnosis.chain import log_softmax, sigmoid
from parity.diagnosis.factors import spoken
from parity.diagnosis.hypothesis import Hypothesis, Scored
from parity.diagnosis.in_step import back, reshaped
from parity.diagnosis.losses import softmax
from parity.diagnosis.precision import FORMATS
from parity.results import Diagnosis
from parity.standard.comparison import LIMIT
from parity.standard.inputs import PART, Tensors
from parity.standard.native import wide_all
from parity.standard.place import SECOND
from shared.rows import Array, Rows, count
from shared.variants import TWICE

STALE = "stale or averaged weights"
CERTAIN = 0.97  # over SURE: nothing else makes such losses or gradients
ANEW = "a second call of train starts anew"


def probabilities(case: Case) -> Iterator[Scored | None]:
    """Yield what would explain outputs that have a softmax or a sigmoid behind them already."""
    changes: dict[str, Callable[[Array], Array]] = {"the sigmoid of the logits": sigmoid}
    if all(got["outputs"].ndim > 1 for _, got in case.answered("forward") if "outputs" in got):
        changes = {
            "the softmax of the logits": partial(_of_rows, softmax),
            "the log of the softmax of the logits": partial(_of_rows, log_softmax),
            **changes,
        }
    twice = any(not _agrees(case, "loss", step, got) for step, got in case.answered("loss"))
    cause = TWICE if twice else "probabilities instead of logits"
    for claim, change in changes.items():

        def predict(step: int, change: Callable[[Array], Array] = change) -> Tensors:
            return {"outputs": change(case.expected["forward", step]["outputs"])}

        yield Hypothesis(cause, f"the outputs are {claim}").conclude(
            case.before("forward"), case.misfit("forward", predict), "the rung forward"
        )


def _of_rows(change: Callable[[Array], Array], values: Array) -> Array:
    return change(values.reshape(-1, values.shape[-1])).reshape(values.shape)


def _agrees(case: Case, rung: str, step: int, got: Tensors) -> bool:
    due, floors = case.expected[rung, step], case.noise[rung, step]
    return all(distance(got[name], due[name]) <= LIMIT * floors[name] for name in due)


def on_all_rows(case: Case) -> Diagnosis | None:
    """Name outputs that are off by one factor on all rows of a split, where a batch's are right."""
    for p in case.findings.predictions:
        due = case.reference.outputs[p.split]
        if p.rung == "accuracy" and p.outputs is not None and p.outputs.shape == due.shape:
            scale = float((p.outputs * due).sum() / (due * due).sum())
            off = distance(p.outputs, scale * due) / np.abs(due).max()
            if abs(scale - 1) > 100 * off:
                evidence = (
                    f"the outputs of all rows of {p.split} are {scale:.6g} times the reference's, "
                    f"while those of a batch are right"
                )
                return Diagnosis("a constant factor", evidence, 0.8)
    return None


def layouts(case: Case, rung: str) -> Iterator[Scored | None]:
    """Yield what laying out one weight otherwise would explain of gradients or updates."""
    if rung not in ("gradients", "update"):
        return
    for name in case.trained:
        weight = case.inputs.weights[name]
        if weight.ndim != 2:
            continue
        changes: list[tuple[str, Callable[[Array], Array]]] = [
            ("reshaped where it should be transposed", reshaped),
            ("reshaped where it should be transposed", back),
        ]
        if weight.shape[0] == weight.shape[1]:
            changes.append(("transposed", np.transpose))
        for claim, change in changes:

            def predict(
                step: int, name: str = name, change: Callable[[Array], Array] = change
            ) -> Tensors:
                due = case.expected[rung, step]
                return {**due, name: change(due[name])}

            yield Hypothesis("a tensor is transposed", f"{name} is given back {claim}").conclude(
                case.before(rung), case.misfit(rung, predict), f"the rung {rung}"
            )


def orders(case: Case) -> Iterator[Hypothesis]:
    """Yield updates of some weights before the gradients of others are taken."""
    names = list(case.trained)
    groups = [names[:1], names[1:], names[:2], names[2:], names[-1:], names[:-1]]
    cause = "weights updated before all gradients are taken"
    for first in (group for group in groups if 0 < len(group) < len(names)):
        rest = [name for name in names if name not in first]
        claim = f"the update of {spoken(first)} precedes the gradient of {spoken(rest)}"
        yield Hypothesis(cause, claim, partial(_in_turn, case, [first, rest]))
    for order in (names, names[::-1]):
        claim = f"each weight is updated before the gradient of the next: {', '.join(order)}"
        yield Hypothesis(cause, claim, partial(_in_turn, case, [[name] for name in order]))


def _in_turn(case: Case, groups: list[list[str]], weights: Tensors, x: Rows, y: Rows) -> Computed:
    """Return gradients of which each group is taken after the groups before it are updated."""
    answer = case.compute(weights, x, y)
    taken: Tensors = {}
    for group in groups:
        moved = {name: w - case.rate * taken[name] for name, w in weights.items() if name in taken}
        gradients = case.compute({**weights, **moved}, x, y).gradients
        taken |= {name: gradients[name] for name in group}
    return answer._replace(gradients=taken)


def of_part(case: Case, rung: str) -> Diagnosis | None:
    """Name what goes wrong on fewer rows than a batch has, and nowhere else."""
    got, weights = case.findings.answers[rung, PART], case.weights[PART]
    due, floors = case.expected[rung, PART], case.noise[rung, PART]
    x, y = case.batch(PART)
    whole = case.compute(weights, *case.batch(0))
    part = count(y) / case.batch_size
    scaled = {name: part * value for name, value in due.items()}
    kept = {"loss": {"loss": whole.loss}, "gradients": whole.gradients}.get(rung, {})
    if rung == "update":
        gradients = case.compute(weights, x, y).gradients
        scaled = {n: w - case.rate * part * gradients[n] for n, w in weights.items()}
        kept = {n: w - case.rate * whole.gradients[n] for n, w in weights.items()}
    for cause, claim, idea in (
        ("the batch size typed in", f"what is right of {case.batch_size}", scaled),
        ("data of an earlier call", "what is right of all the rows of another call", kept),
    ):
        near = [distance(got[n], v) <= LIMIT * floors[n] for n, v in idea.items() if n in got]
        if near and all(near):
            evidence = f"on {count(y)} rows, a part of a batch, the rung {rung} gives {claim}"
            return Diagnosis(cause, evidence, 0.9)
    return None


def stale(case: Case) -> Scored | None:
    """Name weights that are given back while a run goes on with others: its losses tell."""
    worst, said = 0.0, ""
    for step, state in case.findings.states.items():
        weights = {name: value for name, value in state.items() if name != "loss"}
        if step >= case.inputs.steps or not comparable(case.inputs.weights, weights):
            continue
        own = float(case.losses[step])
        theirs = float(case.compute(wide_all(weights), *case.batch(step)).loss)
        ratio = abs(own - theirs) / float(case.loss_floors[step])
        if ratio > max(worst, LIMIT):
            worst = ratio
            said = (
                f"the weights that it gives back after {step:,} steps have a loss of {theirs:.6g}, "
                f"while its own next loss is {own:.6g}: they are not the ones that it trains"
            )
    off = float((np.abs(case.losses - case.reference.losses) / case.loss_floors).max())
    if not said or not off <= LIMIT:
        return None
    return off, Diagnosis(STALE, said, CERTAIN)


def diagnose(case: Case) -> Diagnosis | None:
    """Name what a second call of `train`, or a trained model itself, got wrong."""
    kind = case.findings.divergence.place.kind
    if kind == "trained model":
        return _predicting(case)
    return _resumed(case) if kind == "second call" else None


def _predicting(case: Case) -> Diagnosis:
    step = case.inputs.steps - 1
    got = case.findings.answers.get(("trained", step), {})
    once = case.findings.answers.get(("rebuilt", step), {})
    if _doubled(case, got, once) or _added_to_the_last_step(case, got, once):
        evidence = "a call of gradients on a model adds to what calls before it left"
        return Diagnosis("gradients accumulate", evidence, CERTAIN)
    x, y = case.batch(step)
    first = case.compute(wide_all(case.inputs.weights), x, y)
    same = "outputs" in got and distance(got["outputs"], first.outputs) <= 1e-5 * np.abs(
        first.outputs
    ).max(initial=1e-3)
    evidence = (
        "the trained model computes otherwise than one built anew from the weights it exports"
        + (": its outputs are still those of the initial weights" if same else "")
    )
    return Diagnosis(STALE, evidence, 0.9 if same else 0.8)


def _doubled(case: Case, got: Tensors, once: Tensors) -> bool:
    """Whether gradients are twice what they are of a fresh model, to the last bit."""
    names = [name for name in case.inputs.weights if name in got and name in once]
    asked = [name for name in names if np.any(got[name])]
    return bool(asked) and all(np.array_equal(got[name], 2 * once[name]) for name in asked)


def _added_to_the_last_step(case: Case, got: Tensors, once: Tensors) -> bool:
    """Whether gradients are those of two calls and, on top, of the last step of the training."""
    step = case.inputs.steps - 1
    left, floors = case.expected["gradients", step], case.noise["gradients", step]
    return got.keys() >= left.keys() <= once.keys() and all(
        distance(got[name], 2 * once[name].astype(np.float64) + last) <= LIMIT * 3 * floors[name]
        for name, last in left.items()
    )


def _resumed(case: Case) -> Diagnosis | None:
    """Try what a second call of `train`, at another learning rate, may have done."""
    got = case.findings.answers["resumed", 1]
    initial = wide_all(case.inputs.weights)
    once = wide_all({k: v for k, v in case.findings.answers["update", 0].items() if k in initial})
    if once.keys() != initial.keys() or not initial.keys() <= got.keys():
        return None
    ideas = {
        (ANEW, "the second call of train starts from the initial weights"): (initial, SECOND),
        (
            "another learning rate",
            "the second call of train keeps the learning rate of the first",
        ): (once, 1.0),
        ("a weight is not updated", "the second call of train changes nothing"): (once, 0.0),
    }
    rate = SECOND * case.rate
    for name, rounded in FORMATS.items():
        low = float(rounded(np.array(rate)))
        claim = f"the second learning rate is {low:.12g}, which is {rate:g} rounded to {name}"
        ideas["learning rate in lower precision", claim] = (once, low / case.rate)
    for (cause, claim), (start, factor) in ideas.items():
        gradients = case.compute(start, *case.batch(1)).gradients
        due = {name: w - factor * case.rate * gradients[name] for name, w in start.items()}
        ratio = max(
            distance(got[name], value) / case.second_floors[name] for name, value in due.items()
        )
        before = case.findings.divergence.ratio
        found = Hypothesis(cause, claim).conclude(before, ratio, "the weights after it")
        if found:
            return found[1]
    return None
