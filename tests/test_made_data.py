"""What a recipe of users' own leaves to their code, and several inputs with weights renamed."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from parity import contract
from parity.contract import PortError, PortName
from parity.sessions.settings import Settings
from parity.standard import users_code
from shared import own_data
from shared.errors import InputError
from tests.running import PORTS, Compare

DATA = """
import numpy as np


def data():
    random = np.random.default_rng(0)
    found = {}
    for test, rows in (("", 48), ("_test", 16)):
        tokens = random.integers(0, 11, (rows, 7))
        mask = np.arange(7) < random.integers(1, 8, (rows, 1))
        found |= {f"x{test}.tokens": tokens, f"x{test}.mask": mask, f"y{test}": tokens[:, 0] % 3}
    return found
"""
RECIPE = """
reference = "bag_torch.py"
data = "data.py"
batch = 12
steps = 6
learning_rate = 0.5
dtype = "float64"

[rename]
"embedding.weight" = "E"
"fc.weight" = "W.T"
"fc.bias" = "b"

[rename."turned.py"]
"embedding.weight" = "E.transpose(1, 0)"
"""
# In the port: what is right, what is put in its place, where that first shows.
MISTAKES = {
    "unmasked.py": ('x["mask"][..., None]', 'np.ones_like(x["mask"])[..., None]', "forward"),
    "layout.py": ('"W": h.T @ dz', '"W": (h.T @ dz)[::-1]', "gradients"),
    "order.py": ("for rows in schedule:", "for rows in schedule[::-1]:", "trajectory"),
    "writes.py": ("    return -log", '    x["mask"][0, 1] ^= True\n    return -log', "data"),
}
TURNED = """
from bag_numpy import *
from bag_numpy import build as straight, export as exported, gradients as slopes


def build(weights):
    return straight({**weights, "E": weights["E"].T})


def turned(weights):
    return {**weights, "E": weights["E"].T}


def gradients(w, x, y):
    return turned(slopes(w, x, y))


def export(w):
    return turned(exported(w))
"""
NAMED = """
FRAMEWORK = "numpy"


def build(weights):
    return weights


def forward(w, x):
    return x @ w["W"]
