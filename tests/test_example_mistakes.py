"""Mistakes in the examples: each is caught, in its layer, and named."""

import re

import pytest

from parity.results import RUNGS
from tests.test_examples import WEIGHTS
from traps import catalogue, outcomes
from traps.record import Outcomes, judge

BUGS = catalogue.load_examples().bugs
SAMPLE = (  # of one port, so that one comparison judges them; `make bugs` plants all
    "gates-swapped",
    "reset-before-the-product",
    "bias-beside-the-gate",
    "backpropagation-of-one-step",
    "not-clipped",
    "symbol-counted-once",
)


@pytest.fixture(scope="module")
def found(environment: dict[str, str]) -> Outcomes:
    """What the judge says of a sample."""
    pytest.importorskip("torch")  # the reference
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCKSTEP_CACHE", environment["LOCKSTEP_CACHE"])
        sample = [b for b in BUGS if b.example == "gru_numpy.py" and b.name in SAMPLE]
        assert len(sample) == len(SAMPLE)
        return outcomes.run(sample)


def test_the_catalogue_has_mistakes_in_every_file() -> None:
    assert len(BUGS) >= 50
    assert {bug.net for bug in BUGS} == set(WEIGHTS)
    files = {bug.example for bug in BUGS}
    kinds = ("numpy", "jax", "flax", "keras", "tensorflow")
    assert files == {f"{net}_{kind}.py" for net in WEIGHTS for kind in kinds}
    for bug in BUGS:
        assert bug.layer or bug.rung in RUNGS[RUNGS.index("update") :], bug
        assert bug.source is None or re.fullmatch(r"https://github\.com/\S+/\d+", bug.source), bug


def test_mistakes_are_caught_placed_and_named(found: Outcomes) -> None:
    assert {bug.name for bug, _ in found} == set(SAMPLE)
    for (bug, _), outcome in found.items():
        assert isinstance(bug, catalogue.Bug)
        assert judge(bug, outcome) == "caught", f"{bug}: {outcome.says}"
        assert outcome.cause in bug.causes, f"{bug}: {outcome.cause}"
        assert bug.layer in (None, outcome.layer), f"{bug}: {outcome.layer}"
