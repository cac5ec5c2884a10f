"""Which ports are compared on which recipes: what --with says, and what is of another recipe."""

from dataclasses import replace
from pathlib import Path

import pytest

from parity.contract import DTYPES, PortName
from parity.results import PortResult, Trial
from parity.sessions import misfits, selection
from parity.sessions.port_files import PortFile
from shared.errors import InputError
from shared.experiment import prepare
from tests.results import port_result
from tests.running import Compare

PORT = """
FRAMEWORK = "numpy"
from impls.numpy.planar import *
"""


def test_a_file_may_say_of_which_recipe_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert PortFile.parse("planar=my.py") == PortFile(Path("my.py"), "planar")
    assert PortFile.parse("planar=a=b.py") == PortFile(Path("a=b.py"), "planar")
    assert PortFile.parse("my.py") == PortFile(Path("my.py"))
    assert PortFile.parse("./planar=my.py") == PortFile(Path("./planar=my.py"))
    with pytest.raises(InputError, match="did you mean planar"):
        PortFile.parse("planer=my.py")
    Path("planer=my.py").touch()
    assert PortFile.parse("planer=my.py") == PortFile(Path("planer=my.py"))


def test_files_name_the_recipes_where_nothing_else_does() -> None:
    iris, planar = PortFile(Path("a.py"), "iris"), PortFile(Path("b.py"), "planar")
    assert selection.recipes_of((), [planar, iris, planar]) == ["planar", "iris"]
    assert selection.recipes_of(("iris", "planar"), [planar]) == ["iris", "planar"]
    with pytest.raises(
        InputError, match=r"--with planar=b\.py is of a recipe that is not compared"
    ):
        selection.recipes_of(("iris",), [planar])
    with pytest.raises(InputError, match="--with needs a RECIPE"):
        selection.recipes_of((), [planar, PortFile(Path("c.py"))])


def test_a_file_is_of_the_nets_of_its_recipes(tmp_path: Path) -> None:
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(PORT)
    files = [
        PortFile(tmp_path / "a.py", "planar"),
        PortFile(tmp_path / "a.py", "iris"),
        PortFile(tmp_path / "b.py", "iris"),
        PortFile(tmp_path / "b.py"),
    ]
    one, other = selection.choose(["iris", "planar", "mnist"], ",", files, drafts=False)
    assert [one.covers(net) for net in ("iris", "planar", "mnist")] == [True, True, False]
    assert [other.covers(net) for net in ("iris", "planar", "mnist")] == [True, True, True]


MINE = PortName("my.py", Path("my.py"))


def results(recipe: str, error: str | None = None, port: str = "my.py") -> list[PortResult]:
    """Return the results of a port on a recipe, in both precisions."""
    verdict = "error" if error else "disagree"
    return [
        port_result(
            trial=Trial(prepare(recipe, dtype, 1), "compiled"),
            port=port,
            error=error,
            verdict=verdict,
        )
        for dtype in DTYPES
    ]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("build raised KeyError: 'W1' (my.py, line 9)", "wants W1"),
        ("forward raised TypeError: f() missing 1 required positional argument: 'b2'", "wants b2"),
        ("loss raised AttributeError: 'Net' object has no attribute 'W2'", "wants W2"),
        ("build raised TypeError: Net() got an unexpected keyword argument 'W'", "takes no W"),
    ],
)
def test_a_port_of_another_recipe_is_set_aside(error: str, said: str) -> None:
    fitting = results("planar")
    kept, told = misfits.set_aside([*results("iris", error), *fitting], [MINE])
    assert kept == fitting
    assert told == [f"SKIPPED: my.py on iris: it {said}; iris has W, b"]


@pytest.mark.parametrize(
    "judged",
    [
        results("iris", "build raised KeyError: 'W1'"),
        [*results("iris", "build raised KeyError: 'W1'"), *results("planar", "KeyError: 'W1'")],
        [*results("iris", "build raised KeyError: 'bias'"), *results("planar")],
        [*results("iris", "build raised KeyError: 'W'"), *results("planar")],
        [*results("iris", "it agrees with 'W1'"), *results("planar")],
        [results("iris", "build raised KeyError: 'W1'")[0], results("iris")[1], *results("planar")],
        [*results("iris", "build raised KeyError: 'W1'"), *results("planar", port="other.py")],
    ],
)
def test_a_port_that_fails_is_not_set_aside(judged: list[PortResult]) -> None:
    assert misfits.set_aside(judged, [MINE, replace(MINE, name="other.py")]) == (judged, [])


@pytest.mark.parametrize("port", [PortName("my.py"), replace(MINE, nets=("iris", "planar"))])
def test_no_framework_and_no_file_whose_recipe_is_named_is_set_aside(port: PortName) -> None:
    judged = [*results("iris", "build raised KeyError: 'W1'"), *results("planar")]
    assert misfits.set_aside(judged, [port]) == (judged, [])


def test_one_port_and_several_recipes(command: Compare, tmp_path: Path) -> None:
    port = tmp_path / "my.py"
    names = "('W1', 'b1', 'W2', 'b2')"
    port.write_text(f"{PORT}def build(weights): return {{n: weights[n].copy() for n in {names}}}\n")
    few = ("--steps", 2, "--frameworks", ",", "--dtype", "float64")
    run = command("iris", "planar", "--with", port, *few)
    assert run.status == 0
    assert "SKIPPED: my.py on iris: it wants W1; iris has W, b" in run.stderr
    assert run.stdout.splitlines()[-1].startswith("The only result agrees")
    run = command("--with", f"planar={port}", *few, "--quiet")
    assert run.status == 0
    assert run.stdout.startswith("The only result agrees")
    assert command("iris", "--with", port, *few, "--quiet").status == 3
    run = command("iris", "planar", "--with", port, *few, "--quiet")
    assert "SKIPPED: my.py on iris" in run.stderr  # also where nothing else is said
    assert len(run.stdout.splitlines()) == 1


def test_quiet_says_what_was_not_provided(command: Compare, tmp_path: Path) -> None:
    port = tmp_path / "half.py"
    port.write_text("def forward(model, x): return x @ model['W'] + model['b']\n")
    run = command("iris", "--with", port, "--steps", 2, "--frameworks", ",", "--quiet")
    assert run.status == 0
    assert "half.py does not provide build, loss, gradients, train" in run.stderr
    assert len(run.stdout.splitlines()) == 1