"""


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    """A recipe of a net of two inputs, whose data and initial weights are made."""
    for name in ("bag_torch.py", "bag_numpy.py"):
        shutil.copy(PORTS / name, tmp_path)
    (tmp_path / "data.py").write_text(DATA)
    (tmp_path / "turned.py").write_text(TURNED)
    recipe = tmp_path / "bag.toml"
    recipe.write_text(RECIPE)
    return recipe


def test_ports_of_several_inputs_are_judged_by_the_names_of_the_reference(
    compare: Compare, bag: Path
) -> None:
    source = (PORTS / "bag_numpy.py").read_text()
    for name, (right, wrong, _) in MISTAKES.items():
        assert source.count(right) == 1
        bag.with_name(name).write_text(source.replace(right, wrong))
    files = ("bag_numpy.py", "turned.py", *MISTAKES)
    out = bag.with_name("out")
    vectors = bag.with_name("vectors")
    how = ("--repro", out, "--html", bag.with_name("report.html"), "--vectors", vectors, "--debug")
    run = compare(bag, *(f"--with={bag.with_name(name)}" for name in files), *how)
    assert run.status == 1, run.stderr
    assert "Traceback" not in run.stdout  # no idea of a mistake fails
    for name in ("bag_torch.py", "bag_numpy.py", "turned.py"):
        result = run.result(name, "float64")
        assert result["verdict"] == "agree"
        assert {"data", "gradients", "update", "trajectory", "accuracy"} <= {
            rung["rung"] for rung in result["rungs"] if rung["verdict"] == "agree"
        }
    assert {result["dtype"] for result in run.report["results"]} == {"float64"}
    divergences = {name: run.result(name, "float64")["divergence"] for name in MISTAKES}
    assert {name: found["rung"] for name, found in divergences.items()} == {
        name: rung for name, (*_, rung) in MISTAKES.items()
    }
    assert divergences["layout.py"]["tensor"] == "fc.weight"
    assert divergences["writes.py"]["tensor"] == "batch x.mask"
    assert run.result("order.py", "float64")["diagnosis"]["cause"] == "batches in another order"
    rows = load_file(vectors / "bag-float64" / "inputs" / "rows.safetensors")
    assert {name: f"{array.dtype}" for name, array in rows.items()} == {
        f"{kind}{test}{own}": dtype
        for test in ("", "_test")
        for kind, own, dtype in (
            ("x", ".tokens", "int64"),
            ("x", ".mask", "bool"),
            ("y", "", "int64"),
        )
    }
    for name in ("unmasked", "layout", "writes"):  # each was run, and shows its difference
        assert f"out/bag-{name}-float64.py" in run.stdout
        assert (out / f"bag-{name}-float64.py").is_file()


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('"W" = "V + 1()"', "says rename 'W' = 'V + 1()': write what the port has, such as"),
        ('"W" = 3', "says rename 'W' = 3: write what the port has"),
        ('"V" = "W"', "renames 'V', where the reference has W, b"),
        ('"W" = "b"', "renames both 'W' and 'b' as 'b': no two can be one"),
        ('"W" = "V.transpose(0, 2)"', "but its shape is (4, 3): name each axis once, from 0"),
        ('"W" = "V.transpose(0)"', "but its shape is (4, 3): name each axis once, from 0"),
        ('[rename."gone.py"]\n"W" = "V"', "renames for 'gone.py', which is the file of no port"),
        ('[rename."a/net.py"]\n"W" = "V"', "renames for 'a/net.py': name a port's file, without"),
        ('W.x = "V"', "renames for 'W': name a port's file, without its folder, or put a weight's"),
        ('[rename."net.py"]\n"W" = "V"', "renames for 'net.py': that is the reference"),
        ('[rename."port.py"]\n"V" = "W"', "renames for port.py 'V', where the reference has W, b"),
    ],
)
def test_a_rename_that_cannot_be_is_refused_in_a_sentence(
    command: Compare, tmp_path: Path, table: str, said: str
) -> None:
    for name in ("net.py", "port.py"):
        (tmp_path / name).write_text(NAMED)
    np.savez(tmp_path / "weights.npz", W=np.zeros((4, 3)), b=np.zeros(3))
    recipe = tmp_path / "net.toml"
    header = 'reference = "net.py"\nweights = "weights.npz"\ndata = "iris"\n[rename]\n'
    recipe.write_text(header + table)
    run = command(recipe, f"--with={tmp_path / 'port.py'}")
    assert run.status == 2
    assert said in run.stderr
    assert run.stderr.count("\n") == 1


MAKERS = {
    "data() raised ZeroDivisionError: division by zero (data.py:2)": "def data():\n    1 / 0",
    "data(): it has no function data": "rows = 1",
    "data(): it has x as int, not as an array": "x = 1",
    "data(): data returned a list, where a dict of arrays is due": "def data():\n    return []",
    "data(): data returned x as list, not as an array": "def data():\n    return {'x': []}",
    "y is an array of bool, where numbers are due": (
        "import numpy\ndef data():\n    return {'x': numpy.ones(3), 'y': numpy.ones(3, bool)}"
    ),
    "data() hung: it gave no answer in 3 s (--timeout)": (
        "import time\ndef data():\n    time.sleep(60)"
    ),
    "data() ended the process (exit status 7)": "import os\ndef data():\n    os._exit(7)",
}


@pytest.mark.parametrize("said", MAKERS)
def test_a_file_that_makes_no_data_is_refused_in_a_sentence(tmp_path: Path, said: str) -> None:
    (tmp_path / "net.py").write_text(NAMED)
    (tmp_path / "data.py").write_text(MAKERS[said])
    recipe = tmp_path / "net.toml"
    recipe.write_text('reference = "net.py"\ndata = "data.py"')
    with pytest.raises(InputError) as error:
        Settings(timeout=3).trials([f"{recipe}"])
    assert said in f"{error.value}"
    assert f"{error.value}".startswith(f"{tmp_path / 'data.py'}")


DRAWN = """
import numpy as np

FRAMEWORK = "numpy"
stream = np.random.default_rng(0)


def build(weights):
    return {{"W": {drawn}, "steps": np.array(3, np.int32)}} if weights is None else weights


def export(model):
    return model
"""
FORWARD = """

def forward(w, x):
    return x @ w["W"]
