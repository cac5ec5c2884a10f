"""Other ways to write a net: those of the benchmarks, at the cost that docs/speed.md shows."""

import re
from pathlib import Path

import pytest

from guide import idioms
from shared.errors import InputError
from tests.running import ROOT

TABLE = """These lines were measured on 2001-02-03.

$ make bench
planar, 10,000 steps
contender             kind  µs per step      quartiles first call s at budget s to numpy
torch: by hand        idiom    1,000.0 90.0 - 1,100.0  2.91 (3,000)        4.38     1.82
torch: port           port       500.0   450.0 - 547.2         3.62        5.32     5.28
and these measured on 2001-02-04:
mnist, 5,500 steps
sklearn: MLPClassifier peer      800.0   661.8 - 827.2   0.37 (550)        4.29     3.02
numpy: port           port       200.0   190.8 - 275.5         1.14        1.40     1.00
"""


def test_each_idiom_has_its_cost_as_a_ratio_to_its_port(tmp_path: Path) -> None:
    file = tmp_path / "speed.md"
    file.write_text(TABLE)
    known = idioms.load(file)
    assert known.dates == {"planar": "2001-02-03", "mnist": "2001-02-04"}
    ratios = {
        (net, idiom.name): (ratio, cost and (cost.first, cost.steps))
        for net in idioms.NETS
        for idiom, cost, ratio in known.of(net)
    }
    assert ratios["planar", "by hand"] == (2.0, (2.91, "3,000"))
    assert ratios["mnist", "MLPClassifier"] == (4.0, (0.37, "550"))
    assert ratios["mnist", "by hand"] == (None, None)
    assert ("iris", "MLPClassifier") not in ratios
    assert known.of("gates") == []
    for text in ("no table, measured on 2001-02-03", TABLE.replace("measured on", "of")):
        file.write_text(text)
        with pytest.raises(InputError, match="shows no table"):
            idioms.load(file)


def test_all_that_the_docs_show_of_the_benchmarks_is_read() -> None:
    known = idioms.load()
    lines = re.findall(r"^(\w+: .+?) +(?:port|idiom|peer|floor) ", idioms.RECORD.read_text(), re.M)
    assert len(lines) == len(known.costs) > 30
    assert {who for _, who in known.costs} == set(lines)
    assert [idiom.name for idiom, cost, _ in known.of("iris") if cost is None] == []
    for idiom in known.all:
        source = (ROOT / idiom.file).read_text().splitlines()
        assert idiom.code.splitlines()[0] == source[idiom.start - 1]


def test_each_idiom_must_say_when_and_no_other_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = idioms.WHEN.read_text()
    monkeypatch.setattr(idioms, "WHEN", tmp_path / "idioms.toml")
    idioms.WHEN.write_text(said.replace('"by hand"', '"by feet"'))
    with pytest.raises(InputError, match="does not say when to choose 'by hand' of torch"):
        idioms.load()
    idioms.WHEN.write_text(f'{said}\n"by feet" = "Never."\n')
    with pytest.raises(InputError, match="has 'by feet', which is no idiom of torch"):
        idioms.load()


def test_they_stand_on_the_pages_of_their_nets(guide_folder: Path) -> None:
    page = (guide_folder / "mnist.html").read_text()
    section = page[page.index('id="other-ways"') :]
    known = idioms.load()
    for idiom, cost, ratio in known.of("mnist"):
        assert f": {idiom.name}</h3>" in section.replace("&#39;", "'")
        if cost and ratio:
            assert f"{cost.micros:,.0f} µs per step" in section
    assert f"measured on {known.dates['mnist']}" in section
    assert 'id="other-ways"' not in (guide_folder / "gates.html").read_text()
