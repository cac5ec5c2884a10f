"""The guide's traps: what is shown of each is what compare.py said of it."""

import dataclasses
import html
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from guide import ports
from guide import traps as shown
from parity.contract import DTYPES
from shared.errors import InputError
from traps import catalogue, costs, outcomes, record
from traps.catalogue import Bug, Change, Entry
from traps.reasons import REASONS
from traps.record import judge
from traps.themes import THEMES

CATALOGUE = catalogue.load()
IN_EXAMPLES = catalogue.load_examples()
ENTRIES = (*CATALOGUE.entries, *IN_EXAMPLES.entries)
RECORD = record.load(ENTRIES)
SAMPLE = [  # of one net, so that one run compares them
    "iris-torch-momentum",
    "iris-numpy-factor-two-missing",
    "iris-numpy-einsum",
]
COSTING = [
    "iris-numpy-sum-for-mean",
    "iris-numpy-every-other-row",
    "descent-numpy-factor-two-missing",
]


def test_all_that_is_recorded_is_of_an_entry_there_is() -> None:
    kept = json.loads(record.FILE.read_text())
    assert set(kept) == {str(entry) for entry in ENTRIES}
    assert set(RECORD) == {(entry, dtype) for entry in ENTRIES for dtype in entry.judged}


def test_what_is_recorded_names_no_file_of_some_machine() -> None:
    assert "/tmp" not in record.FILE.read_text()
    assert "/home" not in record.FILE.read_text()


def test_every_bug_is_recorded_as_told_apart_and_no_variation() -> None:
    for bug in (*CATALOGUE.bugs, *IN_EXAMPLES.bugs):
        assert all(judge(bug, RECORD[bug, dtype]) != "missed" for dtype in bug.dtypes), bug
    for variation in (*CATALOGUE.variations, *IN_EXAMPLES.variations):
        assert all(RECORD[variation, dtype].verdict == "agree" for dtype in DTYPES), variation


@pytest.mark.parametrize(
    "change",
    [
        {"steps": 61},
        {"mode": "eager"},
        {"recipe": "iris-forward"},
        {"changes": (Change("a", "b"),)},
    ],
    ids=str,
)
def test_an_entry_that_has_changed_must_be_recorded_anew(change: dict[str, object]) -> None:
    entry: Entry = CATALOGUE.bugs[0]
    with pytest.raises(InputError, match=r"has changed since it was recorded: run .*--record"):
        record.load([dataclasses.replace(entry, **change)])  # type: ignore[arg-type] # one of each


def test_an_entry_that_is_new_must_be_recorded() -> None:
    with pytest.raises(InputError, match=r"is not recorded: run .*--record"):
        record.load([dataclasses.replace(CATALOGUE.bugs[0], name="new")])


def test_what_is_recorded_is_kept_beside_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "record.json"
    first, second, *_ = CATALOGUE.bugs
    said = {(bug, dtype): RECORD[bug, dtype] for bug in (first, second) for dtype in DTYPES}
    record.save(dict(list(said.items())[:2]), [first, second], file)
    record.save(dict(list(said.items())[2:]), [first, second], file)
    assert record.load([first, second], file) == said
    nowhere = dataclasses.replace(said[first, "float64"], ratio=float("nan"))
    record.save({(first, dtype): nowhere for dtype in DTYPES}, [first], file)
    assert str(record.load([first], file)[first, "float64"].ratio) == "nan"
    assert set(json.loads(file.read_text())) == {str(first)}


