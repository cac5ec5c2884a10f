"""Inside a forward pass that differs: which layer, and which line, is the first wrong one."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity import contract
from parity.contract import PortName
from parity.judging.layers import _came_up, _comes_from
from parity.results import Inside, Layer
from parity.rungs.looking import NEAREST
from parity.standard import layers
from parity.standard.inputs import Store
from parity.standard.inside import ReferenceLayers, _made, nearest
from parity.standard.native import Native
from parity.standard.returned import Reader
from shared.experiment import prepare
from shared.rounding import NoiseLostError
from tests.running import PORTS, Compare
from tests.test_own_recipes import withs, written

NETS = {name: (PORTS / f"mlp_{name}.py").read_text() for name in ("torch", "jax", "tensorflow")}
INFERENCE = 'functions = ["build", "forward"]\n'
LAYERS = """

def layers(params, x):
    h = x @ params["0.weight"].T + params["0.bias"]
    return {"0": h}
"""
# A reference that says by itself what its layers are.
OWN_LAYERS = """

def layer(params, name, h):
    if name == "first":
        return h @ params["0.weight"].T + params["0.bias"]
    if name == "norm":
        mean, variance = h.mean(1, keepdims=True), h.var(1, keepdims=True)
        h = (h - mean) / jnp.sqrt(variance + 1e-5)
        return h * params["1.weight"] + params["1.bias"]
    h = jax.nn.gelu(h, approximate=False)
    return h @ params["3.weight"].T + params["3.bias"]


def layers(params, x):
    first = layer(params, "first", x)
    norm = layer(params, "norm", first)
    return {"first": first, "norm": norm, "last": layer(params, "last", norm)}
