"""README, CONTRIBUTING and docs: what they show is printed, and what they name exists."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from compare import compare as command
from guide import traps as guide_traps
from guide.__main__ import main as build_guide
from parity.reports.endings import STATUS, UNUSABLE_INPUT
from shared.recipes import FUNCTIONS, RECIPES, is_spread
from tests.running import ROOT, Compare, Run
from traps import record, score
from traps.catalogue import load, load_examples

README, OWN_PORT = ROOT / "README.md", ROOT / "docs" / "your-port.md"
AGREE = ROOT / "docs" / "assert-agree.md"
PAGES = (README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
TEXT = {page: page.read_text() for page in PAGES}
NAMES = [page.name for page in PAGES]
LINES = 160  # of the README, which is read in one go
LINE = "weight -= learning_rate * weight.grad\n"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
ROW = re.compile(r"^(\S+ +float\d\d +\w+) +(\d\S*) (.*)$", re.MULTILINE)  # of a table of verdicts
COMMAND = "planar --steps 1000 --frameworks numpy,torch --with my_port.py"
# Options besides those of compare.py.
OTHERS = {"--help", "--record", "--net", "--name", "--host", "--nthreads", "--nworkers"}


def blocks(page: Path, language: str = "") -> list[str]:
    """Return the fenced blocks of a page in a language."""
    return [text for tag, text in BLOCK.findall(TEXT[page]) if tag == language]


def block(page: Path, beginning: str, language: str = "") -> str:
    """Return the only block of a page that begins so."""
    (found,) = (text for text in blocks(page, language) if text.startswith(beginning))
    return found


WRONG = block(OWN_PORT, '"""The planar classifier my way', "python")
FIXED = WRONG.replace(LINE, f"{LINE}{' ' * 16}weight.grad = None\n")


# What is there


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_and_picture_exists(page: Path) -> None:
    links = [link for link in LINK.findall(prose(page)) if "://" not in link]
    assert links
    for link in links:
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        if anchor:
            assert anchor in anchors(target), link


def test_every_page_and_picture_is_linked() -> None:
    linked = {
        (page.parent / link.partition("#")[0]).resolve()
        for page in PAGES
        for link in LINK.findall(TEXT[page])
    }
    assert set((ROOT / "docs").iterdir()) <= linked
    assert set(PAGES) - {README} <= {
        (ROOT / link.partition("#")[0]).resolve() for link in LINK.findall(TEXT[README])
    }


def prose(page: Path) -> str:
    """Return a page without its blocks."""
    return BLOCK.sub("", TEXT[page])


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_the_readme_is_short() -> None:
    assert len(TEXT[README].splitlines()) <= LINES


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_file_option_and_target_named_exists(page: Path) -> None:
    code = [*re.findall(r"`([^`\n]+)`", prose(page)), *blocks(page)]
    for path in re.findall(r"(?<![\w/.])[\w.]+/[\w./]+\.(?:py|toml|json)\b", " ".join(code)):
        made = path.startswith(("out/", "path/"))
        assert made or (ROOT / path).exists(), path
    of_ours = (*command.params, *build_guide.params)
    options = {
        name for parameter in of_ours for name in (*parameter.opts, *parameter.secondary_opts)
    } | OTHERS
    for text in code:
        for option in re.findall(r"(?<![\w-])--[a-z]+(?:-[a-z]+)*", text):
            assert option in options, option
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for target in re.findall(r"^(?:\$ )?make ([a-z-]+)", "\n".join(code), re.MULTILINE):
        assert target in targets, target


def test_every_recipe_is_in_the_lessons() -> None:
    lessons = prose(ROOT / "docs" / "lessons.md")
    for recipe in RECIPES:
        if not re.fullmatch(r"planar-[2-4]", recipe):  # "planar-1 to planar-5"
            assert f"`{recipe}`" in lessons


def test_the_contract_names_every_function() -> None:
    named = re.findall(r"^(\w+)\(", block(OWN_PORT, "build("), re.MULTILINE)
    assert tuple(named) == FUNCTIONS
    shown = re.findall(r"^(\w+)\(", block(README, 'FRAMEWORK = "torch"'), re.MULTILINE)
    assert shown == [name for name in FUNCTIONS if name != "layers"]


@pytest.mark.parametrize("page", [README, ROOT / "docs" / "ci.md"], ids=["README", "ci"])
def test_the_exit_statuses_are_those_of_the_program(page: Path) -> None:
    rows = dict(re.findall(r"^\| (\d+) \| ([^|]+) \|$", prose(page), re.MULTILINE))
    assert rows[str(STATUS["agree"])].startswith("all results agree")
    assert rows[str(STATUS["disagree"])].startswith("some port disagrees")
    assert rows[str(STATUS["error"])].startswith("a port crashed")
    assert rows[str(UNUSABLE_INPUT)].startswith("unusable input")


