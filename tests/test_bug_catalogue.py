"""The catalogue of translation bugs: every one is caught on its rung, no variation is accused."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from parity.contract import DTYPES, FRAMEWORKS, nets_of
from shared.recipes import is_spread
from traps import catalogue, outcomes
from traps.catalogue import FOLDER, NETS, RAISES, Bug, CatalogueError, E, Variation
from traps.record import Outcome, Outcomes, judge

CATALOGUE = catalogue.load()
EVERY = 17  # one in so many, of every framework; `make bugs` plants all
# Over workers, of frameworks that start fast.
SPREAD = {
    "numpy": (
        "all-reduce-missing",
        "reduced-to-the-root",
        "averaged-at-the-end",
        "a-batch-skipped",
    ),
    "torch": ("sampler-repeats-rows", "never-broadcast"),
}
AGREEING = {"numpy": ("one-vector",), "torch": ("two-micro-batches",)}


def _alone(entries: Sequence[E]) -> list[E]:
    return [entry for entry in entries if not is_spread(entry.net)][::EVERY]


def _spread(entries: Sequence[E], names: Mapping[str, tuple[str, ...]]) -> list[E]:
    spread = [entry for entry in entries if is_spread(entry.net)]
    return [entry for entry in spread if entry.name in names.get(entry.framework, ())]


BUGS = [*_alone(CATALOGUE.bugs), *_spread(CATALOGUE.bugs, SPREAD)]
VARIATIONS = [*_alone(CATALOGUE.variations), *_spread(CATALOGUE.variations, AGREEING)]
CASES = [pytest.param(bug, dtype, id=f"{bug}-{dtype}") for bug in BUGS for dtype in bug.dtypes]
NAMED = 0.9


@pytest.fixture(scope="module")
def found(environment: dict[str, str]) -> Outcomes:
    """What the judge says of everything that is planted, by entry and precision."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCKSTEP_CACHE", environment["LOCKSTEP_CACHE"])
        return outcomes.run([*BUGS, *VARIATIONS])


def test_every_net_and_framework_has_its_bugs() -> None:
    assert len(CATALOGUE.bugs) >= 60
    assert {(bug.net, bug.framework) for bug in CATALOGUE.bugs} == {
        (net, framework) for framework in FRAMEWORKS for net in nets_of(framework)
    }
    assert {bug.framework for bug in BUGS} == set(FRAMEWORKS)


def test_there_are_correct_variations_of_every_framework() -> None:
    assert len(CATALOGUE.variations) >= 25
    assert {variation.framework for variation in CATALOGUE.variations} == set(FRAMEWORKS)


def test_no_two_entries_plant_the_same() -> None:
    entries = [*CATALOGUE.bugs, *CATALOGUE.variations]
    planted = {(entry.recipe, entry.steps, catalogue.planted(entry)) for entry in entries}
    assert len(planted) == len(entries)


@pytest.mark.parametrize(("bug", "dtype"), CASES)
def test_a_bug_is_caught_on_its_rung(found: Outcomes, bug: Bug, dtype: str) -> None:
    outcome = found[bug, dtype]
    assert judge(bug, outcome) == "caught", outcome.says


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("forward hung: it gave no answer in 5 s (--timeout)", "missed"),
        ("train was killed (SIGKILL), as the system does when memory runs out", "missed"),
        ("forward raised ValueError: shapes (4, 3) and (4, 3) not aligned", "elsewhere"),
    ],
)
def test_the_end_of_a_process_catches_no_wrong_number(error: str, expected: str) -> None:
    bug = next(bug for bug in CATALOGUE.bugs if bug.rung == "forward")
    nothing: dict[str, Any] = dict.fromkeys(("step", "tensor", "cause", "evidence", "confidence"))
    outcome = Outcome(verdict="error", rung=RAISES, ratio=math.nan, error=error, **nothing)
    assert judge(bug, outcome) == expected


