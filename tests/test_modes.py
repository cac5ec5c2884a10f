"""With and without compilers: the switch takes effect, there and back, and the report says so."""

from pathlib import Path

import pytest

from parity.contract import Mode, PortError, PortName, load
from parity.processes.options import Options
from parity.processes.progress import Progress
from parity.results import Trial
from parity.sessions import session
from parity.sessions.settings import EAGER_STEPS
from shared.experiment import prepare
from tests.running import PORTS, Compare, Run

# What is planted, and the mode in which it shows.
PLANTED: dict[str, Mode] = {
    "wrong_when_traced": "compiled",
    "wrong_when_eager": "eager",
    "wrong_when_compiled": "compiled",
}


@pytest.fixture(scope="module")
def both(compare: Compare, tmp_path_factory: pytest.TempPathFactory) -> Run:
    own = str(tmp_path_factory.mktemp("cache"))  # in which there are no noise floors yet
    files = [f"--with={PORTS / name}.py" for name in PLANTED]
    return compare("planar", "--mode", "both", "--steps", 12, *files, LOCKSTEP_CACHE=own)


def verdicts(run: Run, port: str) -> list[tuple[str, str, str]]:
    """Return mode, precision and verdict of a port's results, in their order."""
    results = [result for result in run.report["results"] if result["port"] == port]
    return [(result["mode"], result["dtype"], result["verdict"]) for result in results]


@pytest.mark.parametrize("framework", ["jax", "tensorflow"])
def test_a_framework_with_a_compiler_is_judged_twice(both: Run, framework: str) -> None:
    assert verdicts(both, framework) == [
        ("compiled", "float32", "agree"),
        ("compiled", "float64", "agree"),
        ("eager", "float32", "agree"),
        ("eager", "float64", "agree"),
    ], both.stdout


@pytest.mark.parametrize("framework", ["numpy", "torch"])
def test_a_framework_without_one_is_judged_once(both: Run, framework: str) -> None:
    expected = [("eager", "float32", "agree"), ("eager", "float64", "agree")]
    assert verdicts(both, framework) == expected


@pytest.mark.parametrize("name", PLANTED)
def test_what_one_mode_alone_shows_is_caught_in_that_one(both: Run, name: str) -> None:
    found = verdicts(both, f"{name}.py")
    assert len(found) == 4
    for mode, _, verdict in found:
        assert verdict == ("disagree" if mode == PLANTED[name] else "agree"), found


def test_equal_steps_share_their_standard(both: Run) -> None:
    assert both.stderr.count("noise floors\n") == 2  # one for each precision
    assert {result["steps"] for result in both.report["results"]} == {12}


def test_the_report_tells_the_modes_apart(both: Run) -> None:
    compiled, eager = both.stdout.split("mode: eager, with the frameworks' compilers off")
    assert "\nnumpy " in compiled
    assert "\nnumpy " not in eager
    assert "wrong_when_traced.py float32 differs first on gradients" in compiled
    assert "wrong_when_eager.py float32, eager differs first on gradients" in eager
    assert max(map(len, both.stdout.splitlines())) <= 100


def test_eager_runs_are_short_unless_told_otherwise(compare: Compare, tmp_path: Path) -> None:
    run = compare(
        *("iris", "--mode", "both", "--frameworks", "numpy,jax", "--dtype", "float32"),
        *("--pictures", tmp_path),
    )
    assert run.status == 0, run.stdout
    steps = {(r["port"], r["mode"]): r["steps"] for r in run.report["results"]}
    assert steps == {
        ("numpy", "eager"): 5_000,
        ("jax", "compiled"): 5_000,
        ("jax", "eager"): EAGER_STEPS,
    }
    assert f"learning rate 0.1; here {EAGER_STEPS} steps" in run.stdout
    pictures = {path.name for path in tmp_path.glob("*.png")}
    assert pictures == {"iris-loss.png", "iris-eager-loss.png"}


def test_eager_alone_judges_every_port(compare: Compare, tmp_path: Path) -> None:
    text = (PORTS / "correct_functional_torch.py").read_text()
    own = "def configure(*_): pass\ndef to_native(a): return torch.tensor(a)\n"
    own += "def to_numpy(a): return a.detach().numpy()\nMODE = 'compiled'\n"
    (tmp_path / "own.py").write_text(text.replace('FRAMEWORK = "torch"', own))
    run = compare(
        *("planar", "--mode", "eager", "--steps", 5, "--dtype", "float64"),
        *("--frameworks", "numpy,jax", "--with", tmp_path / "own.py"),
    )
    assert run.status == 0, run.stdout
    modes = {result["port"]: result["mode"] for result in run.report["results"]}
    assert modes == {"numpy": "eager", "jax": "eager", "own.py": "compiled"}
    assert "own.py has no run_eagerly to switch its compiler off: judged compiled" in run.stdout


@pytest.mark.parametrize("name", ["wrong_when_traced", "wrong_when_eager"])
def test_no_mode_leaks_into_the_next(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("LOCKSTEP_CACHE", environment["LOCKSTEP_CACHE"])
    order: list[tuple[str, Mode]] = [
        ("float32", "eager"),
        ("float32", "compiled"),
        ("float64", "eager"),
        ("float64", "compiled"),
    ]
    trials = [Trial(prepare("planar", dtype, 12), mode) for dtype, mode in order]
    port = PortName(name, PORTS / f"{name}.py")
    results = list(session.compare(trials, [port], Options(), Progress()))
    assert [(result.dtype, result.mode) for result in results] == order
    for result in results:
        assert result.verdict == ("disagree" if result.mode == PLANTED[name] else "agree")


def load_text(tmp_path: Path, text: str) -> tuple[str, ...]:
    """Return the modes of a port of NumPy with some lines of its own."""
    path = tmp_path / "port.py"
    path.write_text(f"def build(weights): return weights\n{text}\n")
    return load(PortName("port.py", path), "iris").modes


RUNTIME = """
def configure(dtype, device, threads): pass
def to_native(array): return array
def to_numpy(value): return value
"""
SWITCH = "def run_eagerly(enabled): pass"


@pytest.mark.parametrize(
    ("text", "modes"),
    [
        ("", ("eager",)),
        ("MODE = 'compiled'", ("compiled",)),
        (RUNTIME, ("eager",)),
        (RUNTIME + SWITCH, ("compiled", "eager")),
        (RUNTIME + SWITCH + "\nMODE = 'eager'", ("eager",)),
        (RUNTIME + "MODE = 'compiled'", ("compiled",)),
    ],
)
def test_the_modes_of_a_file(tmp_path: Path, text: str, modes: tuple[str, ...]) -> None:
    assert load_text(tmp_path, text) == modes


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("MODE = 'fast'", "it says MODE = 'fast': choose from compiled, eager"),
        (SWITCH, "it has run_eagerly but not configure, to_native, to_numpy"),
    ],
)
def test_a_mode_that_cannot_be(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(PortError, match=words):
        load_text(tmp_path, text)