def test_the_bugs_are_counted_as_recorded() -> None:
    catalogue = load()
    bugs, variations = catalogue.bugs, catalogue.variations
    examples = load_examples()
    recorded = record.load([*catalogue.entries, *examples.entries])
    evidence = ROOT / "docs" / "evidence.md"
    printed = block(evidence, "$ make bugs").splitlines()
    said = list(score.summary(bugs, variations, recorded))[:4]
    said += score.summary_of_examples(examples.bugs, examples.variations, recorded)[:4]
    assert printed[printed.index("...", 2) + 1 :] == [*said, "..."]
    assert f"of {len(bugs)} translation mistakes" in TEXT[evidence]
    assert f"plants {len(variations)} changes" in TEXT[evidence]
    assert f"{len(bugs)} planted bugs" in TEXT[README]
    spread = [bug for bug in bugs if is_spread(bug.net)]
    sourced = sum(bug.source is not None for bug in spread)
    spread_over = "in ports [over several workers](your-port.md#over-several-workers)"
    counted = f"{len(spread)} of the mistakes are {spread_over}, {sourced} of them"
    assert counted in TEXT[evidence]


def test_what_bugs_cost_is_counted() -> None:
    few, known = guide_traps.unseen(guide_traps.traps())
    text = " ".join(TEXT[ROOT / "docs" / "evidence.md"].split())
    assert f"Of {known} mistakes whose port trains" in text
    assert f"{few} change its accuracy by less than half a percentage point" in text


def test_the_bugs_in_examples_are_counted() -> None:
    bugs = load_examples().bugs
    evidence = TEXT[ROOT / "docs" / "evidence.md"]
    sourced = sum(bug.source is not None for bug in bugs)
    assert f"{len(bugs)} mistakes, {sourced} of them as somebody reports them" in evidence
    assert f"{len(load_examples().variations)} changes that\nleave the examples" in evidence
    assert f"{score.PLACED:.0%}".replace("%", " % are in the right") in evidence
    assert f"{score.NAMED_IN_EXAMPLES:.0%}".replace("%", " % are named") in evidence


# What is printed


