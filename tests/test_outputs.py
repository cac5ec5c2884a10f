"""What a comparison leaves: JSON, pictures, and files that are whole or not there."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from parity.contract import PortName
from parity.reports import terminal, wording
from parity.reports.as_json import to_json
from parity.reports.files import OutputFile, is_stdout
from parity.reports.outputs import Outputs
from parity.reports.pictures import losses
from parity.reports.plot_data import looks
from parity.reports.run import FinishedRun
from parity.results import Diagnosis, Divergence, KnownDifference, RungResult, Trial, overall
from parity.sessions.port_files import read_by
from parity.standard.comparison import Example
from parity.standard.place import Place
from shared.errors import InputError
from shared.experiment import prepare
from shared.recipes import RECIPES
from tests import forked
from tests.results import port_result
from tests.running import ROOT, Compare

OF_DIGITS = ("weights", "confusion")


def without_seconds(report: dict[str, Any]) -> str:
    for result in report["results"]:
        assert set(result.pop("seconds")) == {"import", "first_step", "train"}
    return json.dumps(report)


def test_a_quick_run_has_all_rungs(compare: Compare) -> None:
    run = compare("people", "signals", "--quick", "--frameworks", "numpy,jax")
    assert run.status == 0, run.stdout
    assert {result["steps"] for result in run.report["results"]} == {20, 0}
    rungs = [rung["rung"] for rung in run.result("jax", "float64", "people")["rungs"]]
    assert {"forward", "loss", "gradients", "update", "trajectory", "accuracy"} <= set(rungs)
    run = compare("people", "--quick", "--steps", 30, "--frameworks", "numpy")
    assert {result["steps"] for result in run.report["results"]} == {30}


def test_a_quick_run_says_how_many_rows_it_saw(compare: Compare, mnist_dir: Path) -> None:
    run = compare("mnist", "--quick", "--data-dir", mnist_dir, "--frameworks", "numpy")
    assert run.status == 0, run.stdout
    words = " ".join(run.stdout.split())
    seen = "training sees the first 5,000 of them; testing sees the first 5,000 of its 10,000"
    assert f"55,000 rows; {seen}" in words
    for split, figure in run.result("numpy", "float64", "mnist")["accuracy"].items():
        assert figure == round(5_000 * figure) / 5_000, split


def _peak_of_numpy() -> float:
    """Return the most MB that a process held which imported NumPy alone."""
    told = "import numpy; from parity.processes import memory; print(memory.peak())"
    found = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    return int(found.stdout) / 1e6


def test_a_process_does_not_count_what_its_parent_held() -> None:
    held = b"x" * 600_000_000
    assert len(held) / 1e6 > 2 * _peak_of_numpy() > 20


def test_a_profile_says_where_time_and_memory_went(compare: Compare) -> None:
    anew = {forked.TEMPLATE: ""}  # a copy imports nothing
    run = compare("iris", "--quick", "--fresh", "--profile", "--frameworks", "numpy,jax", **anew)
    assert run.status == 0, run.stdout
    table = run.stdout[run.stdout.index("seconds of") :].splitlines()
    rows = {line.split()[0]: line.split() for line in table[1:4]}
    assert set(rows) == {"jax", "numpy", "reference"}
    assert float(rows["jax"][1]) > 0  # its import
    for row in rows.values():  # no less than any process that imports NumPy, and counts itself
        assert _peak_of_numpy() <= float(row[-1].replace(",", "")) < 20_000
    assert max(map(len, table)) <= 100


def test_two_runs_give_the_same_json(compare: Compare, tmp_path: Path) -> None:
    arguments = ("planar", "--steps", 30, "--frameworks", "numpy,jax")
    cold, warm, cold_again = (
        compare(*arguments, LOCKSTEP_CACHE=str(tmp_path / cache)) for cache in ("a", "a", "b")
    )
    assert cold.status == 0
    texts = {without_seconds(run.report) for run in (cold, warm, cold_again)}
    assert len(texts) == 1


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (["agree"], "The only result agrees"),
        (["agree"] * 8, "All 8 results agree"),
        (["disagree", *["agree"] * 7], "1 of 8 results disagrees"),
        (["disagree"] * 2 + ["agree"] * 6, "2 of 8 results disagree"),
        (["disagree"] * 2 + ["error"] + ["agree"] * 5, "2 of 8 results disagree, 1 is in error"),
        (["error"] * 3 + ["agree"] * 5, "3 of 8 results are in error"),
    ],
)
def test_the_headline_counts_results(verdicts: list[str], said: str) -> None:
    assert wording.headline([port_result(verdict=verdict) for verdict in verdicts]) == said


IRIS = Trial(prepare("iris", "float32", 30), "compiled")
IN_DOUBLE = Trial(prepare("iris", "float64", 30), "compiled")
DESCENT, GATES, SIGNALS = (
    Trial(prepare(name, "float32", 30), "compiled") for name in ("descent", "gates", "signals")
)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ([], "All 4 results agree"),
        ([(IRIS, "my.py")], "my.py disagrees on iris in float32; 4 of 5 results agree"),
        (
            [(IRIS, "my.py"), (IN_DOUBLE, "my.py")],
            "my.py disagrees on iris; 4 of 6 results agree",
        ),
        (
            [(IRIS, "my.py"), (DESCENT, "my.py")],
            "my.py disagrees on iris and descent; 4 of 6 results agree",
        ),
        (
            [(IRIS, "a.py"), (IRIS, "b.py")],
            "a.py and b.py disagree on iris; 4 of 6 results agree",
        ),
        (
            [(IRIS, "a.py"), (DESCENT, "b.py")],
            "a.py disagrees on iris, b.py on descent; 4 of 6 results agree",
        ),
        (
            [(IRIS, name) for name in "abcd"],
            "4 ports disagree on iris; 4 of 8 results agree",
        ),
        (
            [(trial, "my.py") for trial in (IRIS, DESCENT, GATES, SIGNALS)],
            "my.py disagrees on 4 recipes; 4 of 8 results agree",
        ),
        (
            [*zip((IRIS, DESCENT, GATES, SIGNALS), "abcd", strict=True)],
            "4 ports disagree on 4 recipes; 4 of 8 results agree",
        ),
    ],
)
def test_the_title_says_who_and_where(wrong: list[tuple[Trial, str]], said: str) -> None:
    right = [port_result(), port_result(trial=IN_DOUBLE), port_result(trial=DESCENT)]
    right.append(port_result(trial=IN_DOUBLE, port="my.py" if len(wrong) == 1 else "jax"))
    failed = [port_result(trial=trial, port=port, verdict="disagree") for trial, port in wrong]
    assert wording.title([*right, *failed]) == said


def test_the_title_says_who_fails() -> None:
    one = [port_result(), port_result(port="my.py", verdict="error")]
    assert wording.title(one) == "my.py fails on iris; 1 of 2 results agrees"
    both = [*one, port_result(trial=IN_DOUBLE, port="my.py", verdict="disagree")]
    assert wording.title(both) == "my.py disagrees or fails on iris; 1 of 3 results agrees"
    assert wording.title(both, "<{}>".format).startswith("<my.py> disagrees or fails on <iris>")
    other = [*both[:1], port_result(trial=DESCENT, port="a.py", verdict="disagree"), both[1]]
    said = "a.py disagrees on descent, my.py fails on iris; 1 of 3 results agrees"
    assert wording.title(other) == said
    assert wording.title(other[1:2]) == "a.py disagrees on descent"


def test_what_is_wrong_first_is_said_of_every_result_that_fails() -> None:
    known = KnownDifference("gradients of W", "layout", fault="it agrees there")
    expected = port_result(verdict="disagree", known_differences=(known,))
    assert "is expected to differ on gradients of W" in wording.finding(expected, []).first
    both = port_result(verdict="error", error="it raised", known_differences=(known,))
    assert wording.finding(both, []).first == "it raised"


def test_ports_that_fail_look_like_no_other_and_come_first() -> None:
    names = ["numpy", *"abcdefgh"]
    results = [
        port_result(port=name, verdict="disagree" if name in "cf" else "agree") for name in names
    ]
    found = looks.looks([*results, port_result(port="a", trial=DESCENT, verdict="error")])
    assert {name for name in names if looks.is_failing(found[name])} == set("acf")
    assert len({found[name] for name in "acf"}) == 3
    assert found["numpy"] == "port-0"
    assert "port-0" not in {found[name] for name in "abcdefgh"}
    assert [r.port for r in looks.failing_first(results, found)][:4] == ["a", "c", "f", "numpy"]
    assert set(looks.looks(results[:1])) == {"numpy"}


LONG = "my_long_port_name.py"


def printed(width: int, *renderables: Any) -> list[str]:
    """Return what a console of so many columns shows."""
    out = Console(file=io.StringIO(), width=width, color_system=None, legacy_windows=False)
    with out.capture() as capture:
        out.print(*renderables)
    return [line.rstrip() for line in capture.get().splitlines()]


def cells(port: str, test: str = "", place: str = "gradients layer2.weight") -> tuple[str, ...]:
    numbers = ("0.094364", "83.33%", test, "3.8e+09", place, "4,999", "11,548,485", "12.3")
    return (port, "float32", "disagree", *numbers)


@pytest.mark.parametrize(
    ("width", "test", "left_out"),
    [
        (140, "79.09%", set()),
        (100, "", {"values", "s"}),
        (100, "79.09%", {"values", "s"}),
        (80, "", {"values", "s", "test", "step"}),
        (80, "79.09%", {"values", "s", "step"}),
    ],
)
def test_a_table_of_verdicts_keeps_names_whole(width: int, test: str, left_out: set[str]) -> None:
    rows = [cells("tensorflow_v1", test), cells(LONG, test)]
    head, *lines = printed(width, terminal.Verdicts(rows))
    assert max(map(len, [head, *lines])) <= width
    assert [line.split()[0] for line in lines] == ["tensorflow_v1", LONG]
    named = " ".join(name for name in wording.COLUMNS if name not in left_out)
    assert head.split() == named.split()
    assert all("disagree" in line and "3.8e+09 gradients" in line for line in lines)


def test_a_table_leaves_out_no_more_than_it_must() -> None:
    whole = terminal.Verdicts([cells(LONG, "79.09%")])
    full = sum(whole.widths.values()) + len(whole.widths) - 1
    for room in range(30, 160):
        widths = whole.fitting(room)
        assert sum(widths.values()) + len(widths) - 1 <= max(room, 40)
        assert (widths == whole.widths) == (room >= full)
        assert {"port", "dtype", "verdict", "ratio"} <= set(widths)
        assert widths["port"] == len(LONG) or set(widths) == {"port", "dtype", "verdict", "ratio"}
    name = "x" * 300
    lines = printed(80, terminal.Verdicts([cells(name)]))
    assert max(map(len, lines)) <= 80
    assert "".join(line.split()[0] for line in lines[1:]) == name


@pytest.mark.parametrize(("columns", "width"), [("80", 80), ("300", 140), ("0", 40), ("", 100)])
def test_a_console_is_as_wide_as_columns_says(
    monkeypatch: pytest.MonkeyPatch, columns: str, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert terminal.console().width == width


def test_details_are_indented_on_every_line() -> None:
    example = Example((41,), 0.63484579492756377, 0.63484783124915412)
    wrong = Divergence(
        *(Place("trajectory", 41, "loss"), (41,), 0.6, 0.7, 2.5e10, 19, 60, (example,)),
        teacher_forced=False,
    )
    diagnosis = Diagnosis("learning rate decays", "the learning rate is 1.1988 " * 6, 0.85)
    found = port_result(port=LONG, verdict="disagree", divergence=wrong, diagnosis=diagnosis)
    lines = printed(80, terminal._details(wording.finding(found, [found])))
    assert max(map(len, lines)) <= 80
    assert lines[1].startswith(f"{LONG} float32 differs first on trajectory")
    assert all(line.startswith("  ") for line in lines[2:])
    assert len(lines) > 8


def test_a_port_that_hangs_in_one_precision_is_not_said_to_be_imprecise() -> None:
    agrees = port_result(trial=Trial(prepare("iris", "float64", 30), "compiled"))
    hung = port_result(verdict="error", error="train hung: it gave no answer in 300 s (--timeout)")
    assert wording.finding(hung, [hung, agrees]).elsewhere == ("in float64 it agrees",)
    place = Place("loss", 0, "loss")
    wrong = Divergence(place, (0,), 0.6, 0.7, 9.0, 1, 1, (), teacher_forced=False)
    differs = port_result(verdict="disagree", divergence=wrong)
    assert wording.finding(differs, [differs, agrees]).elsewhere == (wording.COARSE,)


def test_a_search_for_the_mistake_that_fails_is_told() -> None:
    wrong = Divergence(
        Place("loss", 0, "loss"), (0,), 0.6, 0.7, 9.0, 1, 1, (), teacher_forced=False
    )
    differs = port_result(verdict="disagree", divergence=wrong, traceback="KeyError: 'update'")
    (said,) = wording.finding(differs, []).elsewhere
    assert said.endswith("which changes no verdict: see --debug")
    raised = port_result(verdict="error", error="it raised", traceback="KeyError: 'update'")
    assert wording.finding(raised, []).elsewhere == ()


@pytest.mark.parametrize(("ratio", "said"), [(9.0, (wording.FINE,)), (1e12, ())])
def test_what_differs_in_float64_alone_is_said_to_be_small_if_it_is(
    ratio: float, said: tuple[str, ...]
) -> None:
    wrong = Divergence(Place("loss", 0, "loss"), (0,), 0.6, 0.7, ratio, 1, 1, (), False)
    trial = Trial(prepare("iris", "float64", 30), "compiled")
    differs = port_result(trial=trial, verdict="disagree", divergence=wrong)
    assert wording.finding(differs, [differs, port_result()]).elsewhere == said


def test_json_has_no_number_that_json_lacks() -> None:
    place = Place("loss", 0, "loss")
    rung = RungResult("loss", "disagree", float("inf"), float("nan"), 0.0, place, 1)
    divergence = Divergence(place, (), float("-inf"), float("nan"), float("inf"), 1, 1, ())
    text = to_json([port_result(verdict="error", rungs=(rung,), divergence=divergence)])
    report = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} in JSON"))
    assert report["results"][0]["rungs"][0]["ratio"] == "inf"
    assert report["results"][0]["divergence"]["got"] == "nan"
    assert report["results"][0]["divergence"]["expected"] == "-inf"
    assert report["schema"] == 1
    assert report["verdict"] == "error"


def test_the_worst_verdict_wins_and_none_is_an_error() -> None:
    agree, disagree, error = (port_result(verdict=v) for v in ("agree", "disagree", "error"))
    assert overall([agree]) == "agree"
    assert overall([agree, disagree]) == "disagree"
    assert overall([error, disagree, agree]) == "error"
    assert overall([]) == "error"


def test_a_file_is_whole_or_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text("before")
    with pytest.raises(RuntimeError, match="midway"), OutputFile(str(file)):
        raise RuntimeError("midway")
    assert file.read_text() == "before"
    with OutputFile(str(file)) as output:
        output.write("after")
    assert file.read_text() == "after"
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def hard_link(path: Path) -> Path:
    other = path.with_name("other")
    other.hardlink_to(path)
    return other


def soft_link(path: Path) -> Path:
    other = path.with_name("other")
    other.symlink_to(path)
    return other


def the_same(path: Path) -> Path:
    return path


@pytest.mark.parametrize("again", [the_same, hard_link, soft_link])
def test_an_output_is_no_other_and_no_input(tmp_path: Path, again: Callable[[Path], Path]) -> None:
    (tmp_path / "file").write_text("before")
    one, other = str(tmp_path / "file"), str(again(tmp_path / "file"))
    with pytest.raises(InputError, match="--json and --junit are both "), Outputs(one, junit=other):
        pass
    inputs = {Path(one): "part of the port file"}
    for option in ("json", "html", "markdown", "junit"):
        with (
            pytest.raises(InputError, match=f"--{option} would overwrite .*, part of the port"),
            Outputs(**{option: other}, inputs=inputs),  # type: ignore[arg-type] # all of them text
        ):
            pass
    assert (tmp_path / "file").read_text() == "before"


def test_no_report_takes_the_place_of_a_python_file(tmp_path: Path) -> None:
    (tmp_path / "x.py").touch()
    with (
        pytest.raises(InputError, match=r"overwrite .*x.py, a Python file"),
        Outputs(str(tmp_path / "x.py")),
    ):
        pass
    with Outputs(str(tmp_path / "new.py")):  # it hits nothing
        pass


def test_what_a_comparison_reads_is_known(tmp_path: Path) -> None:
    (tmp_path / "port.py").write_text("import helper\nfrom package import inner\n")
    (tmp_path / "package").mkdir()
    for name in ("helper.py", "package/__init__.py", "package/inner.py"):
        (tmp_path / name).touch()
    found = read_by([PortName("port.py", tmp_path / "port.py")], tmp_path / "data")
    for name in ("port.py", "helper.py", "package/__init__.py", "package/inner.py"):
        assert found[tmp_path / name] == "part of the port port.py"
    assert found[tmp_path / "data" / "t10k-labels-idx1-ubyte.gz"] == "one of MNIST's files"


@pytest.fixture
def finished() -> FinishedRun:
    return FinishedRun([port_result()], 1.5)


def test_what_cannot_be_written_stops_nothing_else(finished: FinishedRun, tmp_path: Path) -> None:
    with Outputs("/dev/full", junit=str(tmp_path / "junit.xml")) as outputs:
        assert outputs.write(finished) == [
            "--json /dev/full cannot be written (No space left on device)"
        ]
    assert (tmp_path / "junit.xml").read_text().startswith("<?xml")


def test_a_fifo_needs_a_reader(finished: FinishedRun, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with pytest.raises(InputError, match="that nobody reads: start its reader"), Outputs(str(fifo)):
        pass
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    with Outputs(str(fifo)) as outputs:
        assert outputs.write(finished) == []
    assert json.loads(os.read(reader, 1 << 16))["verdict"] == "agree"
    with Outputs(str(fifo)) as outputs:
        os.close(reader)
        assert outputs.write(finished) == []  # whoever read it has had enough


def test_standard_output_by_another_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with (tmp_path / "out").open("w") as out:
        fstat = os.fstat
        monkeypatch.setattr(
            os, "fstat", lambda number: fstat(out.fileno() if number == 1 else number)
        )
        assert is_stdout("-")
        assert is_stdout(str(tmp_path / "out"))
        assert not is_stdout(str(tmp_path / "other"))
        assert Outputs(str(tmp_path / "out")).on_stdout
        with pytest.raises(InputError, match="only --json, --markdown and --annotations can be"):
            Outputs(html=str(tmp_path / "out")).__enter__()
        with pytest.raises(InputError, match="are both standard output"):
            Outputs(str(tmp_path / "out"), markdown="-").__enter__()


QUICK = ("iris", "--steps", "2", "--frameworks", "numpy", "--dtype", "float64")


def in_shell(environment: dict[str, str], line: str, **changes: str) -> tuple[int, str, str]:
    """Run a line of bash in which $C is compare.py; return its status, and what it printed."""
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"],
        env={**environment, "C": f"{sys.executable} {ROOT / 'compare.py'}", **changes},
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ("--help | true", 0),
        ("--list | true", 0),
        (f"{' '.join(QUICK)} --quiet --json - | true", 0),
        (f"{' '.join(QUICK)} --json >(true) | true", 0),
        (f"{' '.join(QUICK)} --quiet 0<&- >&- 2>&-", 0),
        (f"{' '.join(QUICK)} --quiet > /dev/full", 2),
    ],
)
def test_where_output_cannot_go(environment: dict[str, str], arguments: str, status: int) -> None:
    found, printed, said = in_shell(environment, f"$C {arguments}")
    assert (found, printed) == (status, "")
    assert "Error" not in said
    assert "Traceback" not in said


def test_files_are_written_before_the_screen(environment: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    status, _, said = in_shell(environment, f"$C {' '.join(QUICK)} --json {file} > /dev/full")
    assert status == 2
    assert said.endswith("standard output cannot be written (No space left on device)\n")
    assert json.loads(file.read_text())["verdict"] == "agree"


def test_standard_output_takes_any_name(environment: dict[str, str], tmp_path: Path) -> None:
    port = tmp_path / "\u0441\u0435\u0442\u044c.py"
    port.write_text('from impls.numpy.iris import *\nFRAMEWORK = "numpy"\n')
    line = f"$C {' '.join(QUICK)} --quiet --markdown - --with={port}"
    status, printed, said = in_shell(environment, line, PYTHONIOENCODING="ascii")
    assert status == 0, said
    assert "\\u0441\\u0435\\u0442\\u044c" in printed


def test_pictures_are_drawn(compare: Compare, tmp_path: Path) -> None:
    drawn = [name for name in RECIPES if not name.startswith("planar-")]  # drawn as planar is
    run = compare(
        *(*drawn, "--quick", "--data", "digits", "--frameworks", "numpy,torch", "--quiet"),
        *("--dtype", "float64", "--pictures", tmp_path / "out"),
    )
    assert run.status == 0
    trained = [name for name in drawn if "train" in RECIPES[name].functions]
    names = {
        *(f"{name}-loss" for name in trained),
        *(f"{net}-decisions" for net in ("gates", "people", "perceptron", "planar")),
        *(f"{recipe}-{what}" for recipe in ("mnist", "mnist-tutorial") for what in OF_DIGITS),
        *("activations-curves", "descent-parabola", "signals-net"),
    }
    files = {path.name for path in (tmp_path / "out").iterdir()}
    assert files == {f"{name}.{kind}" for name in names for kind in ("png", "svg")}
    for path in (tmp_path / "out").iterdir():
        content = path.read_bytes()
        assert content.startswith(b"\x89PNG" if path.suffix == ".png" else b"<?xml")
        assert len(content) > 10_000


def test_a_long_curve_is_drawn_by_its_range() -> None:
    short, _ = losses.points(np.zeros(losses.LONG))
    assert len(short) == losses.LONG
    values = np.random.default_rng(0).standard_normal(1_000_000)
    values[2:400_000:3] = np.nan  # a distance of zero has no logarithm
    values[765_432] = 99
    steps, drawn = losses.points(values)
    assert len(steps) == len(drawn) <= losses.LONG
    assert np.nanmin(drawn) == np.nanmin(values)
    assert np.nanmax(drawn) == 99
    assert steps[np.nanargmax(drawn)] == pytest.approx(765_433, rel=0.01)


def test_quiet_prints_one_line(compare: Compare) -> None:
    run = compare("iris", "--steps", 30, "--frameworks", "numpy", "--quiet")
    assert run.stderr == ""
    assert run.stdout.startswith("All 2 results agree; ")
    assert run.stdout.count("\n") == 1


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_where_nobody_reads_the_comparison_goes_on(
    environment: dict[str, str], tmp_path: Path, stream: str
) -> None:
    file = tmp_path / "report.json"
    command = [
        sys.executable,
        str(ROOT / "compare.py"),
        "iris",
        "--steps",
        "2",
        "--json",
        str(file),
    ]
    command += ["--frameworks", "numpy"]
    streams: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    streams[stream] = subprocess.PIPE
    with subprocess.Popen(command, env=environment, **streams) as process:
        getattr(process, stream).close()
        assert process.wait(timeout=120) == 0
    assert json.loads(file.read_text())["verdict"] == "agree"
