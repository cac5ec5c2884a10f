"""Recipes of users' own: a reference in any framework, and ports of it in any other."""

import math
import re
import shutil
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from parity import contract
from parity.contract import PortError
from parity.standard import floors, reference, soundness
from parity.standard.comparison import LIMIT
from parity.standard.inputs import Store
from parity.standard.native import Native, wide_all
from shared import own_data
from shared.batches import part
from shared.experiment import prepare
from shared.renames import is_expression
from tests.foreign import answer, check, loaded
from tests.running import PORTS, ROOT, Compare, Run

FRAMEWORKS = ("torch", "jax", "tensorflow")
SHAPES: dict[str, tuple[int, ...]] = {
    "0.weight": (8, 6),
    "0.bias": (8,),
    "1.weight": (8,),
    "1.bias": (8,),
    "3.weight": (3, 8),
    "3.bias": (3,),
}
RECIPE = {
    "summary": "6-8-3, LayerNorm, GELU, Adam",
    "reference": "mlp_torch.py",
    "weights": "weights.safetensors",
    "data": "data.npz",
    "batch": 16,
    "steps": 3,
    "learning_rate": 0.01,
}
# In a port of each framework: what is right, what is put in its place, where that first shows.
MISTAKES = {
    "gelu.py": ("torch", "nn.GELU()", 'nn.GELU(approximate="tanh")', "forward"),
    "adam.py": ("torch", "lr=learning_rate", "lr=learning_rate, eps=1e-7", "update"),
    "summed.py": (
        "torch",
        "F.cross_entropy(model(x), y)",
        "3 * F.cross_entropy(model(x), y)",
        "loss",
    ),
    "constant.py": ("jax", "variance + 1e-5", "variance + 1.01e-5", "forward"),
}


def written(folder: Path, **changes: Any) -> Path:
    """Write a recipe, with some of what it says changed, and all that it needs."""
    random = np.random.default_rng(0)
    weights = {n: random.standard_normal(s).astype(np.float32) for n, s in SHAPES.items()}
    x = random.standard_normal((80, 6)).astype(np.float32)
    y = x[:, :3].argmax(1)
    save_file(weights, folder / "weights.safetensors")
    np.savez(folder / "data.npz", x=x[:64], y=y[:64], x_test=x[64:], y_test=y[64:])
    for framework in FRAMEWORKS:
        shutil.copy(PORTS / f"mlp_{framework}.py", folder)
    said = {key: value for key, value in {**RECIPE, **changes}.items() if value is not None}
    recipe = folder / "mlp.toml"
    recipe.write_text("".join(f"{key} = {value!r}\n" for key, value in said.items()))
    return recipe


def withs(folder: Path, names: list[str]) -> list[str]:
    return [f"--with={folder / name}" for name in names]


@pytest.mark.parametrize(
    ("reference", "ports", "dtypes"),
    [
        ("torch", ["jax", "tensorflow"], ["float32", "float64"]),
        ("jax", ["torch"], ["float32"]),
        ("tensorflow", ["torch"], ["float64"]),
    ],
)
def test_correct_ports_agree_whichever_the_reference_is(
    compare: Compare, tmp_path: Path, reference: str, ports: list[str], dtypes: list[str]
) -> None:
    how = "both" if len(dtypes) == 2 else dtypes[0]
    # Without weights, the reference draws them.
    recipe = written(tmp_path, reference=f"mlp_{reference}.py", weights=None, dtype=how)
    others = [f"mlp_{name}.py" for name in ports]
    run = compare(recipe, *withs(tmp_path, others))
    assert run.status == 0, run.stdout + run.stderr
    assert {result["dtype"] for result in run.report["results"]} == {*dtypes}
    for dtype in dtypes:
        for name in (f"mlp_{reference}.py", *others):
            result = run.result(name, dtype)
            assert result["verdict"] == "agree"
            provided = {rung["rung"] for rung in result["rungs"] if rung["verdict"] == "agree"}
            assert {"forward", "loss", "gradients", "update", "trajectory", "accuracy"} <= provided
    assert f"Every port is held to mlp_{reference}.py in float64" in run.stdout