@pytest.mark.parametrize("dtype", DTYPES)
def test_most_causes_are_named(found: Outcomes, dtype: str) -> None:
    due = [bug for bug in BUGS if dtype in bug.dtypes]
    unnamed = [bug for bug in due if found[bug, dtype].cause not in bug.causes]
    assert len(unnamed) <= (1 - NAMED) * len(due), [str(bug) for bug in unnamed]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("variation", VARIATIONS, ids=str)
def test_a_correct_variation_agrees(found: Outcomes, variation: Variation, dtype: str) -> None:
    outcome = found[variation, dtype]
    assert outcome.verdict == "agree", outcome.says


@pytest.mark.parametrize(
    ("text", "instead", "says"),
    [
        ('right = "return F.mse_loss(model(x), y)"', 'right = "gone"', "0 times"),
        ('right = "return F.mse_loss(model(x), y)"', 'right = "model"', "times"),
        ('wrong = "return 2"', 'wrong = "return ("', "not Python any more"),
        ('wrong = "return 2"', "", "lacks 'wrong'"),
        ('wrong = "return 2"', 'wrong = "return F.mse_loss(model(x), y)"', "changes nothing"),
        ('rung = "loss"', 'rung = "lost"', "no rung 'lost'"),
        ('rung = "loss"', 'rung = "loss"\nstop = 1', "no field 'stop'"),
        ('rung = "loss"', 'rung = "loss"\ndtype = "float16"', "no precision 'float16'"),
        ('cause = "a constant factor"', "", "lacks 'causes'"),
        ('framework = "torch"', 'framework = "torhc"', "no framework 'torhc'"),
        ('name = "doubled"', 'name = "Doubled"', "kebab-case"),
        ("[[bug]]", "[[bugs]]", "no kind of entry 'bugs'"),
        ('rung = "loss"', 'rung = "loss"\nstyle = "sdg"', "no variation 'sdg'"),
    ],
)
def test_a_rotten_entry_is_refused(tmp_path: Path, text: str, instead: str, says: str) -> None:
    entry = (
        '[[bug]]\nname = "doubled"\nframework = "torch"\ncause = "a constant factor"\n'
        'right = "return F.mse_loss(model(x), y)"\nwrong = "return 2"\nrung = "loss"\n'
    )
    for net in NETS:
        (tmp_path / f"{net}.toml").write_text("")
    (tmp_path / "iris.toml").write_text(entry)
    assert len(catalogue.load(tmp_path).bugs) == 1
    (tmp_path / "iris.toml").write_text(entry.replace(text, instead))
    with pytest.raises(CatalogueError, match=says):
        catalogue.load(tmp_path)


def test_a_bug_in_a_style_changes_the_variation(tmp_path: Path) -> None:
    for net in NETS:
        (tmp_path / f"{net}.toml").write_text("")
    (tmp_path / "iris.toml").write_text(
        '[[bug]]\nname = "squared"\nframework = "torch"\nstyle = "called"\ncause = "a"\n'
        'right = "F.mse_loss(called, y)"\nwrong = "called"\nrung = "loss"\n'
        '[[variation]]\nname = "called"\nframework = "torch"\n'
        'right = "return F.mse_loss(model(x), y)"\n'
        'other = "called = model(x)\\n    return F.mse_loss(called, y)"\n'
    )
    (bug,) = catalogue.load(tmp_path).bugs
    assert "    called = model(x)\n    return F.mse_loss(called, y)\n" in catalogue.original(bug)
    assert "    called = model(x)\n    return called\n" in catalogue.changed(bug)


def test_two_entries_of_one_name_are_refused(tmp_path: Path) -> None:
    for net in NETS:
        content = (FOLDER / f"{net}.toml").read_text()
        (tmp_path / f"{net}.toml").write_text(content * 2 if net == "iris" else content)
    with pytest.raises(CatalogueError, match="another entry has this name"):
        catalogue.load(tmp_path)
