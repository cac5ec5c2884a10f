"""`assert_agree`: functions held to each other, in any two frameworks, without a tolerance."""

import copy
import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lockstep import Agreement, InputError, assert_agree
from tests.running import ROOT

pytestmark = pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")  # of frameworks' imports
FRAMEWORKS = ("numpy", "torch", "jax", "tensorflow")
PATHS = {"outputs['hidden']", "outputs['outputs'][0]", "outputs['outputs'][1]"}


def blocks(framework: str) -> Any:
    """Import the functions of one framework."""
    return importlib.import_module(f"tests.blocks.{framework}")


def given(dtype: str = "float32") -> tuple[Any, dict[str, Any]]:
    random = np.random.default_rng(2)
    w = {"W1": random.standard_normal((8, 12)) / 3, "b1": random.standard_normal(12)}
    w["W2"] = random.standard_normal((12, 5)) / 3
    return random.standard_normal((7, 8)).astype(dtype), {k: v.astype(dtype) for k, v in w.items()}


def plain(dtype: str = "float32") -> Any:
    return given(dtype)[0]


# What agrees


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("reference", "port"), list(permutations(FRAMEWORKS, 2)))
def test_a_block_agrees_with_itself_in_another_framework(
    reference: str, port: str, dtype: str
) -> None:
    wrt = () if "numpy" in (reference, port) else (0, 1)
    held, other = blocks(reference).block, blocks(port).block
    agreement = assert_agree(held, other, *given(dtype), wrt=wrt)
    names = {f"gradients{path}" for path in ("[0]", "[1]['W1']", "[1]['b1']", "[1]['W2']")}
    assert agreement.ratios.keys() == (PATHS | names if wrt else PATHS)
    assert 0 < agreement.ratio == max(agreement.ratios.values()) <= 4
    assert agreement.compared == 7 * (12 + 5 + 5) + (7 * 8 + 8 * 12 + 12 + 12 * 5 if wrt else 0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_module_is_held_to_the_same_in_jax(dtype: str) -> None:
    torch, x, w = blocks("torch"), *given()
    module = torch.Layers(w)
    functions = (lambda x: blocks("jax").block(x, w), partial(blocks("jax").block, w=w))
    for port in functions:
        assert_agree(module, port, x.astype(dtype), wrt=0, framework="jax")
    assert_agree(lambda x: module(x)["hidden"], lambda x: functions[1](x)["hidden"], x)
    assert_agree(functions[1], module.forward, x.astype(dtype))


def test_a_layer_of_keras_in_tensorflow_is_held_to_jax() -> None:
    x, w = given()
    model = blocks("tensorflow").dense(w)
    before = [value.numpy() for value in model.variables]
    jax = importlib.import_module("jax")

    def port(x: Any) -> Any:
        return jax.numpy.tanh(x @ w["W1"] + w["b1"]) / np.float32(np.sqrt(1 + 1e-5))

    def training(x: Any) -> Any:
        return model(x, training=True)

    def normalized(x: Any) -> Any:
        return blocks("jax").normalized(jax.numpy.tanh(x @ w["W1"] + w["b1"]))

    assert_agree(model, port, x, wrt=0)
    assert_agree(port, model, x)
    assert_agree(training, normalized, x, framework="jax")
    assert_agree(training, normalized, x.astype("float64"), framework="jax")
    assert [variable.dtype for variable in model.variables] == ["float32"] * len(before)
    for variable, value in zip(model.variables, before, strict=True):
        assert np.array_equal(variable.numpy(), value)
    assert model(x).dtype == "float32"


EXACT: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "reshape": (lambda x: x.reshape(-1, 4), lambda x: x.view(-1, 4)),
    "transpose": (lambda x: x.T, lambda x: x.permute(1, 0)),
    "rows": (lambda x: x[[2, 0]], lambda x: x[[2, 0]]),
    "one number": (lambda x: x[1, 1], lambda x: x[1, 1]),
    "largest": (lambda x: x.max(1), lambda x: x.amax(1)),
    "which is largest": (lambda x: x.argmax(1), lambda x: x.argmax(1)),
    "comparison": (lambda x: x > 0, lambda x: x > 0),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", EXACT)
def test_what_rounds_nothing_is_exact(name: str, dtype: str) -> None:
    held, other = EXACT[name]
    array = plain(dtype)
    how = {"framework": "torch", "reference_framework": "numpy"}
    assert assert_agree(held, other, array, **how).ratio == 0  # type: ignore[arg-type] # names
    if name not in ("which is largest", "comparison"):
        swapped = {"framework": "numpy", "reference_framework": "torch"}
        assert_agree(other, lambda x: np.array(held(x)), array, **swapped)  # type: ignore[arg-type]
        with pytest.raises(AssertionError, match="over the limit"):
            assert_agree(held, lambda x: other(x) * (1 + 2e-6), plain(), **how)  # type: ignore[arg-type]


def test_whole_numbers_that_rounding_decides_are_left_out() -> None:
    x = np.zeros((3, 4), np.float32)
    x[1:, 2] = 1
    x[0] = 0.1 + np.arange(4) * 1e-9

    def held(x: Any) -> Any:
        return (x * np.float32(3.3)).argmax(1)

    assert assert_agree(held, lambda x: np.array([3, 2, 2]), x).compared == 3
    with pytest.raises(AssertionError, match="1 of 3 values"):
        assert_agree(held, lambda x: np.array([3, 2, 1]), x)
    with pytest.raises(InputError, match="rounding alone decides every value of outputs"):
        assert_agree(held, held, x[:1])


def test_plain_values_are_passed_on_and_lists_and_tuples_are_kept() -> None:
    seen: list[Any] = []

    def held(pair: Any, times: int, how: str | None) -> Any:
        seen.append((type(pair), type(pair[1]), times, how))
        return [pair[0] * times, (pair[1][0] / 3,)]

    x = plain()
    agreement = assert_agree(held, held, (x, [x]), 3, None)
    assert set(seen) == {(tuple, list, 3, None)}
    assert set(agreement.ratios) == {"outputs[0]", "outputs[1][0]"}


# What does not


MISTAKES = ("tanh_for_erf", "other_epsilon", "wrong_axis", "transposed", "not_a_number")


@pytest.mark.parametrize("reference", ["numpy", "jax", "tensorflow"])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_torch_is_caught(mistake: str, reference: str) -> None:
    with pytest.raises(AssertionError, match=f"{mistake} .torch. does not agree with block"):
        assert_agree(blocks(reference).block, getattr(blocks("torch"), mistake), *given())


def test_float32_inside_float64_is_caught_on_either_side() -> None:
    torch = blocks("torch")
    with pytest.raises(AssertionError, match=r"values are over the limit, the worst by a ratio of"):
        assert_agree(blocks("numpy").block, torch.through_float32, *given("float64"))
    with pytest.raises(InputError, match="rounds to float32 on its way to outputs"):
        assert_agree(torch.through_float32, blocks("numpy").block, *given("float64"))


def test_images_flattened_pixel_by_pixel_are_caught() -> None:
    images = np.random.default_rng(1).standard_normal((2, 3, 4, 4)).astype("float32")
    assert_agree(blocks("torch").flat, blocks("jax").flat, images)
    with pytest.raises(AssertionError, match="flat_by_pixel"):
        assert_agree(blocks("jax").flat, blocks("torch").flat_by_pixel, images)


def test_gelu_of_tensorflow_rounds_a_constant_to_float32() -> None:
    torch, tensorflow = importlib.import_module("torch"), blocks("tensorflow")
    assert_agree(torch.nn.GELU(), tensorflow.gelu, plain(), wrt=0)
    with pytest.raises(
        AssertionError, match=r"^gelu .tensorflow. does not agree with GELU .torch."
    ):
        assert_agree(torch.nn.GELU(), tensorflow.gelu, plain("float64"))


def test_a_gradient_that_is_wrong_is_caught_where_outputs_agree() -> None:
    torch = importlib.import_module("torch")

    def port(x: Any) -> Any:
        return torch.tanh(x) * 0.5 + torch.tanh(x).detach() * 0.5

    assert_agree(torch.tanh, port, plain())
    with pytest.raises(
        AssertionError, match=r"\ngradients\[0\]: 56 of 56 values(.|\n)*1 other arr"
    ):
        assert_agree(torch.tanh, port, plain(), wrt=0)


@pytest.mark.parametrize("framework", ["torch", "jax", "tensorflow"])
def test_the_gradient_of_normalized_outputs_is_none_of_zeros(framework: str) -> None:
    def normalized(x: Any, w: Any) -> Any:
        return blocks("torch").block(x, w)["hidden"]

    def wrong(x: Any, w: Any) -> Any:
        importlib.import_module("torch")
        hidden = normalized(x, w)
        return hidden.detach() + 0.99 * (hidden - hidden.detach())

    def other(x: Any, w: Any) -> Any:
        return blocks(framework).block(x, w)["hidden"]

    how: Any = {"framework": "torch", "reference_framework": framework}
    assert_agree(other, normalized, *given(), wrt=0, **how)
    with pytest.raises(AssertionError, match=r"gradients\[0\]: \d\d of 56 values"):
        assert_agree(other, wrong, *given(), wrt=0, **how)


@pytest.mark.parametrize("framework", ["torch", "jax", "tensorflow"])
def test_the_gradient_of_a_loss_is_its_own(framework: str) -> None:
    def loss(x: Any) -> Any:
        return (
            (x * x).sum()
            if framework != "tensorflow"
            else importlib.import_module("tensorflow").reduce_sum(x * x)
        )

    tools = importlib.import_module(f"impls.{framework}.functions")
    runtime = importlib.import_module(f"impls.{framework}.runtime")
    weights = importlib.import_module("parity.functions.side").weights
    x = runtime.to_native(plain())
    _, [gradient] = tools.differentiate(lambda leaves: {"outputs": loss(*leaves)}, [x], weights)
    assert np.array_equal(runtime.to_numpy(gradient), 2 * plain())


def test_the_text_shows_the_first_array_that_differs() -> None:
    def held(x: Any) -> Any:
        return {"a": x * 3, "b": x / 3, "c": x + 1}

    def port(x: Any) -> Any:
        return {"a": x * 3, "b": x / 3 + np.eye(7, 8, dtype=x.dtype), "d": x}

    with pytest.raises(AssertionError) as failed:
        assert_agree(held, port, plain())
    first, second, heading, *rows, missing, further, others, legend = str(failed.value).splitlines()
    assert first == "port (numpy) does not agree with held (numpy) in float32"
    assert second.startswith(
        "outputs['b']: 7 of 56 values are over the limit, the worst by a ratio"
    )
    assert heading.split() == ["index", "expected", "got"]
    assert len(rows) == 5
    assert missing == "outputs['c'] is missing, where an array of shape (7, 8) is expected"
    assert further == "outputs['d'] is an array of shape (7, 8), where nothing is expected"
    assert others == "1 other array agrees"
    assert legend.endswith("up to 8 agrees.")


@pytest.mark.parametrize(
    ("port", "words"),
    [
        (lambda x: x.T * 3, r"outputs is shape \(8, 7\), where an array of shape \(7, 8\)"),
        (lambda x: x.astype("float64") * 3, "outputs is float64, where an array of float32 is"),
        (lambda x: None, "at outputs, returned None"),
        (lambda x: {}, r"outputs is missing, where an array of shape \(7, 8\) is expected"),
    ],
)
def test_what_is_no_such_array_does_not_agree(port: Callable[[Any], Any], words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        assert_agree(lambda x: x * 3, port, plain())


# What cannot be judged


def lossy(x: Any) -> Any:
    return np.asarray(x) * 3.3


UNUSABLE: dict[str, tuple[Callable[..., Any], tuple[Any, ...], str]] = {
    "random": (
        lambda x: x + np.random.rand(),
        (plain(),),
        r"not deterministic: at \[0, 0\] of out",
    ),
    "lost noise": (lossy, (plain(),), "rounding in lossy .numpy. cannot be measured"),
    "lost in float64": (lossy, (plain("float64"),), "rounding in lossy .numpy. cannot be measured"),
    "not a number": (lambda x: x * np.nan, (plain(),), "56 of 56 values that are no finite number"),
    "nothing": (lambda x: {}, (plain(),), "returned nothing"),
    "empty": (lambda x: x[:0], (plain(),), r"outputs of shape \(0, 8\), without a value"),
    "None": (lambda x: None, (plain(),), "returned None"),
    "mixed": (
        np.add,
        (plain(), plain("float64")),
        r"arguments\[0\] is float32 and arguments\[1\] is",
    ),
    "half": (np.tanh, (plain("float16"),), r"arguments\[0\] is an array of float16"),
    "an object": (np.tanh, ({"a": object()},), r"arguments\[0\]\['a'\] is of type builtins.object"),
    "wider": (
        lambda x: x * np.full(8, 0.1),
        (plain(),),
        "called in float32, returned outputs in f",
    ),
    "narrower": (lambda x: x.astype("float32"), (plain("float64"),), "called in float64, returned"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_reference_or_arrays_that_cannot_be_used(name: str) -> None:
    reference, arrays, words = UNUSABLE[name]
    with pytest.raises(InputError, match=words):
        assert_agree(reference, np.tanh, *arrays)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"framework": "pytorch"}, "there is no framework 'pytorch': did you mean torch?"),
        ({"reference_framework": "mxnet"}, "choose from jax, numpy, tensorflow, torch"),
        ({"wrt": 1}, "wrt is 1, where the number of an argument is expected: 0 to 0"),
        ({"wrt": 0}, "tanh is written in numpy, which cannot differentiate"),
    ],
)
def test_options_that_cannot_be_used(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        assert_agree(np.tanh, np.tanh, plain(), **options)
    with pytest.raises(InputError, match="the port is of type int, and cannot be called"):
        assert_agree(np.tanh, 3, plain())  # type: ignore[arg-type] # it is wrong


def test_random_numbers_of_torch_jax_and_keras_in_tensorflow_are_refused() -> None:
    torch, keras = importlib.import_module("torch"), blocks("tensorflow").keras
    dropout = partial(keras.layers.Dropout(0.5), training=True)
    with pytest.raises(InputError, match="not deterministic"):
        assert_agree(torch.nn.Dropout(), np.tanh, plain())
    with pytest.raises(InputError, match="not deterministic"):
        assert_agree(dropout, np.tanh, plain())
    with pytest.raises(InputError, match="computes something else in float32 than in float64"):
        assert_agree(blocks("jax").dropped, np.tanh, plain())


def test_layers_of_tensorflow_and_torch_that_cannot_be_used() -> None:
    torch, keras = importlib.import_module("torch"), blocks("tensorflow").keras
    with pytest.raises(InputError, match="is not built, so it has no weights yet: call it once"):
        assert_agree(keras.layers.Dense(3), np.tanh, plain())
    with pytest.raises(
        InputError, match=r"of shape \(3, 8\) is bfloat16, where float32 or float64"
    ):
        assert_agree(torch.nn.Linear(8, 3).bfloat16(), np.tanh, plain())


def test_what_a_function_raises_comes_out_with_how_it_was_called() -> None:
    def held(x: Any) -> Any:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine") as failed:
        assert_agree(held, np.tanh, plain())
    assert "The reference held (numpy) was called in float64" in failed.value.__notes__[0]
    with pytest.raises(ZeroDivisionError) as failed:
        assert_agree(np.tanh, held, plain())
    assert failed.value.__notes__ == ["The port held (numpy) was called in float32."]


# Which framework a function is of


def of_torch_inside(x: Any) -> Any:
    import torch

    return torch.tanh(x)


class Holder:
    """Somebody's own class around a module."""

    def __init__(self, layer: Any) -> None:
        self.layer = layer

    def __call__(self, x: Any) -> Any:
        return self.layer(x)

    def loss(self, x: Any) -> Any:
        return self.layer(x).square().mean()


def test_the_framework_of_a_function_is_found() -> None:
    torch, jax = importlib.import_module("torch"), importlib.import_module("jax")
    tf = importlib.import_module("tensorflow")
    frameworks = importlib.import_module("parity.functions.frameworks")
    holder = Holder(torch.nn.Linear(2, 3))

    def helper(x: Any) -> Any:
        return of_torch_inside(x)

    def several(x: Any) -> Any:
        return torch.tensor(jax.numpy.tanh(x))

    found = {
        "torch": [of_torch_inside, helper, holder, holder.loss, torch.tanh, torch.compile(helper)],
        "jax": [jax.jit(lambda x: x), jax.numpy.tanh, jax.nn.relu, lambda x: jax.numpy.tanh(x)],
        "tensorflow": [tf.function(lambda x: x), tf.tanh, tf.keras.layers.Dense(3)],
        "numpy": [np.tanh, lambda x: x.T, given, partial(np.mean, axis=0)],
    }
    for framework, functions in found.items():
        for function in functions:
            got = frameworks.framework_of(function, None, "framework").name
            assert got == framework, function
    with pytest.raises(InputError, match=r'several uses jax and torch: .* with framework="jax"'):
        assert_agree(np.tanh, several, plain())
    with pytest.raises(InputError, match='reference_framework="jax"'):
        assert_agree(several, np.tanh, plain())


# What it leaves behind


def state() -> dict[str, Any]:
    """Return what is set for a whole process, and what could be in the way of a caller's."""
    torch, jax = importlib.import_module("torch"), importlib.import_module("jax")
    tf = importlib.import_module("tensorflow")
    return {
        "torch": torch.get_default_dtype(),
        "torch's products": torch.get_float32_matmul_precision(),
        "torch's threads": torch.get_num_threads(),
        "x64": jax.config.jax_enable_x64,
        "jax's products": jax.config.jax_default_matmul_precision,
        "jit": jax.config.jax_disable_jit,
        "floatx": tf.keras.backend.floatx(),
        "policy": tf.keras.config.dtype_policy().name,
        "eager": tf.config.functions_run_eagerly(),
        "tf32": tf.config.experimental.tensor_float_32_execution_enabled(),
        "path": list(sys.path),
        "finders": list(sys.meta_path),
        "modules": {name: id(module) for name, module in sys.modules.items() if is_ours(name)},
    }


def is_ours(name: str) -> bool:
    return name.partition(".")[0] in ("impls", "parity", "shared")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_all_is_as_it_was(dtype: str) -> None:
    def fails(x: Any, w: Any) -> Any:
        raise ZeroDivisionError

    x, w = given(dtype)
    functions = [blocks(framework).block for framework in FRAMEWORKS]
    assert_agree(functions[1], functions[2], x, w)
    kept, before = state(), copy.deepcopy((x, w))
    for held, other in zip(functions, [*functions[1:], functions[0]], strict=True):
        assert_agree(held, other, x, w)
        with pytest.raises(ZeroDivisionError):
            assert_agree(held, fails, x, w)
    for framework in FRAMEWORKS:
        with pytest.raises(ZeroDivisionError):
            assert_agree(fails, fails, x, w, reference_framework=framework, framework=framework)
    assert state() == kept
    assert np.array_equal(x, before[0])
    assert all(np.array_equal(w[name], before[1][name]) for name in w)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_module_is_as_it_was(dtype: str) -> None:
    module = blocks("torch").Normalized(8)
    before = {name: (value, value.clone()) for name, value in module.state_dict().items()}
    assert_agree(module, blocks("jax").normalized, plain(dtype), wrt=0)
    with pytest.raises(AssertionError):
        assert_agree(blocks("jax").normalized, lambda x: module(x) * 2, plain(dtype))
    for name, value in module.state_dict().items():
        same, was = before[name]
        assert value.data_ptr() == same.data_ptr(), name
        assert value.dtype == was.dtype
        assert value.equal(was)
    assert all(parameter.grad is None for parameter in module.parameters())


def test_functions_get_copies() -> None:
    def writes(x: Any) -> Any:
        x *= 3
        return x

    array = plain()
    assert_agree(writes, writes, array)
    assert np.array_equal(array, plain())
    assert isinstance(assert_agree(writes, lambda x: x * 3, array[::-1, ::2]), Agreement)


def test_a_framework_that_no_function_uses_is_not_imported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("torch", "jax", "tensorflow"):
        monkeypatch.setitem(sys.modules, name, None)  # importing it fails
    assert_agree(np.tanh, lambda x: np.sinh(x) / np.cosh(x), plain())


# In somebody's own tests


OWN = """
import sys
from pathlib import Path

import numpy as np
import pytest

import lockstep
import shared
from parity import odd
from shared import tripled


def held(x):
    import impls  # while it is called, too
    assert impls.MINE
    return tripled(np.tanh(x))


X = np.linspace(-2, 2, 12, dtype="float32").reshape(3, 4)


def test_agrees(agree):
    agree(held, lambda x: 3 * np.sinh(x) / np.cosh(x), X)
    agree(held, held, X)
    assert sys.modules["shared"] is shared
    assert not [name for name in sys.modules if name.startswith(("shared.", "parity.", "impls."))]
    assert Path(shared.__file__).parent == Path(__file__).parent
    from parity import even
    assert odd(3) and even(2)
    assert not [path for path in sys.path if Path(path).name == "tree"]


@pytest.mark.parametrize("number", range(3))
def test_differs(agree, number):
    agree(held, lambda x: tripled(x), X)


def test_without():
    assert lockstep.assert_agree(held, held, X).ratio <= 1
"""


def own_tests(folder: Path, *options: str) -> str:
    """Run tests in a folder of somebody's own, where Lockstep is installed; return what is said."""
    (folder / "site").mkdir()
    (folder / "site" / "lockstep").symlink_to(ROOT / "lockstep")
    (folder / "test_own.py").write_text(OWN)
    (folder / "shared.py").write_text("def tripled(x): return 3 * x\n")
    (folder / "impls.py").write_text("MINE = True\n")
    (folder / "parity.py").write_text("def odd(n): return n % 2\ndef even(n): return not n % 2\n")
    variables = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(folder / "site")}
    plugins = ("-plockstep.pytest_plugin", "-pxdist", "-pno:cacheprovider")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "-Werror", *plugins, *options],
        cwd=folder,
        env={**os.environ, **variables, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def test_own_tests_with_modules_of_the_same_names(tmp_path: Path) -> None:
    printed = own_tests(tmp_path)
    assert "3 failed, 2 passed" in printed, printed
    shown = [line for line in printed.splitlines() if line.startswith((">", "E  "))]
    assert shown[0] == ">       agree(held, lambda x: tripled(x), X)"
    assert (
        "AssertionError: a lambda (numpy) does not agree with held (numpy) in float32" in shown[1]
    )
    assert "agreement.py" not in printed
    summary = printed.partition("lockstep: worst ratio per test (up to 8 agrees)")[2].splitlines()
    named = [line.split()[1] for line in summary if "::" in line and line[:1] == " "]
    assert set(named[:3]) == {f"test_own.py::test_differs[{number}]" for number in range(3)}
    assert named[3:] == ["test_own.py::test_agrees"]


def test_the_summary_comes_from_workers_too(tmp_path: Path) -> None:
    printed = own_tests(tmp_path, "-n1", "-kagrees")
    assert "1 passed" in printed, printed
    assert "lockstep: worst ratio per test" in printed
    assert "test_own.py::test_agrees" in printed


def test_there_is_no_summary_without_the_fixture(tmp_path: Path) -> None:
    printed = own_tests(tmp_path, "-kwithout")
    assert "1 passed" in printed, printed
    assert "lockstep:" not in printed


def test_the_plugin_imports_nothing_heavy() -> None:
    script = "import sys, lockstep.pytest_plugin; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "lockstep" in loaded
    assert not loaded & {"numpy", "torch", "jax", "tensorflow", "parity", "shared", "impls"}
