"""Reports for people and for CI servers: all of the same results, none broken by what ports say."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from markdown_it import MarkdownIt

from parity.reports import markdown
from parity.reports.html.pool import Pool, script_json, short
from parity.reports.run import FinishedRun
from shared.legible import legible
from tests.reported import IMAGE, PERCENT, Reported, compared, options, write_ports
from tests.running import ROOT, Compare

STEPWISE = ("forward", "loss", "gradients", "update")


class Tags(HTMLParser):
    """All elements of a page, and the text outside scripts and styles."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if not self.found or self.found[-1][0] not in ("script", "style"):
            self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


@pytest.fixture(scope="module")
def page(reported: Reported) -> Tags:
    return Tags(reported.html.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def mistaken(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """A comparison in this process, with hostile ports."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCKSTEP_CACHE", environment["LOCKSTEP_CACHE"])
        return compared(tmp_path_factory.mktemp("mistaken"))


def chart_data(reported: Reported) -> dict[str, Any]:
    source = reported.html.read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', source, re.S)
    assert found
    return dict(json.loads(found[1]))


def wrong(reported: Reported) -> list[dict[str, Any]]:
    return [result for result in reported.run.report["results"] if result["verdict"] != "agree"]


def test_ratios_by_step_are_those_of_the_rungs(reported: Reported) -> None:
    held = 0
    for result in reported.run.report["results"]:
        for rung in result["rungs"]:
            if rung["rung"] in STEPWISE and rung["compared"]:
                ratios = [r["ratio"] for r in result["ratios"] if r["rung"] == rung["rung"]]
                assert max(map(float, ratios)) == float(rung["ratio"])
                held += 1
    assert held > 50


def test_confusions_count_all_rows_and_the_right_ones(reported: Reported) -> None:
    seen = set()
    for result in reported.run.report["results"]:
        if result["confusion"]:
            split, counts = result["confusion"]["split"], result["confusion"]["counts"]
            rows = sum(map(sum, counts))
            right = sum(row[number] for number, row in enumerate(counts))
            assert right / rows == result["accuracy"][split]
            seen.add((result["recipe"], split, rows))
    assert seen == {("iris", "train", 150), ("planar-1", "train", 400), ("mnist", "test", 397)}


def test_the_page_loads_nothing_and_runs_its_own_scripts_alone(page: Tags) -> None:
    assert [attributes.get("src") for attributes in page.all("script")] == [None, None, None]
    assert page.all("link") == []
    sources = [attributes["src"] or "" for attributes in page.all("img")]
    assert sources
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    handlers = [name for _, attributes in page.found for name in attributes if name[:2] == "on"]
    assert handlers == []
    assert all((a.get("href") or "#").startswith("#") for a in page.all("a"))
    [policy] = [a["content"] for a in page.all("meta") if "http-equiv" in a]
    assert policy
    assert "default-src 'none'" in policy
    assert policy.count("sha256-") == 2


def test_the_page_shows_what_ports_say_as_text(page: Tags, reported: Reported) -> None:
    assert IMAGE in page.words
    assert PERCENT in page.words
    assert "</script><script>alert(2)</script> <!-- | `x`" in page.words
    assert "\0" not in page.words
    names = chart_data(reported)["ports"]
    assert {IMAGE, PERCENT} < set(names)
    assert "<b>" in page.words


def test_the_page_has_every_verdict_and_every_disagreement(page: Tags, reported: Reported) -> None:
    results = reported.run.report["results"]
    anchors = [a.get("id") for a in page.all("tr") if a.get("id")]
    assert anchors == [f"result-{number}" for number in range(len(results))]
    links = [a["href"] for a in page.all("a")]
    assert {f"#{anchor}" for anchor in anchors} < set(links)
    ids = {a["id"] for _, a in page.found if a.get("id")}
    assert {link[1:] for link in links if link} <= ids
    articles = [a for a in page.all("article") if a.get("class") == "finding"]
    assert len(articles) == len(wrong(reported)) > 10
    for result in wrong(reported):
        if result["diagnosis"]:
            assert legible(result["diagnosis"]["cause"]) in page.words
    assert reported.run.stdout.splitlines()[-1].partition(";")[0] in page.words


def test_stand_in_data_is_named_loudly_everywhere(page: Tags, reported: Reported) -> None:
    assert page.words.count("STAND-IN DATA") >= 3  # at the top, in the effort, and at the recipe
    assert "**STAND-IN DATA:**" in reported.markdown.read_text(encoding="utf-8")
    assert "stand-in data" in reported.junit.read_text(encoding="utf-8")


def test_the_worst_ratio_of_each_result_is_among_the_points(reported: Reported) -> None:
    data = chart_data(reported)
    drawn = {value for array in data["arrays"] for value in array if value is not None}
    for result in reported.run.report["results"]:
        for rung in result["rungs"]:
            if rung["rung"] in STEPWISE and rung["compared"] and result["recipe"] == "iris":
                assert short(rung["ratio"], 3) in drawn, rung


def test_json_in_a_script_holds_nothing_of_html() -> None:
    text = script_json(["</script>", "<!--", "&lt;", "\u2028", "\u2029"])
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(text) == ["</script>", "<!--", "&lt;", "\u2028", "\u2029"]


def test_no_array_is_written_twice() -> None:
    pool = Pool()
    assert [pool.add([1, 2]), pool.add(["a"]), pool.add([1, 2])] == [0, 1, 0]
    assert pool.arrays == [[1, 2], ["a"]]
    assert [short(value, 3) for value in (0.0123456, 1234.5, float("nan"), float("-inf"))] == [
        *(0.0123, 1230, "nan", "-inf")
    ]


def rendered(source: str) -> Tags:
    """Return Markdown as a server that lets HTML through shows it."""
    return Tags(MarkdownIt("commonmark", {"html": True}).enable("table").render(source))


def test_markdown_shows_what_ports_say_as_text(reported: Reported) -> None:
    shown = rendered(reported.markdown.read_text(encoding="utf-8"))
    assert not {"img", "script", "b", "a"} & {tag for tag, _ in shown.found}
    assert IMAGE in shown.words
    assert PERCENT in shown.words
    assert "</script><script>alert(2)</script> <!-- | `x` [a](javascript:alert(3))" in shown.words
    assert len(shown.all("details")) == len(shown.all("summary")) == len(wrong(reported))
    assert "looks like" in shown.words.lower()


def test_markdown_says_what_is_wrong_first_and_why_before_it_is_unfolded(
    reported: Reported,
) -> None:
    source = reported.markdown.read_text(encoding="utf-8")
    assert source.rindex("</details>") < source.index("| recipe |")
    summaries = [rendered(line).words for line in re.findall(r"<summary>.*</summary>", source)]
    explained = [result for result in wrong(reported) if result["diagnosis"]]
    assert explained
    for result in explained:
        cause = legible(result["diagnosis"]["cause"])
        assert any(cause in summary and result["dtype"] in summary for summary in summaries)
    (heading,) = {line for line in source.splitlines() if line.startswith("| recipe |")}
    assert heading.index("doubled") < heading.index("<code>numpy</code>")


def test_markdown_has_a_table_of_all_verdicts(reported: Reported) -> None:
    source = reported.markdown.read_text(encoding="utf-8")
    rows = [line for line in source.splitlines() if line.startswith("| recipe")]
    ports = {result["port"] for result in reported.run.report["results"]}
    assert rows[0].count("|") == len(ports) + 2
    table = rendered("\n".join(source.partition("| recipe")[1:]).replace("\n recipe", " recipe"))
    assert table.words.count("float32") >= len(reported.run.report["results"]) / 2
    for recipe in ("iris", "planar-1", "mnist"):
        [row] = [line for line in source.splitlines() if line.startswith(f"| {recipe} |")]
        assert row.count("|") == len(ports) + 2


@pytest.mark.parametrize(
    "text",
    ["a|b", "<b>", "`x`", "*x*", "_x_", "[a](b)", "![a](b)", "# x", "~~x~~", "&lt;", "\\|", "$x$"],
)
def test_escaped_markdown_is_the_text_itself(text: str) -> None:
    source = f"| {markdown.escape(text)} | end |\n| --- | --- |\n| {markdown.escape(text)} | end |"
    shown = rendered(source)
    assert [tag for tag, _ in shown.found] == [
        "table",
        "thead",
        *["tr", "th", "th", "tbody", "tr", "td", "td"],
    ]
    assert "".join(shown.text).split("\n").count(text) == 2


def test_markdown_is_cut_where_it_grows_too_long(
    reported: Reported, monkeypatch: pytest.MonkeyPatch, mistaken: FinishedRun
) -> None:
    whole = markdown.to_markdown(mistaken)
    monkeypatch.setattr(markdown, "MOST_BYTES", len(whole.encode()) // 2)
    cut = markdown.to_markdown(mistaken)
    assert len(cut.encode()) < len(whole.encode()) // 2 + 100
    [said] = re.findall(r"Left out for its length: what is wrong with (\d+) more\.", cut)
    assert cut.count("<details>") + int(said) == whole.count("<details>")
    assert cut.count("<details>") == cut.count("</details>")


def test_junit_has_a_case_for_each_result(reported: Reported) -> None:
    root = ElementTree.parse(reported.junit).getroot()
    results = reported.run.report["results"]
    assert root.tag == "testsuites"
    cases = root.findall("testsuite/testcase")
    assert [(case.get("classname"), case.get("name")) for case in cases] == [
        (f"lockstep.{r['recipe']}", legible(f"{r['port']} {r['dtype']} compiled")) for r in results
    ]
    kinds = {"agree": None, "disagree": "failure", "error": "error"}
    for case, result in zip(cases, results, strict=True):
        assert float(case.get("time", "")) >= 0
        found = [child.tag for child in case if child.tag in ("failure", "error")]
        assert found == ([kinds[result["verdict"]]] if kinds[result["verdict"]] else [])
        for child in case.findall("failure") + case.findall("error"):
            assert child.get("message")
            assert child.get("type")
            cause = result["diagnosis"] and result["diagnosis"]["cause"]
            assert (cause or "") in (child.text or "")


# Of the schema that Jenkins publishes, junit-10.xsd: each element's attributes, those it must have
# marked, and what may stand in it, in this order.
COUNTS = ("name!", "tests", "failures", "errors", "time", "disabled")
JUNIT: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "testsuites": (("name", *COUNTS[1:]), ("testsuite",)),
    "testsuite": (
        (*COUNTS, "skipped", "timestamp", "hostname", "id", "package"),
        ("properties", "testcase", "system-out", "system-err"),
    ),
    "properties": ((), ("property",)),
    "property": (("name!", "value!"), ()),
    "testcase": (
        ("name!", "classname!", "time", "assertions", "status"),
        ("skipped", "error", "failure", "system-out", "system-err"),
    ),
    "failure": (("message", "type"), ()),
    "error": (("message", "type"), ()),
    "system-out": ((), ()),
    "system-err": ((), ()),
}
REPEATED = {"testsuite", "testcase", "property"}


def test_junit_is_as_its_schema_has_it(reported: Reported) -> None:
    root = ElementTree.parse(reported.junit).getroot()
    seen = set()
    for element in root.iter():
        attributes, children = JUNIT[element.tag]
        assert set(element.attrib) <= {name.rstrip("!") for name in attributes}, element.tag
        assert {name[:-1] for name in attributes if name[-1] == "!"} <= set(element.attrib)
        inside = [child.tag for child in element]
        assert inside == sorted(inside, key=children.index)
        assert all(inside.count(tag) == 1 or tag in REPEATED for tag in inside)
        for name in {"tests", "failures", "errors", "disabled", "skipped"} & set(element.attrib):
            assert int(element.attrib[name]) >= 0
        seen.add(element.tag)
    assert root.tag == "testsuites"
    assert seen == set(JUNIT)


def test_junit_counts_its_cases(reported: Reported) -> None:
    root = ElementTree.parse(reported.junit).getroot()
    for suite in [root, *root.findall("testsuite")]:
        cases = list(suite.iter("testcase"))
        assert int(suite.get("tests", "")) == len(cases) > 0
        assert int(suite.get("failures", "")) == sum(c.find("failure") is not None for c in cases)
        assert int(suite.get("errors", "")) == sum(c.find("error") is not None for c in cases)
        times = sum(float(case.get("time", "")) for case in cases)
        assert suite.get("time") == f"{times:.3f}"
    assert [suite.get("name") for suite in root] == ["iris", "planar-1", "mnist"]
    for suite in root:
        assert suite[0].tag == "properties"  # servers want them first
        properties = {p.get("name"): p.get("value") for p in suite[0]}
        assert properties["python"]
        assert "--steps 60" in (properties["options"] or "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--html", "no/such/report.html"], "no/such/report.html cannot be written"),
        (["--markdown", "no/such/report.md"], "no/such/report.md cannot be written"),
        (["--junit", "no/such/report.xml"], "no/such/report.xml cannot be written"),
        (["--html", "."], ". is a folder: name a file to write to"),
        (["--pictures", "/dev/null/drawn"], "/dev/null/drawn cannot be written to"),
        (["--html", "-"], "--html is -, but only --json, --markdown and --annotations can be"),
        (["--markdown", "-", "--json", "-"], "--json and --markdown are both standard output"),
        (["--html", "one.html", "--junit", "./one.html"], "--html and --junit are both"),
    ],
)
def test_a_report_that_cannot_be_written(
    environment: dict[str, str], tmp_path: Path, arguments: list[str], words: str
) -> None:
    command = [sys.executable, str(ROOT / "compare.py"), "iris", *arguments]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []  # it was found before the work


REPORTS = ("contourpy", "jinja2", "markupsafe", "matplotlib", "PIL", "plotly", "pygments")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PYTHONPATH under which the packages of the extra `reports` are not to be found."""
    folder = tmp_path_factory.mktemp("bare")
    (folder / "sitecustomize.py").write_text(
        "from importlib.machinery import PathFinder\n"
        "find = PathFinder.find_spec\n"
        "def hide(name, path=None, target=None):\n"
        f"    hidden = name.partition('.')[0] in {REPORTS}\n"
        "    return None if hidden else find(name, path, target)\n"
        "PathFinder.find_spec = staticmethod(hide)\n"
    )
    return str(folder)


def test_without_the_packages_of_reports_a_comparison_is_complete(
    compare: Compare, tmp_path: Path, bare: str
) -> None:
    files = [f"--with={path}" for path in write_ports(tmp_path)]
    others = ("--markdown", tmp_path / "a.md", "--junit", tmp_path / "a.xml")
    told = ("iris", "--steps", 3, "--frameworks", "numpy", *files, *others)
    run = compare(*told, "--repro", tmp_path / "repro", "--profile", PYTHONPATH=bare)
    assert run.status == 3, run.stderr
    assert "doubled.py float64 differs first" in run.stdout
    assert run.result("numpy", "float64")["verdict"] == "agree"
    assert "## Lockstep" in (tmp_path / "a.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "needs"),
    [
        (["--html", "a.html"], "contourpy, jinja2, markupsafe, pillow and plotly, which are"),
        (["--pictures", "drawn"], "matplotlib, which is"),
        (["--source", "iris"], "markupsafe and pygments, which are"),
        ([], "jinja2, markupsafe and pygments, which are"),
    ],
)
def test_an_output_that_needs_them_says_what_to_install(
    environment: dict[str, str], tmp_path: Path, bare: str, arguments: list[str], needs: str
) -> None:
    program = [str(ROOT / "compare.py"), "iris", *arguments] if arguments else ["-m", "guide"]
    done = subprocess.run(
        [sys.executable, *program],
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": f"{bare}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = f'{needs} not installed: run pip install "lockstep[reports]"\n'
    name = arguments[0] if arguments else "the guide"
    who = "compare.py" if arguments else "python -m guide"
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"{who}: {name} needs {said}"
    assert list(tmp_path.iterdir()) == []


def test_markdown_on_standard_output(environment: dict[str, str]) -> None:
    command = [sys.executable, str(ROOT / "compare.py"), "gates", "--frameworks", "numpy"]
    done = subprocess.run(
        [*command, "--markdown", "-", "--quiet"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("## Lockstep: All 2 results agree\n")
    assert done.stdout.count("| gates |") == 1


def test_what_trains_nothing_or_one_step_is_reported_too(compare: Compare, tmp_path: Path) -> None:
    run = compare(
        *("gates", "iris-forward", "perceptron-and", "--steps", 1, "--mode", "both", "--quiet"),
        *("--frameworks", "numpy,jax", *options(tmp_path)),
    )
    assert run.status == 0, run.stderr
    page = Tags((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert len([a for a in page.all("tr") if a.get("id")]) == len(run.report["results"]) == 18
    cases = list(ElementTree.parse(tmp_path / "report.xml").iter("testcase"))
    assert len({(case.get("classname"), case.get("name")) for case in cases}) == 18
    assert run.stdout.count("\n") == 1
