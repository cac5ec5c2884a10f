"""Verdicts, whatever was found: one thing that is wrong is enough, and no order changes them."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity import contract
from parity.processes.messages import Answer, Climb, Message, Predictions
from parity.processes.record import Record
from parity.results import PortResult, first_divergence, overall, summarise
from parity.rungs import climb as probe
from parity.rungs.ladder import compare_rungs, due
from parity.standard import floors, reference
from parity.standard.comparison import Comparison
from parity.standard.inputs import PART, Store, Tensors
from parity.standard.place import Place
from parity.standard.standard import Standard
from shared.experiment import prepare

STEPS = 7
COUNTS = st.integers(0, 3)
COMPARISONS = st.builds(
    Comparison,
    place=st.builds(Place, st.just("loss"), st.integers(0, 5), st.sampled_from(("W", "b", "loss"))),
    compared=COUNTS,
    mismatches=COUNTS,
    ratio=st.floats(0, allow_nan=False),
    error=st.floats(0),
    floor=st.floats(0),
    unusable=st.none() | st.just("W is empty"),
)


@given(st.lists(COMPARISONS), st.data())
def test_a_rung_agrees_where_all_of_it_does_in_any_order(
    found: list[Comparison], data: st.DataObject
) -> None:
    rung = summarise("loss", found)
    agree = [c.compared > 0 and c.mismatches == 0 and c.unusable is None for c in found]
    assert (rung.verdict == "agree") == (all(agree) and len(agree) > 0)
    assert (rung.verdict == "not provided") == (not found)
    assert rung.compared == sum(c.compared for c in found)
    wrong = [c for c, agrees in zip(found, agree, strict=True) if not agrees]
    if found:
        worst = wrong or found
        assert rung.ratio == max(c.ratio for c in worst)
        assert rung.place in [c.place for c in worst]
    shuffled = summarise("loss", data.draw(st.permutations(found)))
    assert (shuffled.verdict, shuffled.ratio) == (rung.verdict, rung.ratio)


@given(st.lists(COMPARISONS), st.data())
def test_the_first_divergence_is_that_of_the_first_step_in_any_order(
    found: list[Comparison], data: st.DataObject
) -> None:
    wrong = [c for c in found if not c.agrees]
    for order in (found, data.draw(st.permutations(found))):
        first = first_divergence(order)
        assert (first is None) == (not wrong)
        if first:
            assert first.step == min(c.place.step for c in wrong)
            assert first.place in [c.place for c in wrong]


@given(st.lists(st.sampled_from(("agree", "disagree", "error"))), st.data())
def test_the_worst_verdict_wins_in_any_order(verdicts: list[str], data: st.DataObject) -> None:
    expected = max(verdicts, key=("agree", "disagree", "error").index, default="error")
    for order in (verdicts, data.draw(st.permutations(verdicts))):
        results = [cast(PortResult, SimpleNamespace(verdict=verdict)) for verdict in order]
        assert overall(results) == expected


Judged = Callable[[list[Message]], dict[str, list[Comparison]]]


@pytest.fixture(scope="module", params=["float32", "float64"])
def ladder(request: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Message], Judged]:
    """All that NumPy's port answers on iris, and how answers are compared."""
    folder = tmp_path_factory.mktemp("store")
    experiment = prepare("iris", request.param, STEPS)
    inputs = Store(folder).inputs(experiment, "cpu", 1)
    port = contract.load(contract.PortName("numpy"), "iris")
    ran = reference.run(port, inputs)
    answers: list[Message] = []
    measured = floors.measure(port, inputs, ran, lambda message: None)
    standard = Standard(experiment, inputs, ran, measured)
    probe.climb(
        port, Climb(inputs, "compiled", ran.checkpoints, ran.final(inputs.dtype)), answers.append
    )

    def judged(messages: list[Message]) -> dict[str, list[Comparison]]:
        record = Record()
        for message in messages:
            record.add(message)
        found = compare_rungs(standard, record)
        return {rung: found[rung] for rung in due(standard)}

    return answers, judged


