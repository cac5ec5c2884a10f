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
from traps import catalogue, outcomes, record
from traps.catalogue import Bug, Change, Entry
from traps.record import judge
from traps.themes import THEMES, theme_of

CATALOGUE = catalogue.load()
IN_EXAMPLES = catalogue.load_examples()
ENTRIES = (*CATALOGUE.entries, *IN_EXAMPLES.entries)
RECORD = record.load(ENTRIES)
SAMPLE = [  # of one net, so that one run compares them
    "iris-torch-momentum",
    "iris-numpy-factor-two-missing",
    "iris-numpy-einsum",
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
    for variation in CATALOGUE.variations:
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


def test_every_cause_has_one_theme() -> None:
    causes = [cause for _, own in THEMES.values() for cause in own]
    assert len(causes) == len(set(causes))
    used = {cause for bug in CATALOGUE.bugs for cause in bug.causes}
    assert used == set(causes)
    for bug in CATALOGUE.bugs:
        assert theme_of(bug.causes[0]) in THEMES


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


def test_every_trap_is_on_the_page(guide_folder: Path) -> None:
    page = (guide_folder / "traps.html").read_text()
    for entry in ENTRIES:
        assert page.count(f'<article class="trap" id="{entry}"') == 1
    assert f"{len(CATALOGUE.bugs) + len(IN_EXAMPLES.bugs)} mistakes" in page
    right = len(CATALOGUE.variations) + len(IN_EXAMPLES.variations)
    assert f"{right} changes that look like mistakes" in page
    bug = next(bug for bug in CATALOGUE.bugs if str(bug) == SAMPLE[0])
    assert isinstance(bug, Bug)
    start = page.index(f'id="{bug}"')
    article = page[start : page.index("</article>", start)]
    assert f"<q>{RECORD[bug, 'float64'].cause}</q>" in article
    assert f"at {RECORD[bug, 'float64'].ratio:.2g} noise floors" in article


def test_a_trap_is_listed_in_the_section_that_it_changes() -> None:
    for trap in shown.traps():
        net = ports.net(trap.entry.net)
        section = net.section_at(trap.column, trap.line)
        own = [row.blocks.get(trap.column) for row in section.rows]
        assert any(b and b.start <= trap.line < b.start + len(b.lines) for b in own), trap.entry
