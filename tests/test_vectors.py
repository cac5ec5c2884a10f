"""Test vectors: a port in another language is held to what the judge holds ports to."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from parity.reports.vectors import cases
from parity.standard.comparison import LIMIT
from shared.safetensors import encoded
from tests.foreign import answer, check, loaded
from tests.running import Compare, run_compare
from tests.test_own_recipes import written

STEPS = 20
# The foreign port, of iris and of mnist: what its loss is of is decided by the targets.
PORT = """
import numpy as np

def build(weights):
    return {name: value.copy() for name, value in weights.items()}

def forward(model, x):
    return x @ model["W"] + model["b"]

def loss(model, x, y):
    if y.ndim == 2:
        return np.mean((forward(model, x) - y) ** 2)
    z = forward(model, x)
    z = z - z.max(1, keepdims=True)
    return np.mean(np.log(np.exp(z).sum(1)) - z[np.arange(len(y)), y])

def slope(model, x, y):
    z = forward(model, x)
    if y.ndim == 2:
        return 2 * (z - y) / z.size
    p = np.exp(z - z.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    p[np.arange(len(y)), y] -= 1
    return p / len(y)

def gradients(model, x, y):
    dz = slope(model, x, y)
    return {"W": x.T @ dz, "b": dz.sum(0)}

def train(model, x, y, schedule, learning_rate):
    losses = []
    rows = [slice(None)] * schedule if isinstance(schedule, int) else schedule
    for own in rows:
        losses.append(loss(model, x[own], y[own]))
        for name, value in gradients(model, x[own], y[own]).items():
            model[name] -= (learning_rate * value).astype(value.dtype)
    return model, np.array(losses)

def accuracy(model, x, y):
    classes = y.argmax(1) if y.ndim == 2 else y
    return float(np.mean(forward(model, x).argmax(1) == classes))

def export(model):
    return dict(model)
"""
# What is wrong with it: what is replaced by what, and what the checker and the judge say first.
MISTAKES = {
    "biased.py": ('+ model["b"]', '+ 1.001 * model["b"]', "step-1/forward outputs"),
    "halved.py": ("return np.mean((forward", "return 0.5 * np.mean((forward", "step-0/loss loss"),
    "typed_in.py": ("/ z.size", "/ 450", "half-batch/gradients W"),
    "sum.py": ('"b": dz.sum(0)', '"b": dz.mean(0)', "step-0/gradients b"),
    "fast.py": (
        "(learning_rate * value)",
        "(1.001 * learning_rate * value)",
        "step-0/train W",
    ),
    "fixed_rate.py": ("(learning_rate * value)", "(0.1 * value)", "second-call/train W"),
    "late.py": (
        "np.array(losses)",
        "np.array(losses) * (1 + 1e-3 * (len(losses) > 9))",
        "run/train loss",
    ),
    "lenient.py": (
        "return float(np.mean(",
        "return float(1 / len(x) + np.mean(",
        "train-rows/accuracy correct",
    ),
}
RUNGS = {"forward": "forward", "loss": "loss", "gradients": "gradients", "accuracy": "accuracy"}


class Written(NamedTuple):
    """Vectors of iris in float32, and what the foreign port answered."""

    vectors: Path
    answers: Path
    run: Any


@pytest.fixture(scope="module")
def iris(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Vectors of iris, and the judge's word on the foreign port, with and without mistakes."""
    folder = tmp_path_factory.mktemp("iris")
    (folder / "foreign.py").write_text(PORT)
    for name, (right, wrong, _) in MISTAKES.items():
        assert PORT.count(right) == 1, name
        (folder / name).write_text(PORT.replace(right, wrong))
    ports = [f"--with={folder / name}" for name in ("foreign.py", *MISTAKES)]
    how = ("--steps", STEPS, "--dtype", "float32", "--frameworks", "numpy")
    vectors = folder / "vectors"
    run = run_compare(environment, folder / "a.json", "iris", *how, *ports, "--vectors", vectors)
    assert run.status == 1, run.stderr
    own = vectors / "iris-float32"
    return Written(own, answer(loaded(PORT), own, folder / "answers"), run)


def test_a_foreign_port_agrees_as_the_judge_says(iris: Written) -> None:
    assert iris.run.result("foreign.py", "float32")["verdict"] == "agree"
    checked = check(iris.vectors, iris.answers)
    assert checked.status == 0, checked.said
    answers = json.loads((iris.vectors / "vectors.json").read_text())["answers"]
    assert len(answers) == 4 * 7 + 2 + 2  # six checkpoints, half a batch; two runs; all rows
    assert checked.said.startswith("57 tensors agree, 3654 values; the worst ratio is ")
    assert check(iris.vectors, iris.answers, "*/forward").said.startswith("8 tensors agree")


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_found_where_the_judge_finds_it(
    iris: Written, tmp_path: Path, name: str
) -> None:
    right, wrong, first = MISTAKES[name]
    port = loaded(PORT.replace(right, wrong))
    checked = check(iris.vectors, answer(port, iris.vectors, tmp_path / "answers"))
    assert checked.status == 1
    assert checked.said.startswith(f"{first} differs in "), checked.said
    place, tensor = first.split()
    case, function = place.split("/")
    of_run = "trajectory" if case in ("run", "second-call") else "update"
    result = iris.run.result(name, "float32")
    assert result["verdict"] == "disagree"
    assert result["divergence"]["rung"] == (of_run if function == "train" else function)
    due = {"correct": "accuracy"}.get(tensor, tensor)
    assert result["divergence"]["tensor"].startswith(due)
    if case.startswith("step-"):
        assert result["divergence"]["step"] == int(case.removeprefix("step-"))


def changed(change: Callable[[dict[str, Any]], object], name: str) -> Callable[[Path], None]:
    """Return what changes the tensors of one file."""

    def apply(answers: Path) -> None:
        tensors = load_file(answers / name)
        change(tensors)
        save_file(tensors, answers / name)

    return apply


def one_is(value: float) -> Callable[[dict[str, Any]], object]:
    return lambda tensors: tensors["W"].__setitem__((1, 2), value)


GRADIENTS = "step-2/gradients.safetensors"


def delete(folder: Path) -> None:
    shutil.rmtree(folder)


DAMAGES: dict[str, tuple[Callable[[Path], object], int, str]] = {
    "NaN": (
        changed(one_is(np.nan), GRADIENTS),
        1,
        "step-2/gradients W differs in 1 of 12 values, the worst at [1, 2]: ",
    ),
    "infinity": (changed(one_is(np.inf), GRADIENTS), 1, "got inf, ratio inf"),
    "no tensor": (changed(lambda t: t.pop("b"), GRADIENTS), 1, "step-2/gradients b is missing"),
    "another tensor": (
        changed(lambda t: t.update(c=t["b"]), GRADIENTS),
        1,
        "step-2/gradients c is not expected",
    ),
    "transposed": (
        changed(lambda t: t.update(W=t["W"].T.copy()), GRADIENTS),
        1,
        "step-2/gradients W is F32 of shape [3, 4], where F32 of shape [4, 3] is expected",
    ),
    "double": (
        changed(lambda t: t.update(W=t["W"].astype(np.float64)), GRADIENTS),
        1,
        "W is F64 of shape [4, 3], where F32",
    ),
    "half": (
        changed(lambda t: t.update(W=t["W"].astype(np.float16)), GRADIENTS),
        1,
        "W is F16 of shape [4, 3], where F32",
    ),
    "no file": (lambda answers: (answers / GRADIENTS).unlink(), 1, "step-2/gradients W is missing"),
    "another file": (
        lambda answers: shutil.copy(answers / GRADIENTS, answers / "step-3.safetensors"),
        1,
        "step-3 W is not expected",
    ),
    "no files": (lambda answers: list(map(delete, answers.iterdir())), 1, "is missing"),
    "no folder": (delete, 2, "there is no folder "),
    "cut short": (
        lambda answers: (answers / GRADIENTS).write_bytes((answers / GRADIENTS).read_bytes()[:-4]),
        2,
        "is damaged",
    ),
    "no safetensors": (lambda answers: (answers / GRADIENTS).write_text("W = 1"), 2, "nothing"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_answers_never_pass(iris: Written, tmp_path: Path, damage: str) -> None:
    change, status, said = DAMAGES[damage]
    answers = tmp_path / "answers"
    shutil.copytree(iris.answers, answers)
    change(answers)
    checked = check(iris.vectors, answers)
    assert checked.status == status
    assert said in checked.said


def test_nothing_is_no_agreement(iris: Written) -> None:
    checked = check(iris.vectors, iris.answers, "forward")
    assert checked.status == 2
    assert "no answer is called forward" in checked.said
    assert check(iris.vectors).status == 2
    assert check(iris.vectors.parent / "iris", iris.answers).status == 2


@pytest.mark.parametrize(("ratio", "status"), [(LIMIT - 0.6, 0), (LIMIT + 0.6, 1)])
def test_the_limit_is_the_judges(iris: Written, tmp_path: Path, ratio: float, status: int) -> None:
    answers = tmp_path / "answers"
    shutil.copytree(iris.answers, answers)
    name = "run/train.safetensors"
    due, floors = (load_file(iris.vectors / of / name) for of in ("expected", "floors"))
    assert floors["W"].shape == ()
    assert floors["loss"].shape == due["loss"].shape == (STEPS,)
    wrong = {key: value + ratio * floors[key] for key, value in due.items()}
    save_file({key: value.astype(np.float32) for key, value in wrong.items()}, answers / name)
    assert check(iris.vectors, answers).status == status


# An inference engine for a recipe of a user's own, in plain NumPy.
ENGINE = """
import numpy as np
from scipy.special import erf

def build(weights):
    return weights

def forward(weights, x):
    h = x @ weights["0.weight"].T + weights["0.bias"]
    h = (h - h.mean(1, keepdims=True)) / np.sqrt(h.var(1, keepdims=True) + 1e-5)
    h = h * weights["1.weight"] + weights["1.bias"]
    h = h * (1 + erf(h / 2**0.5)) / 2
    return h @ weights["3.weight"].T + weights["3.bias"]
"""


def test_an_inference_engine_for_a_recipe_of_ones_own(compare: Compare, tmp_path: Path) -> None:
    folder = tmp_path / "vectors"
    recipe = written(tmp_path, functions=["build", "forward", "loss"])
    run = compare(recipe, "--dtype", "float64", "--vectors", folder)
    assert run.status == 0, run.stderr
    for source, status in ((ENGINE, 0), (ENGINE.replace("1e-5", "1.0001e-5"), 1)):
        port = loaded(source)
        answers = tmp_path / f"answers {status}"
        answer(port, folder / "mlp-float64", answers)
        assert check(folder / "mlp-float64", answers, "*/forward").status == status
        assert check(folder / "mlp-float64", answers).status == 1
    about = (folder / "README.md").read_text()
    assert "## mlp-float64 (" in about
    assert "6-8-3, LayerNorm, GELU, Adam; forward only" in about
    assert "The reference is mlp_torch.py" in about
    assert "| weights | `0.bias` [8], `0.weight` [8, 6], `1.bias` [8], `1.weight` [8], `3" in about


def test_of_many_rows_those_are_written_that_are_seen(
    command: Compare, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cases, "MOST", 100 * 785)
    monkeypatch.setattr(cases, "TESTED", 50)
    how = ("--data", "digits", "--steps", STEPS, "--dtype", "float32", "--frameworks", "numpy")
    run = command("mnist", *how, "--vectors", tmp_path / "vectors")
    assert run.status == 0, run.stderr
    vectors = tmp_path / "vectors" / "mnist-float32"
    rows = load_file(vectors / "inputs" / "rows.safetensors")
    assert 100 < len(rows["x"]) < 600  # of the six batches at the checkpoints
    assert len(rows["x_test"]) == len(rows["y_test"]) == 50
    assert not (vectors / "expected" / "run").exists()
    assert (vectors / "expected" / "second-call").exists()
    about = (tmp_path / "vectors" / "README.md").read_text()
    assert f"{len(rows['x']):,} are here: those that the cases see" in about
    assert "The case run is left out" in about
    assert "test rows, the first 50 are here" in about
    answers = answer(loaded(PORT), vectors, tmp_path / "answers")
    checked = check(vectors, answers)
    assert checked.status == 0, checked.said


def test_the_same_comparison_writes_the_same_bytes(command: Compare, tmp_path: Path) -> None:
    how = ("iris", "--steps", STEPS, "--frameworks", "numpy", "--quiet", "--vectors")
    trees = []
    for name in ("first", "second"):
        assert command(*how, tmp_path / name).status == 0
        files = [path for path in (tmp_path / name).rglob("*") if path.is_file()]
        trees.append({path.relative_to(tmp_path / name): path.read_bytes() for path in files})
    assert trees[0] == trees[1]
    assert {path.parts[0] for path in trees[0]} == {
        *("README.md", "check.py", "iris-float32", "iris-float64"),
    }


def test_files_are_safetensors_in_the_order_in_which_they_are_judged(tmp_path: Path) -> None:
    arrays: dict[str, Any] = {
        "z": np.arange(3, dtype=np.float32),
        "\u00e4 b": np.array(2.5),
        "a": np.arange(6.0).reshape(2, 3).T,
        "n": np.array([[-1, 2**40]]),
    }
    path = tmp_path / "a.safetensors"
    path.write_bytes(encoded(arrays))
    found = load_file(path)
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        assert np.array_equal(found[name], array)
    content = path.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert list(header) == ["\u00e4 b", "a", "n", "z"]


def test_vectors_take_the_place_of_nothing(command: Compare, tmp_path: Path) -> None:
    (tmp_path / "file.txt").touch()
    refusals = [
        (("--vectors", tmp_path), "is not empty: name a folder that is, or a new one"),
        (("--vectors", tmp_path / "file.txt"), "cannot be written to"),
        (
            ("--vectors", tmp_path / "new", "--json", tmp_path / "new" / "README.md"),
            "lies in the folder of --vectors",
        ),
        (("--vectors", tmp_path / "new", "--repro", tmp_path / "new"), "lies in the folder of"),
        (("--vectors", tmp_path / "new", "--watch"), "--watch"),
    ]
    for options, said in refusals:
        run = command("iris", "--frameworks", "numpy", *options)
        assert run.status == 2
        assert said in run.stderr
        assert run.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]


def test_a_full_disk_changes_no_verdict(
    command: Compare, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(path: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    how = ("iris", "--steps", STEPS, "--dtype", "float32", "--frameworks", "numpy")
    run = command(*how, "--vectors", tmp_path / "vectors")
    assert run.status == 2
    assert "The only result agrees" in run.stdout
    assert "iris-float32 cannot be written (No space left on device)" in run.stderr
    assert {path.name for path in (tmp_path / "vectors").iterdir()} == {"README.md", "check.py"}