def verdicts(found: dict[str, list[Comparison]]) -> dict[str, str]:
    return {rung: summarise(rung, comparisons).verdict for rung, comparisons in found.items()}


def spoil(tensors: Tensors, name: str, how: str, place: int, error: float) -> Tensors:
    """Make one tensor wrong: in one of its values, its shape, its precision, or its name."""
    value = tensors[name].copy()
    flat = value.reshape(-1)
    match how:
        case "value":
            flat[place % flat.size] += error
        case "nan":
            flat[place % flat.size] = np.nan
        case "shape":
            value = value[None]
        case "flat":
            value = np.append(flat, flat[:1])
        case "empty":
            value = flat[:0]
        case "precision":
            value = value.astype("float64" if value.dtype == "float32" else "float32")
        case "missing":
            return {other: tensors[other] for other in tensors if other != name}
        case "extra":
            return {**tensors, "another": value}
    return {**tensors, name: value}


HOW = ("value", "nan", "shape", "flat", "empty", "precision", "missing", "extra")


@given(st.data())
def test_one_wrong_tensor_is_found_on_its_rung_alone(
    ladder: tuple[list[Message], Judged], data: st.DataObject
) -> None:
    messages, judged = ladder
    assert set(verdicts(judged(messages)).values()) == {"agree"}
    rungs = ("forward", "loss", "gradients", "update", "trajectory")
    own = [m for m in messages if isinstance(m, Answer) and m.rung in rungs]
    answers = [answer for answer in own if answer.step != PART]
    answer = data.draw(st.sampled_from(answers))
    name = data.draw(st.sampled_from([n for n in answer.tensors if n != "loss"] or ["loss"]))
    how = data.draw(st.sampled_from(HOW))
    # Far over float32's floors on iris after few steps, and small beside the values themselves.
    error = data.draw(st.floats(1e-3, 1e3)) * data.draw(st.sampled_from((-1, 1)))
    tensors = spoil(answer.tensors, name, how, data.draw(st.integers(0, 1000)), error)
    spoiled = replace(answer, tensors=tensors)
    found = judged([spoiled if message is answer else message for message in messages])
    assert verdicts(found) == {
        rung: "disagree" if rung == answer.rung else "agree" for rung in found
    }
    first = first_divergence(found[answer.rung])
    assert first is not None
    assert (first.step, first.place.name) == (answer.step, "another" if how == "extra" else name)


@given(st.data())
def test_a_wrong_prediction_is_found(
    ladder: tuple[list[Message], Judged], data: st.DataObject
) -> None:
    messages, judged = ladder
    prediction = next(m for m in messages if isinstance(m, Predictions) and m.rung == "accuracy")
    assert prediction.outputs is not None
    assert prediction.figure is not None
    if data.draw(st.booleans()):
        rows = data.draw(st.sampled_from((-1, 1)) | st.integers(2, 150))
        spoiled = replace(prediction, figure=prediction.figure + rows / 150)
    else:
        place, error = data.draw(st.integers(0, 1000)), data.draw(st.floats(1e-3, 1e3))
        how = data.draw(st.sampled_from(HOW[:6]))
        outputs = spoil({"outputs": prediction.outputs}, "outputs", how, place, error)["outputs"]
        spoiled = replace(prediction, outputs=outputs)
    found = judged([spoiled if message is prediction else message for message in messages])
    assert verdicts(found)["accuracy"] == "disagree"


@given(st.integers(0, 2**32))
def test_the_order_of_answers_changes_no_verdict(
    ladder: tuple[list[Message], Judged], seed: int
) -> None:
    messages, judged = ladder
    shuffled = judged([messages[i] for i in np.random.default_rng(seed).permutation(len(messages))])
    for rung, comparisons in judged(messages).items():
        one, other = summarise(rung, comparisons), summarise(rung, shuffled[rung])
        assert (one.verdict, one.ratio, one.compared) == (
            other.verdict,
            other.ratio,
            other.compared,
        )


def test_a_rung_without_answers_does_not_agree(ladder: tuple[list[Message], Judged]) -> None:
    _, judged = ladder
    assert set(verdicts(judged([])).values()) == {"not provided"}
