"""The numbers below the guide's lines: those that the ports give, held to NumPy's in float64."""

import importlib
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from guide import edits, given, numbers, ports, runs, standards, tracing
from guide.numbers import Recorded
from parity.standard.comparison import LIMIT
from shared.batches import part
from shared.errors import InputError
from tests.running import ROOT
from traps import catalogue

NET = ports.net("iris")
iris: Any = importlib.import_module("impls.numpy.iris")
SOURCE = """
def twice(x):
    y = x + x
    y *= 2
    z = np.empty_like(y)
    for each in range(2):
        y[each], z = y[each] + 1, "no number"
    return {
        "y": y,
        "half": y
        / 2,
    }
"""


@pytest.fixture(scope="module")
def held() -> standards.Standards:
    """What lines of iris are held to."""
    recipe = runs.recipe_of(NET)
    assert recipe
    return standards.Standards(NET, runs.experiment_of(recipe))


@pytest.fixture(scope="module")
def recorded_gru(environment: dict[str, str]) -> Recorded:
    """The numbers of an example's lines in NumPy."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCKSTEP_CACHE", environment["LOCKSTEP_CACHE"])
        return numbers.record([ports.net("gru")], ["numpy"])


def test_each_line_tells_what_it_gave() -> None:
    notes = runs.Notes(np.asarray)
    module: Any = tracing.load(f"import numpy as np\n{SOURCE}", "twice.py", notes)
    x = np.array([1.0, 2.0])
    module.twice(x)
    assert notes.seen == {}  # nothing was asked for yet
    with notes.of("twice"):
        given = module.twice(x)
    assert given["half"].tolist() == [2.5, 4.5]
    seen = {key: array.tolist() for key, array in notes.seen.items()}
    assert seen == {
        (4, ""): [2.0, 4.0],
        (5, ""): [4.0, 8.0],
        (8, "[0]"): 9.0,  # the last turn
        (10, ""): [5.0, 9.0],
        (12, ""): [2.5, 4.5],
    }
    with notes.of("another"):
        module.twice(-x)
    assert notes.seen[4, ""].tolist() == [2.0, 4.0]  # of the first function that came there


def test_layers_of_keras_on_tensorflow_have_the_same_names_in_every_run() -> None:
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("tensorflow is not installed")
    code = """
from guide import ports, runs
net = ports.net("gpt")
run = runs.Run("keras", runs.experiment_of(runs.recipe_of(net)))
source = runs.source_of(net, "keras")
traces = [trace for _ in range(2) for trace in run.trace(source, "float32")]
assert {trace.raised for trace in traces} == {""}
assert len({frozenset(trace.seen) for trace in traces}) == 1
assert "gpt/embedding/embeddings" in {name for _, name in traces[0].seen}
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_arrays_are_called_by_their_keys_or_by_their_places() -> None:
    one, two = np.ones(1), np.ones(2)
    given = {"W": one, "m": {object(): one, object(): two}, "x": (one, two)}
    shapes = {name: a.shape for name, a in tracing.leaves(given, np.asarray).items()}
    assert shapes == {"W": (1,), "m [0]": (1,), "m [1]": (2,), "x [0]": (1,), "x [1]": (2,)}


def test_what_is_recorded_is_what_the_port_gives(recorded: Recorded) -> None:
    recipe = runs.recipe_of(NET)
    assert recipe
    own = runs.experiment_of(recipe)
    source = ports.net("iris").ports[0].source.splitlines()
    lines = recorded["iris"]["numpy"]["lines"]
    assert runs.steps_of(own) == [0, 1, 2]
    for step in range(3):
        weights = own.weights
        if step:
            model = iris.build(own.weights)
            model, _ = iris.train(model, own.x, own.y, part(own.schedule, 0, step), 0.1)
            weights = iris.export(model)
        model = iris.build(weights)
        due = {
            'return x @ model["W"] + model["b"]': iris.forward(model, own.x),
            "return loss_and_gradients(model, x, y)[0]": iris.loss(model, own.x, own.y),
            "return loss_and_gradients(model, x, y)[1]": iris.gradients(model, own.x, own.y)["W"],
        }
        for code, array in due.items():
            (number,) = [n for n, line in enumerate(source, 1) if line.strip().startswith(code)]
            value = lines[f"{number}"][0]
            assert value["texts"][step] == given.numbers_text(array), code
            assert given.shape_text(array) == value["shape"]