def test_mistakes_are_caught_where_they_are(compare: Compare, tmp_path: Path) -> None:
    recipe = written(tmp_path)
    for name, (framework, right, wrong, _) in MISTAKES.items():
        source = (PORTS / f"mlp_{framework}.py").read_text()
        assert source.count(right) == 1
        (tmp_path / name).write_text(source.replace(right, wrong))
    run = compare(recipe, "--dtype", "float64", *withs(tmp_path, list(MISTAKES)))
    assert run.status == 1, run.stderr
    for name, (*_, rung) in MISTAKES.items():
        result = run.result(name, "float64")
        assert result["verdict"] == "disagree", name
        assert result["divergence"]["rung"] == rung, name


def test_only_what_the_reference_provides_is_compared(compare: Compare, tmp_path: Path) -> None:
    source = (PORTS / "mlp_torch.py").read_text()
    (tmp_path / "inference.py").write_text(source.split("def loss")[0])
    refused = compare(written(tmp_path, reference="inference.py"), "--dtype", "float32")
    assert refused.status == 2
    assert "says batch, but its reference has no train: say rows for fewer" in refused.stderr
    recipe = written(tmp_path, reference="inference.py", steps=None, batch=None, learning_rate=None)
    run = compare(recipe, "--dtype", "float32", *withs(tmp_path, ["mlp_torch.py"]))
    assert run.status == 0, run.stderr
    rungs = {rung["rung"] for rung in run.result("mlp_torch.py", "float32")["rungs"]}
    assert rungs == {"data", "forward"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"referense": "a.py"}, "has an unknown key 'referense': did you mean reference?"),
        ({"reference": None}, "lacks reference: reference is the path of a Python file"),
        ({"reference": "gone.py"}, "says reference = 'gone.py': there is no file"),
        ({"weights": "gone.npz"}, "says weights = 'gone.npz': there is no file"),
        ({"weights": "mlp.toml"}, "ends in .toml: arrays come in .npz or .safetensors"),
        ({"steps": "ten"}, "says steps = 'ten': steps is a whole number"),
        ({"steps": 0}, "says steps = 0: it must be from 1 to 1,000,000,000"),
        ({"batch": 0}, "says batch = 0: it must be from 1 to 1,000,000,000"),
        ({"batch": 65}, "trains on 64 rows (data.npz, 64 rows), too few for a batch of 65"),
        ({"rows": 8}, "trains on 8 rows (data.npz, 64 rows), too few for a batch of 16"),
        ({"rows": 0}, "says rows = 0: it must be from 1 to"),
        ({"data": "minst"}, "minst, and of our data sets there are mnist, digits, iris, planar"),
        ({"dtype": "float16"}, "says dtype = 'float16': did you mean float"),
        ({"rename": 1}, "says rename = 1: rename is a table of weights"),
        ({"seed": -1}, "says seed = -1: it must be from 0 to"),
        ({"name": "a/b"}, "is called 'a/b': say name ="),
        ({"functions": ["train"]}, "compares train without export: the reference needs export"),
        ({"functions": ["accuracy"]}, "compares accuracy without forward"),
        ({"functions": []}, "compares nothing: the reference has none of"),
        ({"steps": None}, "compares train: say steps and learning_rate, too"),
        ({"functions": ["forwards"]}, "names a function 'forwards': did you mean forward?"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused_in_a_sentence(
    command: Compare, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    run = command(written(tmp_path, **changes))
    assert run.status == 2
    assert said in run.stderr
    assert run.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"y": np.zeros(3)}, "holds no x, the inputs of the net"),
        ({"x": np.zeros((4, 6)), "y": np.zeros(3)}, "x has 4 rows, but y has 3"),
        ({"x": np.zeros((4, 6)), "z": np.zeros(4)}, "holds 'z': choose from x, y, x_test, y_test"),
        ({"x": np.zeros(())}, "x has no rows"),
        ({"x": np.zeros((0, 6))}, "x has no rows"),
        ({"x": np.array(["a"])}, "x is an array of <U1, where numbers are due"),
        ({"x": np.zeros((64, 6)), "x_test": np.zeros((2, 6))}, "one of x_test and y_test"),
        ({"x": np.array([[1, np.nan], [0, 1]])}, "x has 1 of 4 values that are no finite number"),
        ({"x.a": np.zeros((4, 6)), "x.b": np.zeros(3)}, "x.a has 4 rows, but x.b has 3"),
        (
            {"x": np.zeros((4, 6)), "x.b": np.zeros(4)},
            "holds x and x.b: x is one array, or several",
        ),
        ({"x.": np.zeros((4, 6))}, "holds 'x.': after x. comes a name of letters, digits and _"),
        ({"z.a": np.zeros(4)}, "holds 'z.a': choose from x, y, x_test, y_test"),
        (
            {"x.a": np.zeros(4), "y": np.zeros(4), "x_test": np.zeros(2), "y_test": np.zeros(2)},
            "holds x_test to test on, but x.a to train on: both take the same names",
        ),
        (
            {"x": np.zeros((4, 6)), "y.a": np.zeros(4)},
            "holds y.a, of which no accuracy can be told",
        ),
    ],
)
def test_data_that_cannot_be_is_refused_in_a_sentence(
    command: Compare, tmp_path: Path, arrays: dict[str, Any], said: str
) -> None:
    recipe = written(tmp_path)
    np.savez(tmp_path / "data.npz", **arrays)
    run = command(recipe)
    assert run.status == 2
    assert said in run.stderr
    assert run.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["mlp.toml", "weights.safetensors", "data.npz", "mlp_torch.py"])