"""


def changed(folder: Path, name: str, framework: str, right: str, wrong: str) -> str:
    """Write a port with a mistake."""
    source = NETS[framework]
    assert source.count(right) == 1
    (folder / name).write_text(source.replace(right, wrong))
    return name


def only_forward(recipe: Path) -> Path:
    recipe.write_text(INFERENCE + recipe.read_text())
    return recipe


def test_the_first_wrong_layer_of_a_reference_with_modules_is_named(
    compare: Compare, tmp_path: Path
) -> None:
    recipe = only_forward(written(tmp_path))
    gelu = "approximate=False", "approximate=True"
    ports = [
        changed(tmp_path, "no_layers.py", "jax", *gelu),
        changed(tmp_path, "modules.py", "torch", "nn.LayerNorm(8)", "nn.LayerNorm(8, eps=1e-3)"),
        changed(tmp_path, "between.py", "torch", "return model(x)", "return model(x.flip(1))"),
    ]
    run = compare(recipe, "--dtype", "float64", *withs(tmp_path, ports))
    assert run.status == 1, run.stderr
    found = {name: run.result(name, "float64") for name in ports}
    assert found["no_layers.py"]["first_wrong"]["layer"] == "2"
    came_out = [layer["came_out"] for layer in found["no_layers.py"]["layers"]]
    assert came_out == [True, True, False, False]
    assert found["modules.py"]["first_wrong"]["layer"] == "1"
    given = [layer["given"] for layer in found["modules.py"]["layers"]]
    assert given == [True, False, True, True]
    assert found["between.py"]["first_wrong"]["layer"] == "0"
    assert "first wrong layer: 2 (GELU)" in run.stdout
    assert "first wrong: what goes into 0 (Linear)" in run.stdout
    assert "right, given the reference's own inputs: 2 and 3" in run.stdout


def test_a_port_may_give_some_layers(compare: Compare, tmp_path: Path) -> None:
    recipe = only_forward(written(tmp_path))
    (tmp_path / "some.py").write_text(NETS["jax"] + LAYERS)
    (tmp_path / "wrong.py").write_text(NETS["jax"] + LAYERS.replace('{"0": h}', '{"0": -h}'))
    (tmp_path / "unknown.py").write_text(NETS["jax"] + LAYERS.replace('"0": h', '"zero": h'))
    ports = ["mlp_jax.py", "some.py", "wrong.py", "unknown.py"]
    run = compare(recipe, "--dtype", "float32", *withs(tmp_path, ports))
    plain, some, wrong, unknown = (run.result(name, "float32") for name in ports)
    assert plain["verdict"] == some["verdict"] == "agree"
    assert some["compared"] > plain["compared"]
    assert wrong["verdict"] == "disagree"
    assert wrong["divergence"]["tensor"] == "0"
    assert unknown["verdict"] == "error"
    assert "zero" in unknown["error"]
    assert "does not provide layers" not in run.stdout


def test_lines_and_the_ports_own_names_tell_where_the_reference_has_none(
    compare: Compare, tmp_path: Path
) -> None:
    recipe = only_forward(written(tmp_path, reference="mlp_jax.py"))
    eps = "nn.LayerNorm(8)", "nn.LayerNorm(8, eps=1e-3)"
    ports = [
        changed(tmp_path, "modules.py", "torch", *eps),
        changed(tmp_path, "plain.py", "jax", "approximate=False", "approximate=True"),
    ]
    run = compare(recipe, "--dtype", "float64", *withs(tmp_path, ports))
    modules, plain = (run.result(name, "float64")["first_wrong"] for name in ports)
    assert modules["layer"] == "1"
    assert plain["layer"] is None
    assert "jax.nn.gelu" in plain["line"]
    assert plain["line"].startswith("mlp_jax.py:")


def test_a_reference_may_say_itself_what_its_layers_are(compare: Compare, tmp_path: Path) -> None:
    (tmp_path / "reference.py").write_text(NETS["jax"] + OWN_LAYERS)
    recipe = written(tmp_path, reference="reference.py", functions=["build", "forward", "layers"])
    wrong = (NETS["jax"] + OWN_LAYERS).replace("variance + 1e-5", "variance + 1e-3")
    (tmp_path / "wrong.py").write_text(wrong)
    run = compare(recipe, "--dtype", "float64", *withs(tmp_path, ["mlp_torch.py", "wrong.py"]))
    assert run.result("mlp_torch.py", "float64")["verdict"] == "agree"
    found = run.result("wrong.py", "float64")
    assert found["divergence"]["tensor"] == "norm"
    assert found["first_wrong"]["layer"] == "norm"
    assert [layer["given"] for layer in found["layers"]] == [True, False, True]


def test_the_loss_is_looked_into_where_it_alone_differs(compare: Compare, tmp_path: Path) -> None:
    scaled = "F.cross_entropy(model[3](model[2](model[1](model[0](x)) * 1.1)), y)"
    wrong = changed(tmp_path, "wrong.py", "torch", "F.cross_entropy(model(x), y)", scaled)
    recipe = written(tmp_path, functions=["build", "forward", "loss"])
    run = compare(recipe, "--dtype", "float64", *withs(tmp_path, [wrong]))
    found = run.result(wrong, "float64")
    assert found["divergence"]["rung"] == "loss"
    assert found["first_wrong"]["layer"] == "2"
    assert found["layers"][2]["given"] is True


@pytest.mark.parametrize(
    ("layers", "first"),
    [
        (["right right", "wrong wrong", "wrong right"], 1),
        (["right right", "wrong -", "right right", "wrong -"], 3),  # the second is fused
        (["wrong wrong", "right right", "wrong right"], 0),  # two branches
        (["right -", "wrong right", "wrong wrong"], 1),
        (["right right", "right right"], None),
        ([], None),
    ],
)
def test_the_first_wrong_layer(layers: list[str], first: int | None) -> None:
    told = {"right": True, "wrong": False, "-": None}
    words = [each.split() for each in layers]
    found = tuple(
        Layer(f"{i}", None, told[out], told[given]) for i, (out, given) in enumerate(words)
    )
    assert Inside(found).wrong == (None if first is None else found[first])


def test_a_branch_beside_a_wrong_layer_tells_nothing_of_it() -> None:
    stem, wrong = Layer("stem", None, True, None), Layer("conv", None, False, None)
    short = Layer("short", None, True, None, direct=True, apart=True)
    after = Layer("next", None, False, None)
    assert Inside((stem, wrong, short, after)).wrong is wrong
    fused = Layer("norm", None, True, None, direct=True)  # it is given what the wrong one gives
    assert Inside((stem, wrong, fused, after)).wrong is after


def test_what_goes_in_comes_from_others_or_not() -> None:
    one, two = np.arange(3.0), np.arange(3.0) + 1
    reference = ReferenceLayers(
        *({}, {"one": one, "two": two}, {}, {"add": (one, two), "relu": (two,)}, {}, {}, {}, {}, {})
    )
    told = [_comes_from(reference, name, ["one", "two"]) for name in ("add", "relu", "one")]
    assert told == [True, True, False]
    assert [_comes_from(reference, name, ["two"]) for name in ("add", "relu")] == [False, True]


def test_a_weight_that_is_given_as_it_is_need_not_come_up() -> None:
    ratios = {"near": np.array(1.0), "far": np.array(1e9)}
    weights = [np.arange(6, dtype=np.float32).reshape(3, 2)]
    rows, other = np.arange(4.0).reshape(2, 2), np.ones((2, 2))
    told = [
        _came_up({NEAREST: ratios}, name, value, weights)
        for name in ("near", "far", "unseen")
        for value in (rows, other)
    ]
    assert told == [True, True, None, False, None, None]
    assert _came_up({NEAREST: ratios}, "far", np.array(1.0), weights) is False  # a loss, say


def test_values_are_found_in_any_order_within_their_floors() -> None:
    value = np.arange(6.0).reshape(2, 3)
    others = [(np.ones((3, 2)), 1.0), (value.T + 0.25, 0.5), (np.arange(7.0), 1.0)]
    assert nearest(value, others) == 0.5
    assert nearest(value, []) == np.inf


def _port(framework: str) -> contract.Port:
    return contract.load(PortName(framework), "mnist")


def test_a_layer_that_cannot_be_called_alone_hides_no_other(tmp_path: Path) -> None:
    inputs = Store(tmp_path).inputs(prepare("mnist", "float32", 1, choice="digits"), "cpu", 1)
    native = Native(_port("numpy"), inputs, "float32")

    def takes_a_list(states: Any) -> Any:
        raise ValueError("as a recurrent layer's cell does")

    def loses(states: Any) -> Any:
        raise NoiseLostError("nothing errs in it")

    assert _made(native, takes_a_list, (np.ones(3),), "cell") == {}
    assert list(_made(native, np.negative, (np.ones(3),), "dense")) == ["dense"]
    with pytest.raises(NoiseLostError):
        _made(native, loses, (np.ones(3),), "cell")


def test_modules_are_seen_before_what_overwrites_their_results() -> None:
    import torch

    port = _port("torch")
    model: Any = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU(inplace=True))
    torch.nn.init.constant_(model[0].weight, -1.0)
    with layers.watched(port, Reader(port, "float32", 100), model) as calls:
        model(torch.ones(1, 2))
        model(torch.ones(1, 2))
    assert [call.layer for call in calls] == ["0", "1", "0", "1"]
    assert (calls[0].outputs["0"] < 0).all()
    assert list(calls[2].outputs) == ["0 (2)"]
    model(torch.ones(1, 2))
    assert len(calls) == 4, "it is still watched"


def test_a_layer_of_keras_that_takes_several_shapes_is_seen() -> None:
    from tensorflow import keras

    port, inputs = _port("tensorflow"), keras.Input((2, 2, 3))
    squeezed = keras.layers.GlobalAveragePooling2D(keepdims=True, name="mean")(inputs)
    model = keras.Model(inputs, keras.layers.Multiply(name="scale")([inputs, squeezed]))
    with layers.watched(port, Reader(port, "float32", 100), model) as calls:
        model(np.ones((1, 2, 2, 3), np.float32))
    assert [call.layer for call in calls][:2] == ["mean", "scale"]
    assert calls[1].arguments is None


def test_keras_layers_are_called_as_people_call_them() -> None:
    from tensorflow import keras

    class Net(keras.Model):  # type: ignore[misc] # Keras comes without types
        def __init__(self) -> None:
            super().__init__()
            self.first = keras.layers.Dense(3)
            self.rest = keras.Sequential(
                [keras.layers.Dense(3), keras.layers.Dense(3), keras.layers.Dense(1, name="last")]
            )

    names = list(layers.named(_port("tensorflow"), Net()))
    assert names == ["first", "rest", "rest.dense", "rest.dense_1", "rest.last"]