@pytest.fixture(scope="module")
def judged(compare: Compare, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run]:
    """The wrong port, judged with all that the pages show of it, and the folder that it is in."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "my_port.py").write_text(WRONG)
    options = f"--repro {folder}/out --junit {folder}/junit.xml"
    asked = COMMAND.replace("my_port.py", f"{folder}/my_port.py")
    return folder, compare(*asked.split(), *options.split())


@pytest.mark.parametrize("page", [README, OWN_PORT], ids=["README", "your-port"])
def test_the_wrong_port_is_judged_as_shown(page: Path, judged: tuple[Path, Run]) -> None:
    _, run = judged
    assert run.status == STATUS["disagree"]
    assert run.result("my_port.py", "float64")["diagnosis"]["cause"] == "gradients accumulate"
    printed = re.sub(r"^reproduce with: .*\n", "", run.stdout, flags=re.MULTILINE)
    is_printed(block(page, f"$ python compare.py {COMMAND}\n"), printed)


def test_the_loop_in_the_readme_is_that_of_the_port() -> None:
    (loop,) = blocks(README, "python")
    assert loop in WRONG


def test_the_fixed_port_agrees_as_shown(compare: Compare, tmp_path: Path) -> None:
    assert WRONG.count(LINE) == 1
    port = tmp_path / "my_port.py"
    port.write_text(FIXED)
    run = compare(*COMMAND.replace("my_port.py", str(port)).split())
    assert run.status == 0
    is_printed(block(OWN_PORT, "my_port.py float32 agree"), run.stdout)


def test_a_quick_look_prints_what_the_readme_shows(compare: Compare) -> None:
    run = compare("planar", "--quick")
    assert run.status == 0
    is_printed(block(README, "$ python compare.py planar --quick\n"), run.stdout)


def test_the_script_is_as_shown(judged: tuple[Path, Run]) -> None:
    folder, run = judged
    shown = block(OWN_PORT, "$ python compare.py planar --steps 1000 --frameworks numpy --with")
    compared, ended, ran = re.split(r"\n\n(?=\$ )", shown)
    is_printed(compared, run.stdout.replace(f"{folder}/", ""))
    script = folder / "out" / "planar-my_port-float64.py"
    lines = ended.splitlines()[1:]
    assert script.read_text().splitlines()[-len(lines) :] == lines
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    is_printed("\n".join(ran.splitlines()[:-1]), done.stdout)
    assert done.returncode == int(ran.splitlines()[-1])


def test_a_baseline_is_held_to_as_shown(
    compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = tmp_path / "my_port.py"
    port.write_text(FIXED)
    monkeypatch.chdir(tmp_path)
    ci = ROOT / "docs" / "ci.md"
    saved, held = (
        block(ci, f"$ {beginning}python compare.py planar --steps 100")
        for beginning in ("", "ATEN_CPU_CAPABILITY=default ")
    )
    run = compare(*asked(saved))
    assert run.status == 0, run.stderr
    is_printed(told(saved), run.stdout)
    port.write_text(WRONG)
    run = compare(*asked(held), "--annotations", "marks", ATEN_CPU_CAPABILITY="default")
    assert run.status == STATUS["disagree"]
    # Which kernels PyTorch has depends on the processor, and so do last bits.
    varying = r"of \d+-\d+-\d+ \d+:\d+ UTC|^torch +planar .*\n|(?<=float64 moved) +\d.*"
    other = re.compile(varying, re.MULTILINE)
    is_printed(other.sub("", told(held)), other.sub("", run.stdout))
    is_printed(block(ci, "::error "), (tmp_path / "marks").read_text())


def asked(shown: str) -> list[str]:
    """Return the options of the command that a block begins with."""
    command = shown.partition("\n...\n")[0].replace("\\\n", " ")
    return command.partition("compare.py ")[2].split()


def told(shown: str) -> str:
    """Return what a block says that its command prints."""
    return shown.partition("\n...\n")[2]


def test_junit_is_as_shown(judged: tuple[Path, Run]) -> None:
    folder, _ = judged
    (shown,) = blocks(ROOT / "docs" / "ci.md", "xml")
    is_printed(shown, (folder / "junit.xml").read_text())


def test_a_failing_assertion_is_as_shown(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCKSTEP_CACHE", environment["LOCKSTEP_CACHE"])
    (tmp_path / "my_port.py").write_text(WRONG)
    example = next(text for text in blocks(OWN_PORT, "python") if "assert_parity" in text)
    example_test = {"__file__": str(tmp_path / "test_mine.py")}
    exec(example, example_test)
    with pytest.raises(AssertionError) as failed:
        example_test["test_my_port"]()  # type: ignore[operator] # the example defines it
    shown = block(OWN_PORT, ">       assert_parity(")
    first, *rest = shown.splitlines()
    assert first.lstrip("> ") in example
    shown = "\n".join(line.removeprefix("E").removeprefix(" " * 7) for line in rest)
    is_printed(shown.removeprefix("AssertionError: "), str(failed.value))


def test_functions_that_disagree_are_as_shown(tmp_path: Path) -> None:
    (example,) = blocks(AGREE, "python")
    with_fixture = example.replace("test_ported()", "test_ported(agree)").replace(
        "  assert_a", "  a"
    )
    (tmp_path / "test_example.py").write_text(example)
    (tmp_path / "test_mine.py").write_text(with_fixture)
    exact = "jax.nn.gelu(..., approximate=False)"
    assert exact in TEXT[AGREE]
    fixed = re.sub(r"(jax\.nn\.gelu\(.*)\)", r"\1, approximate=False)", example)
    (tmp_path / "test_fixed.py").write_text(fixed)
    variables = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT), "COLUMNS": "80"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "lockstep.pytest_plugin", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "2 failed, 1 passed" in done.stdout, done.stdout
    is_printed(block(AGREE, ">       assert_agree("), done.stdout)
    heading, line = block(AGREE, "=====").splitlines()
    summary = done.stdout.partition(heading)[2].splitlines()
    assert summary[1].split()[1:] == line.split()[1:]


def is_printed(shown: str, printed: str) -> None:
    """Assert that all of a block is printed, but for commands and what "..." stands for."""
    said = comparable(printed)
    for part in re.split(r"^(?:\.\.\.|\$ .*|)$", shown, flags=re.MULTILINE):
        for line in part.splitlines() if ROW.search(part) else [part]:
            assert comparable(line) in said, line


def comparable(text: str) -> str:
    """Leave out of a text how it is wrapped, and what depends on the processor and its load."""
    text = " ".join(ROW.sub(row, text).split())
    text = re.sub(r"ratio (of )?[\d.]+(e[+-]?\d+)?(, was [\d.e+]+)?", "ratio ...", text)
    text = re.sub(r"compared in [\d.]+ s|time=\"[\d.]+\"", "...", text)
    return re.sub(r"\d\.\d{12,}", lambda number: f"{float(number[0]):.12f}", text)


def row(found: re.Match[str]) -> str:
    """Return what a row of a table says that does not depend on the processor."""
    port, loss, rest = found[1], float(found[2]), found[3].split()
    return f"{port} {loss:.3f} {rest[0]} {rest[-2]}"