def test_no_report_takes_the_place_of_what_a_recipe_is_read_from(
    command: Compare, tmp_path: Path, name: str
) -> None:
    recipe = written(tmp_path)
    before = (tmp_path / name).read_bytes()
    run = command(recipe, "--json", tmp_path / name)
    assert run.status == 2
    assert "--json would overwrite" in run.stderr or "Python" in run.stderr
    assert (tmp_path / name).read_bytes() == before


def test_what_is_no_recipe_is_refused_in_a_sentence(command: Compare, tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("name = ")
    for name, said in (("broken.toml", "is not TOML"), ("gone.toml", "cannot be read")):
        run = command(tmp_path / name)
        assert run.status == 2
        assert said in run.stderr
        assert run.stderr.count("\n") == 1


REFERENCES = {
    "failed on mlp float32: the reference is not deterministic: asked twice for outputs": (
        "return model(x)",
        "return model(x) + 1e-9 * torch.rand(())",
    ),
    "ignores the weights": ("model.load_state_dict(weights)", "fixed(model)"),
    "cannot be measured, so it can be no reference": (
        'FRAMEWORK = "torch"',
        "from impls.torch.runtime import *",
    ),
    "gradients returned None for 0.weight; where the loss does not depend on a weight, zeros": (
        "{name: weight.grad for",
        "{name: None for",
    ),
    "it raised RuntimeError": ("model.load_state_dict(weights)", "model.load_state_dict({})"),
}
FIXED = """

def fixed(model):
    for weight in model.parameters():
        torch.nn.init.constant_(weight, 0.3)
"""


@pytest.mark.parametrize("said", REFERENCES)
def test_what_can_be_no_reference_is_refused_in_a_sentence(
    compare: Compare, tmp_path: Path, said: str
) -> None:
    right, wrong = REFERENCES[said]
    source = (PORTS / "mlp_torch.py").read_text()
    assert right in source
    recipe = written(tmp_path, reference="reference.py")
    (tmp_path / "reference.py").write_text(source.replace(right, wrong) + FIXED)
    run = compare(recipe, "--dtype", "float32")
    assert run.status == 3
    assert said in run.stderr


def test_a_reference_that_keeps_float32_is_refused_in_float64_alone(
    compare: Compare, tmp_path: Path
) -> None:
    source = (PORTS / "mlp_torch.py").read_text()
    assert source.count("name: weight.grad for") == 1
    kept = source.replace("name: weight.grad for", "name: weight.grad.float() for")
    recipe = written(tmp_path, reference="reference.py")
    (tmp_path / "reference.py").write_text(kept)
    run = compare(recipe, "--dtype=float64", *withs(tmp_path, ["mlp_torch.py"]))
    assert run.status == 3
    assert "in float64, the reference itself gives float32: 0.weight on the rung gra" in run.stderr
    run = compare(recipe, "--dtype=float32", *withs(tmp_path, ["mlp_torch.py"]))
    assert run.status == 0, run.stdout + run.stderr


def test_a_constant_of_a_reference_may_be_of_less_than_float64() -> None:
    weights = {"W": np.ones(2), "table": np.ones(3)}
    after = {"loss": np.array(1.0), "W": np.zeros(2), "table": np.ones(3, np.float32)}
    inputs: Any = SimpleNamespace(dtype="float64")
    given: Any = SimpleNamespace(expected={("update", 0): after}, checkpoints={0: weights})
    soundness._check_precision(inputs, given)
    after["table"] *= 2
    with pytest.raises(PortError, match="gives float32: table on the rung update"):
        soundness._check_precision(inputs, given)


def test_a_reference_may_take_batches_of_one_size_alone(compare: Compare, tmp_path: Path) -> None:
    source = (PORTS / "mlp_torch.py").read_text()
    whole = "        value = loss(model, x[rows], y[rows])\n        value.backward()\n"
    parts = """
        value = sum(loss(model, x[part], y[part]) for part in rows.reshape(2, -1)) / 2
        value.backward()
"""
    assert source.count(whole) == 1
    (tmp_path / "reference.py").write_text(source.replace(whole, parts))
    wrong = "F.cross_entropy(model(x), y) * (len(x) / 16 if len(x) < 16 else 1)"
    right = "F.cross_entropy(model(x), y)"
    assert source.count(right) == 1
    (tmp_path / "wrong.py").write_text(source.replace(right, wrong))
    assert source.count("lr=learning_rate") == 1
    (tmp_path / "slower.py").write_text(source.replace("lr=learning_rate", "lr=learning_rate / 2"))
    recipe = written(tmp_path, reference="reference.py", dtype="float64")
    run = compare(recipe, *withs(tmp_path, ["mlp_torch.py", "wrong.py", "slower.py"]))
    assert run.result("mlp_torch.py", "float64")["verdict"] == "agree", run.stdout + run.stderr
    assert "reference.py takes no other number of rows" in run.stdout
    divergence = run.result("wrong.py", "float64")["divergence"]
    assert divergence["rung"] == "loss"  # which takes half a batch
    found = run.result("slower.py", "float64")["diagnosis"]
    assert found["cause"] == "another learning rate"


def test_a_reference_may_go_in_steps(compare: Compare, tmp_path: Path) -> None:
    source = (PORTS / "mlp_torch.py").read_text()
    step = "    return (model[0].weight[:3] > 0).to(x.dtype).sum(1).expand(len(x), 3)\n"
    stepped = source.replace("    return model(x)\n", step)
    assert stepped != source
    for name in ("reference.py", "port.py"):
        (tmp_path / name).write_text(stepped)
    recipe = written(tmp_path, reference="reference.py", functions=["forward"])
    run = compare(recipe, "--dtype=float32", f"--with={tmp_path / 'port.py'}")
    assert run.status == 0, run.stderr


def test_a_reference_that_hangs_is_given_up(compare: Compare, tmp_path: Path) -> None:
    source = (PORTS / "mlp_torch.py").read_text()
    (tmp_path / "slow.py").write_text(
        source.replace("return model(x)", "import time; time.sleep(600)")
    )
    recipe = written(tmp_path, reference="slow.py")
    run = compare(recipe, "--dtype", "float32", "--timeout", 15)
    assert run.status == 3
    assert "the reference failed on mlp float32: it hung: it gave no answer in 15 s" in run.stderr


def test_noise_ends_before_another_run_goes_on(tmp_path: Path) -> None:
    experiment = prepare(f"{written(tmp_path)}", "float32")
    inputs = Store(tmp_path / "arrays").inputs(experiment, "cpu", 1)
    native = Native(contract.load(inputs.reference, inputs.net), inputs, "float32")
    walks = floors._whole_walks(native, in_any_order=True)
    for _ in range(2):  # as they are made to go on: side by side
        for walk in walks:
            next(walk)
            assert native.noise is None
            again = [reference.rungs(native, inputs.weights, 0) for _ in range(2)]
            for (_, one), (_, other) in zip(*again, strict=True):
                assert all(np.array_equal(one[name], other[name]) for name in one)


def test_a_step_between_checkpoints_is_that_of_the_whole_run(tmp_path: Path) -> None:
    experiment = prepare(f"{written(tmp_path, steps=6)}", "float32")
    inputs = Store(tmp_path / "arrays").inputs(experiment, "cpu", 1)
    port = contract.load(inputs.reference, inputs.net)
    ran = reference.run(port, inputs)
    native = Native(port, inputs, "float64")
    model = native.build(wide_all(inputs.weights))
    due, _ = native.export(*native.train(model, part(inputs.schedule, 0, 4), inputs.learning_rate))
    found = floors.retrace(port, inputs, 2, ran.path[2], 4).weights
    for name, weights in due.items():
        assert np.array_equal(found[name], weights)


def test_a_reference_that_lacks_what_is_compared_is_refused(
    compare: Compare, tmp_path: Path
) -> None:
    run = compare(written(tmp_path, functions=["forward", "layers"]), "--dtype", "float32")
    assert run.status == 3
    assert "the reference has no layers, which its recipe compares" in run.stderr


def test_a_floor_that_is_no_number_is_refused() -> None:
    soundness.check_floors({("loss", 0): {"loss": 1e-7}})
    for floor in (float("inf"), float("nan")):
        with pytest.raises(PortError, match="rounding alone moves loss on the rung loss at step 2"):
            soundness.check_floors({("loss", 2): {"loss": floor}})


NUMBER = re.compile(r"-?\d+\.\d+")
HEADLINE = re.compile(r"mlp_numpy.py (float\d\d) differs first on forward, step 0, outputs")


def words(line: str, count: int = 3) -> list[str]:
    """Return the first words of a line, without numbers, which each processor rounds as it does."""
    return NUMBER.sub("number", re.sub(r"\d+(\.\d+)?e[+-]\d+", "number", line)).split()[:count]


def assert_same_values(run: Run, shown: list[str], said: list[str]) -> None:
    """Check that values that are expected are the same on two processors, by their noise floors."""
    floor, compared = math.nan, 0
    for one, other in zip(shown, said, strict=True):
        if headline := HEADLINE.fullmatch(one):
            ratios = run.result("mlp_numpy.py", headline[1])["ratios"]
            (floor,) = (
                at["floor"]
                for at in ratios
                if (at["rung"], at["step"], at["tensor"]) == ("forward", 0, "outputs")
            )
        elif one.startswith("  ["):
            first, second = (float(NUMBER.findall(line)[0]) for line in (one, other))
            assert abs(first - second) <= LIMIT * floor
            compared += 1
    assert compared == 10


def test_the_page_shows_what_is_printed(compare: Compare, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "your-net.md").read_text().partition("\n## The reference\n")[2]
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    (reference, in_python, build, data, port), (recipe, renames, known), plain = (
        [block for tag, block in blocks if tag == language] for language in ("python", "toml", "")
    )
    printed, expected, checked = plain
    compile(in_python, "recipe.py", "exec")
    assert 'reference = "mlp_torch.py"' in in_python
    assert "weights is not None" in build
    made: dict[str, Any] = {}
    exec(data, made)
    assert own_data.dataset(tmp_path, made["data"](), True).x.keys() == {"tokens", "mask"}
    *all_ports, one_port = tomllib.loads(renames)["rename"].values()
    assert all(map(is_expression, (*all_ports, *one_port.values())))
    written(tmp_path)
    with np.load(tmp_path / "data.npz") as arrays:
        np.savez(tmp_path / "data.npz", x=arrays["x"], y=arrays["y"])
    for name, content in (("torch.py", reference), ("numpy.py", port), (".toml", recipe)):
        (tmp_path / f"mlp{name if name == '.toml' else f'_{name}'}").write_text(content)
    command, *due = printed.splitlines()
    assert command == "$ python compare.py mlp.toml --with mlp_numpy.py --steps 5"
    run = compare(tmp_path / "mlp.toml", f"--with={tmp_path / 'mlp_numpy.py'}", "--steps", 5)
    assert run.status == 1
    assert [*map(words, run.stdout.splitlines())][:-1] == [*map(words, due)][:-1]
    assert_same_values(run, run.stdout.splitlines(), due)
    corrected = port.replace("ddof=1, ", "")
    assert port != corrected
    (tmp_path / "right.py").write_text(corrected)
    (tmp_path / "mlp.toml").write_text(f"{recipe}\n{known}")
    ports = [f"--with={tmp_path / name}" for name in ("mlp_numpy.py", "right.py")]
    run = compare(tmp_path / "mlp.toml", *ports, "--steps", 5, "--vectors", tmp_path / "vectors")
    assert run.status == 0, run.stdout
    shown = [*map(words, run.stdout.splitlines())]
    assert [w for w in map(words, expected.splitlines()[2:-1]) if w not in shown] == []
    vectors, said = tmp_path / "vectors" / "mlp-float32", checked.splitlines()
    for source, status, line, same in ((port, 1, said[3], 11), (corrected, 0, said[6], 9)):
        answers = answer(loaded(source), vectors, tmp_path / f"{status}")
        found = check(vectors, answers, "*/forward")
        assert found.status == status
        assert words(found.said, same) == words(line, same)