@pytest.mark.parametrize("framework", ["numpy", "torch"])
def test_lines_of_a_right_port_agree(recorded: Recorded, framework: str) -> None:
    lines = recorded["iris"][framework]["lines"]
    held = [value["ratios"] for values in lines.values() for value in values if value["ratios"]]
    assert len(held) > 15
    assert 0 < max(ratio for ratios in held for ratio in ratios) <= LIMIT


def test_an_example_is_held_to_its_own_reference(recorded_gru: Recorded) -> None:
    net = ports.net("gru")
    assert (runs.reference_of(net), runs.reference_of(NET)) == ("torch", "numpy")
    lines = recorded_gru["gru"]["numpy"]["lines"]
    held = [value["ratios"] for values in lines.values() for value in values if value["ratios"]]
    assert len(held) > 30
    assert 0 < max(ratio for ratios in held for ratio in ratios) <= LIMIT
    page = numbers.for_page(net, recorded_gru, [])
    assert page
    assert (page["reference"], page["steps"], page["traps"]) == ("PyTorch", [0, 1, 2], {})
    assert runs.columns_of(net) == [port.framework for port in net.ports]
    assert {"Keras", "Keras, fit", "Flax"} < set(page["without"])


def test_an_example_in_a_library_has_numbers(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ports.packages("flax"):
        pytest.importorskip(package)
    monkeypatch.setenv("LOCKSTEP_CACHE", environment["LOCKSTEP_CACHE"])
    own = numbers.record([ports.net("gru")], ["flax"])["gru"]["flax"]
    source = runs.source_of(ports.net("gru"), "flax").splitlines()
    values = [(line, value) for line, values in own["lines"].items() for value in values]
    held = [(line, ratio) for line, value in values for ratio in value["ratios"] or ()]
    assert 0 < max(ratio for _, ratio in held) <= LIMIT
    (train,) = [n for n, line in enumerate(source, 1) if line.startswith("def train(")]
    assert any(int(line) > train for line, _ in held)  # the losses, at least
    known = catalogue.load_examples().bugs
    bugs = {f"{bug}" for bug in known if (bug.net, ports.column_of(bug)) == ("gru", "flax")}
    assert bugs
    assert set(own["planted"]) == bugs
    assert all(any(planted["first"]) for planted in own["planted"].values())


def test_a_library_is_asked_for_with_its_framework(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [ports.packages(name) for name in ("flax", "keras_fit", "torch")] == [
        ["jax", "flax"],
        ["tensorflow", "keras"],
        ["torch"],
    ]
    monkeypatch.setattr(numbers, "is_installed", lambda name: name not in ("flax", "tensorflow"))
    assert numbers.record([ports.net("gru")], ["flax", "keras", "keras_fit"]) == {"gru": {}}


def test_mistakes_in_an_example_are_traced_too(recorded_gru: Recorded) -> None:
    known = catalogue.load_examples().bugs
    bugs = {f"{bug}": bug for bug in known if (bug.net, ports.column_of(bug)) == ("gru", "numpy")}
    planted = recorded_gru["gru"]["numpy"]["planted"]
    assert set(planted) == set(bugs)
    assert all(any(own["first"]) for own in planted.values())
    for name in ("gru-numpy-not-clipped", "gru-numpy-symbol-counted-once"):
        called = edits.lines(bugs[name].port.read_text(), catalogue.changed(bugs[name])).values()
        (after,) = [line.partition("+")[0] for line, _ in called if "+" in line]
        first = planted[name]["first"][0]
        assert int(first) == int(after) + 1  # what comes of the changed line
        values = planted[name]["lines"][first]
        assert any(value["ratios"][0] > LIMIT for value in values if value["ratios"])


def test_an_example_has_no_numbers_where_its_reference_is_not_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(numbers, "is_installed", lambda name: name == "numpy")
    assert numbers.record([ports.net("gru")], ["numpy"]) == {}


def test_a_wrong_value_is_no_value_of_numpys(held: standards.Standards) -> None:
    (key, _), *_ = ((key, array) for key, array in held.exact[0].seen.items() if array.ndim == 2)
    found = held.match(key, held.exact)
    assert found
    assert found.ratio(0, held.exact[0].seen[key]) == 0
    moved = [runs.Trace({key: trace.seen[key] + 1e-9}, {}, "") for trace in held.exact]
    assert held.match(key, moved) is None
    turned = [runs.Trace({key: trace.seen[key].T}, {}, "") for trace in held.exact]
    assert held.match(key, turned)


@pytest.mark.parametrize(
    ("trap", "step", "code"),
    [
        ("iris-torch-momentum", 1, "return model, torch.stack(losses)"),
        ("iris-torch-adam", 0, "return model, torch.stack(losses)"),
        ("iris-torch-sum-over-outputs", 0, "return F.mse_loss("),
        ("iris-numpy-factor-two-missing", 0, None),
    ],
)
def test_a_trap_differs_from_the_line_on_that_is_wrong(
    recorded: Recorded, trap: str, step: int, code: str | None
) -> None:
    _, framework, *_ = trap.split("-")
    own = recorded["iris"][framework]
    planted = own["planted"][trap]
    assert [bool(line) for line in planted["first"]] == [n >= step for n in range(3)]
    number = int(planted["first"][step].partition("+")[0])
    if code:
        source = next(p.source for p in NET.ports if p.framework == framework).splitlines()
        assert source[number - 1].strip().startswith(code)
    ratios = [value["ratios"] for value in planted["lines"][planted["first"][step]]]
    assert any(own[step] > LIMIT for own in ratios)
    same = [line for line in own["lines"] if int(line) < number and line in planted["lines"]]
    earlier = [value["ratios"][step] for line in same for value in planted["lines"][line]]
    assert all(ratio <= LIMIT for ratio in earlier)


def test_names_and_errors_of_a_wrong_port_are_told(recorded: Recorded) -> None:
    planted = recorded["iris"]["torch"]["planted"]
    names = planted["iris-torch-own-names"]
    texts = [v["texts"][0] for v in names["lines"][names["first"][0]]]
    assert "missing" in texts
    raised = planted["iris-torch-build-not-transposed"]["raised"]
    assert all("size mismatch" in said for said in raised)


def test_lines_of_a_changed_source_know_what_they_stand_for() -> None:
    real, planted = "a\nb\nc\nd\n", "a\nx\ny\nc\nd\nz\n"
    assert edits.lines(real, planted) == {
        1: ("1", 1),
        2: ("2+1", None),
        3: ("2+2", 2),
        4: ("3", 3),
        5: ("4", 4),
        6: ("4+1", None),
    }
    for bug in catalogue.load().bugs[:20]:
        source, other = bug.port.read_text(), catalogue.changed(bug)
        found = edits.lines(source, other)
        assert set(found) == set(range(1, len(other.splitlines()) + 1))
        for line, (called, _) in found.items():
            if called.isdecimal():
                assert other.splitlines()[line - 1] == source.splitlines()[int(called) - 1]


def test_a_page_holds_its_numbers_and_no_other_does(guide_folder: Path) -> None:
    page = (guide_folder / "iris.html").read_text()
    (text,) = re.findall(r'id="numbers-record">(.*?)</script>', page, re.DOTALL)
    held = json.loads(text)
    assert set(held["columns"]) == {"numpy", "torch"}
    ids = set(re.findall(r'id="((?:numpy|torch)-\d+)"', page))
    for name, lines in held["columns"].items():
        assert {f"{name}-{line}" for line in lines} <= ids
    bugs = [bug for bug in catalogue.load().bugs if (bug.net, bug.recipe) == ("iris", "iris")]
    assert set(held["traps"]) == {f"{b}" for b in bugs if b.framework in held["columns"]}
    assert len(text) < 150_000
    assert 'id="numbers-record"' not in (guide_folder / "mnist.html").read_text()
    assert "iris.html?trap=iris-torch-momentum#torch-" in (guide_folder / "traps.html").read_text()


def test_what_is_recorded_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorded: Recorded
) -> None:
    monkeypatch.setenv("LOCKSTEP_CACHE", f"{tmp_path}")
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(InputError, match=r"numpy could not be run line by line \(exit status 1\)"):
        numbers.record([NET], ["numpy"])
    folder = tmp_path / "numbers"
    folder.mkdir()
    (kept,) = [folder / f"numpy-{numbers._hash('numpy', ['iris'])}.json"]
    kept.write_text(json.dumps({"iris": recorded["iris"]["numpy"]}))
    assert numbers.record([NET], ["numpy"])["iris"]["numpy"] == recorded["iris"]["numpy"]