"""
DRAWS = {
    r"export names weights otherwise the second time \(again, then none\)": (
        "np.ones((4, 3)), **({'again': np.ones(1)} if stream.random() > 0.6 else {})"
    ),
    "it draws another W the second time": "stream.normal(size=(4, 3))",
    "it draws numbers that are not finite in W": "np.random.normal(size=(4, 3)) / [0, 1, 1]",
    "W as an array of bool": "np.random.normal(size=(4, 3)) > 0",
}


def drawn(folder: Path, name: str, code: str) -> dict[str, np.ndarray]:
    """Return what a reference with this code draws."""
    file = folder / f"{name}.py"
    file.write_text(code)
    with np.errstate(divide="ignore"):
        return users_code.draw(contract.load(PortName(file.name, file), name), 5, 1)


def test_weights_are_drawn_under_the_seed_in_float32(tmp_path: Path) -> None:
    weights = drawn(tmp_path, "drawing", DRAWN.format(drawn="np.random.normal(size=(4, 3))"))
    due = np.random.RandomState(5).normal(size=(4, 3)).astype(np.float32)
    assert weights["W"].dtype == np.float32
    assert np.array_equal(weights["W"], due)
    assert weights["steps"].dtype == np.int64


@pytest.mark.parametrize("said", DRAWS)
def test_weights_that_cannot_be_drawn_are_refused(tmp_path: Path, said: str) -> None:
    with pytest.raises(PortError, match=said):
        drawn(tmp_path, f"drawing_{len(said)}", DRAWN.format(drawn=DRAWS[said]))


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (NAMED, "build(None): it has no export"),
        (DRAWN.replace("if weights is None else weights", "| weights"), "raised TypeError"),
    ],
)
def test_a_reference_that_draws_nothing_is_refused_in_a_sentence(
    command: Compare, tmp_path: Path, source: str, said: str
) -> None:
    whole = source.format(drawn="np.ones((4, 3))") + FORWARD * ("def forward" not in source)
    (tmp_path / "net.py").write_text(whole)
    (tmp_path / "net.toml").write_text('reference = "net.py"\ndata = "iris"\n')
    run = command(tmp_path / "net.toml")
    assert run.status == 3
    assert "the reference draws no initial weights for net: build(None)" in run.stderr
    assert said in run.stderr
    assert run.stderr.count("\n") == 1


PLANE = """
import numpy as np

FRAMEWORK = "numpy"


def build(weights):
    return {"w": np.random.normal(size=(2, 1))} if weights is None else weights


def forward(model, x):
    return x @ model["w"]


def accuracy(model, x, y):
    return float(((forward(model, x)[:, 0] > 0) == y).mean())


def export(model):
    return model


def data():
    x = np.random.default_rng(0).normal(size=(20, 2))
    return {"x": x, "y": (x[:, 0] > 0).astype(int)}
"""


def test_a_plane_of_classes_in_one_array_is_drawn(compare: Compare, tmp_path: Path) -> None:
    (tmp_path / "plane.py").write_text(PLANE)
    recipe = tmp_path / "plane.toml"
    recipe.write_text('reference = "plane.py"\ndata = "plane.py"\ndtype = "float64"\n')
    run = compare(recipe, "--html", tmp_path / "report.html")
    assert run.status == 0, run.stderr
    assert "of the plane shown" in (tmp_path / "report.html").read_text()


def test_our_own_data_sets_are_known_by_name(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NAMED)
    np.savez(tmp_path / "weights.npz", W=np.zeros((784, 10)))
    recipe = tmp_path / "net.toml"
    recipe.write_text('reference = "net.py"\nweights = "weights.npz"\ndata = "mnist"\nrows = 50\n')
    single, double = (t.experiment for t in Settings(data="digits").trials([f"{recipe}"]))
    assert single.data.notice
    assert "--data digits" in single.data.notice
    assert (single.x.shape, single.x_test.shape) == ((50, 784), (397, 784))
    assert np.array_equal(single.x, double.x.astype(np.float32))


def test_arrays_are_checked_as_they_are_wherever_they_come_from() -> None:
    arrays = own_data.checked(Path("a"), {"x": np.array([[1, 255]], np.uint8)})
    assert arrays["x"].dtype == np.int64  # no pixels
    with pytest.raises(InputError, match=r"a: x has 1 of 2 values .* the first at \[0, 1\]"):
        own_data.checked(Path("a"), {"x": np.array([[1, np.inf]])})