def test_a_sample_that_is_planted_again_is_told_apart_as_recorded(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCKSTEP_CACHE", environment["LOCKSTEP_CACHE"])
    sample = [entry for entry in ENTRIES if str(entry) in SAMPLE]
    assert len(sample) == len(SAMPLE)
    said = outcomes.run(sample)
    for (entry, dtype), outcome in said.items():
        kept = RECORD[entry, dtype]
        where = ("verdict", "rung", "step", "tensor", "cause", "error")
        for name in where:
            assert getattr(outcome, name) == getattr(kept, name), (str(entry), dtype, name)
        # Another machine rounds otherwise: a ratio of a mistake is of its order, one of rounding
        # alone no more than allowed.
        if kept.verdict == "disagree":
            assert kept.ratio / 3 < outcome.ratio < kept.ratio * 3, (str(entry), dtype)


def test_every_cause_has_one_theme_and_a_reason() -> None:
    causes = [cause for _, own in THEMES.values() for cause in own]
    assert len(causes) == len(set(causes))
    used = {cause for bug in (*CATALOGUE.bugs, *IN_EXAMPLES.bugs) for cause in bug.causes}
    assert used == set(causes) == set(REASONS)


def text_of(line: shown.Line) -> str:
    """Return a line of a page without its markup."""
    return html.unescape(re.sub(r"<[^>]+>", "", line.html))


def test_a_change_is_shown_as_it_is_planted() -> None:
    for trap in shown.traps():
        real = catalogue.original(trap.entry).split("\n")
        lines = [line for hunk in trap.hunks for line in hunk]
        seen = [line.number for line in lines if line.number is not None]
        assert seen == sorted(set(seen))
        assert bool(seen) is (trap.entry.style is None)
        for line in lines:
            if line.number is not None:
                assert text_of(line) == real[line.number - 1]
        planted = catalogue.changed(trap.entry).split("\n")
        for line in lines:
            if line.kind != "real":
                assert text_of(line) in planted
        gone = [text_of(line) for line in lines if line.kind == "real"]
        new = [text_of(line) for line in lines if line.kind == "changed"]
        assert Counter(planted) - Counter(real) == Counter(new) - Counter(gone)
        assert Counter(real) - Counter(planted) == Counter(gone) - Counter(new)
        if trap.entry.style is None:
            assert trap.line in [line.number for line in lines if line.kind == "real"] or not gone


def test_every_trap_is_on_its_page(guide_folder: Path) -> None:
    pages = {name: (guide_folder / f"{name}.html").read_text() for name in ("traps", "variations")}
    bugs = (*CATALOGUE.bugs, *IN_EXAMPLES.bugs)
    variations = (*CATALOGUE.variations, *IN_EXAMPLES.variations)
    for name, entries in (("traps", bugs), ("variations", variations)):
        assert pages[name].count('<details class="trap"') == len(entries)
        for entry in entries:
            assert pages[name].count(f'<details class="trap" id="{entry}"') == 1
    assert f"{len(bugs)} mistakes" in pages["traps"]
    assert f"{len(variations)} changes" in pages["variations"]
    bug = next(bug for bug in CATALOGUE.bugs if str(bug) == SAMPLE[0])
    start = pages["traps"].index(f'id="{bug}"')
    shown_of_it = pages["traps"][start : pages["traps"].index("</details>", start)]
    assert f"<q>{RECORD[bug, 'float64'].cause}</q>" in shown_of_it
    ratios = [f"{RECORD[bug, dtype].ratio:.2g}" for dtype in DTYPES]
    assert '<strong>float32 and float64</strong>: <span class="catch">caught' in shown_of_it
    assert f"at {' and '.join(ratios)} noise floors" in shown_of_it


def test_what_is_said_in_both_precisions_is_said_once() -> None:
    for trap in shown.traps():
        dtypes = [dtype for said in trap.said for dtype in said.outcomes]
        assert dtypes == list(trap.entry.dtypes if isinstance(trap.entry, Bug) else DTYPES)
        for said in trap.said:
            assert len({(o.verdict, o.rung, o.step, o.cause) for o in said.outcomes.values()}) == 1


@pytest.mark.parametrize(
    ("text", "heading"),
    [
        ("b is missing", "b is missing"),
        ("a tensor is transposed", "A tensor is transposed"),
        ("W1 is reshaped", "W1 is reshaped"),
        ("float32 in a float64 run", "float32 in a float64 run"),
        ("sum instead of mean", "Sum instead of mean"),
        ("x shuffled without y", "x shuffled without y"),
    ],
)
def test_no_tensor_is_written_in_capitals(text: str, heading: str) -> None:
    assert shown.heading(text) == heading


def test_titles_write_names_as_they_are_written() -> None:
    titles = {trap.title for trap in shown.traps()}
    assert {"Epsilon of Keras", "GELU by tanh", "Arrays shared with NumPy"} <= titles
    assert {"Learning rate off by 1e-5", "x shuffled without y", "NAdam"} <= titles


def test_what_mistakes_cost_is_kept_of_all_that_are_measured(tmp_path: Path) -> None:
    bugs = costs.measured(CATALOGUE.bugs)
    kept = costs.recall(bugs)
    assert [*kept] == bugs
    assert len(bugs) > 200
    costs.save({bug: kept[bug] for bug in bugs[:2]}, bugs[:2], tmp_path / "costs.json")
    assert costs.recall(bugs[:2], tmp_path / "costs.json") == {bug: kept[bug] for bug in bugs[:2]}
    with pytest.raises(InputError, match=r"is not measured: run python -m traps\.costs --net"):
        costs.recall(bugs[2:3], tmp_path / "costs.json")
    with pytest.raises(InputError, match="has changed since it was measured"):
        costs.recall([dataclasses.replace(bugs[0], steps=61)], tmp_path / "costs.json")


def test_a_sample_costs_what_is_kept(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LOCKSTEP_CACHE", environment["LOCKSTEP_CACHE"])
    sample = [bug for bug in CATALOGUE.bugs if str(bug) in COSTING]
    measured = dict(costs.run(sample))
    assert {str(bug) for bug in measured} == set(COSTING)
    costs.save(measured, sample, tmp_path / "costs.json")  # with as many digits
    assert costs.recall(sample, tmp_path / "costs.json") == costs.recall(sample)


def test_a_trap_is_listed_in_the_section_that_it_changes() -> None:
    for trap in shown.traps():
        net = ports.net(trap.entry.net)
        section = net.section_at(trap.column, trap.line)
        own = [row.blocks.get(trap.column) for row in section.rows]
        assert any(b and b.start <= trap.line < b.start + len(b.lines) for b in own), trap.entry
