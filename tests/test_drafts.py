"""Drafts: a recipe and a reference for a model that can be imported."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from parity import contract
from parity.contract import PortError
from parity.sessions.drafts import made
from parity.sessions.drafts.messages import Look
from parity.sessions.drafts.target import Target
from parity.standard import floors, reference, soundness
from parity.standard.comparison import LIMIT
from parity.standard.inputs import Store
from parity.standard.native import Native
from shared.errors import InputError
from shared.experiment import prepare
from tests.running import ROOT, Compare

MODELS = Path(__file__).parent / "models"
PAGE = (ROOT / "docs" / "your-net.md").read_text()
SECTION = PAGE.partition("## From your model to a recipe\n")[2].partition("\n## ")[0]
STATISTICS = {"norm.running_mean", "norm.running_var", "norm.num_batches_tracked", "mask"}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with models in it."""
    shutil.copytree(MODELS, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check_style(port: Path) -> None:
    """Assert that a drafted port is as ruff would have it, by this project's rules and its own."""
    ruff = Path(sys.executable).parent / "ruff"
    for how in (["check", "--select", "E,F,I,UP,B,SIM,RET,C4"], ["format", "--check"]):
        command = [f"{ruff}", *how, "--isolated", "--line-length", "100", f"{port}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


# What a model is called


@pytest.mark.parametrize(
    ("text", "module", "name", "arguments", "stem"),
    [
        ("my_model:Net", "my_model", "Net", "", "net"),
        ("a.b:ResNet18(10, hidden=4)", "a.b", "ResNet18", "(10, hidden=4)", "res_net18"),
        ("m:Zoo.MyMLP('a:b')", "m", "Zoo.MyMLP", "('a:b')", "my_mlp"),
        ("lone.py:make_net", "lone", "make_net", "", "make_net"),
        ("outer/inner/deep.py:CNN", "inner.deep", "CNN", "", "cnn"),
    ],
)
def test_a_model_is_named(
    here: Path, text: str, module: str, name: str, arguments: str, stem: str
) -> None:
    (here / "outer" / "inner").mkdir(parents=True)
    for file in ("lone.py", "outer/inner/__init__.py", "outer/inner/deep.py"):
        (here / file).touch()
    target = Target.parse(text)
    assert (target.module, target.name, target.arguments, target.stem) == (
        module,
        name,
        arguments,
        stem,
    )
    assert target.folder == (here / "outer" if "/" in text else here)


@pytest.mark.parametrize("text", ["my_model", "my_model:", ":Net", "m:2Net", "m:Net(", "gone.py:N"])
def test_what_names_no_model_is_refused(here: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"names no model: write MODULE:NAME|there is no file"):
        Target.parse(text)


# Importing and making it; any class will do for a framework's


class Module:
    """What all models here are."""


TOOLS = SimpleNamespace(
    KIND="a Module",
    GIVEN={"key": ("new_key()", lambda: 7)},
    begin=lambda seed: None,
    model_of=lambda value: value if isinstance(value, Module) else None,
)
CODE = """
from tests.test_drafts import Module

class Net(Module):
    def __init__(self, classes, key, *, depth=1, **others):
        self.given = classes, key, depth

class Zoo:
    ready = Module()

def fails():
    raise ZeroDivisionError("as planned")

def number():
    return 3
"""


def look(folder: Path, name: str, module: str = "some_models") -> Look:
    target = Target.parse(f"{module}:{name}")
    found = (target.text, f"{folder}", target.module, target.name, target.arguments)
    return Look("torch", *found, f"{folder}", "net.toml", None)


@pytest.fixture
def some_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a module with models."""
    (tmp_path / "some_models.py").write_text(CODE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "some_models", raising=False)
    return tmp_path


def test_a_model_is_made(some_models: Path) -> None:
    found = made.make(look(some_models, "Net((1, 2), depth=-3)"), TOOLS)
    assert found.model.given == ((1, 2), 7, -3)
    assert found.call == "Net((1, 2), depth=-3, key=new_key())"
    assert found.own
    ready = made.make(look(some_models, "Zoo.ready"), TOOLS)
    assert type(ready.model).__name__ == "Module"
    assert ready.call is None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Nat", r"there is no Nat in .*some_models.py: did you mean Net\?"),
        ("Zoo.red", "there is no red in <class .*Zoo'>: did you mean ready"),
        ("Net", r"it takes classes: give what is needed, 'some_models:Net\(classes=\.\.\.\)'"),
        ("Net(len)", r"its arguments \(len\) are no literals"),
        ("Net(__import__('os'))", "are no literals"),
        ("Net(1)(2)", "are no literals"),
        ("Zoo.ready(1)", "it is made already, and takes no arguments"),
        ("number", "it makes a value of type int, where a Module is expected"),
    ],
)
def test_what_makes_no_model_is_refused_in_a_sentence(
    some_models: Path, name: str, said: str
) -> None:
    with pytest.raises(PortError, match=said):
        made.make(look(some_models, name), TOOLS)


def test_a_module_that_is_not_there_is_refused_in_a_sentence(some_models: Path) -> None:
    with pytest.raises(PortError, match="there is no module gone_model, neither in"):
        made.make(look(some_models, "Net", "gone_model.sub"), TOOLS)


# What is written


def test_a_recipe_of_pytorch_agrees_with_itself_and_with_no_mistake(
    here: Path, command: Compare
) -> None:
    run = command("--init", "torch", "torch_models.py:ConvNet(3, width=4)", "--input", "1x8x8")
    assert run.status == 0, run.stderr
    assert run.stdout.splitlines()[0] == (
        "wrote conv_net.toml, conv_net_torch.py, conv_net.safetensors and conv_net.npz"
    )
    port = here / "conv_net_torch.py"
    check_style(port)
    source = port.read_text()
    right = "model.train()(x)"
    assert source.count(right) == 1
    (here / "evaluated.py").write_text(source.replace(right, "model.eval()(x)"))
    recipe = run.stdout.splitlines()[2].split()[-1]
    run = command(recipe, "--with", "evaluated.py", "--steps", 2)
    verdicts = re.findall(r"^(\w+\.py)\s+(float\d\d)\s+(\w*agree)", run.stdout, re.MULTILINE)
    assert sorted(verdicts) == [
        ("conv_net_torch.py", "float32", "agree"),
        ("conv_net_torch.py", "float64", "agree"),
        ("evaluated.py", "float32", "disagree"),
        ("evaluated.py", "float64", "disagree"),
    ]
    assert run.status == 1
    weights = prepare("conv_net.toml").weights
    assert weights.keys() > STATISTICS
    assert weights["mask"].all()
    assert "torch.zeros_like" in source  # for `unused`, to which other frameworks give gradients


@pytest.mark.parametrize(
    ("framework", "model", "shape", "names"),
    [
        ("torch", "torch_models:Dropping", None, {"0.weight", "0.bias", "2.weight", "2.bias"}),
        ("torch", "torch_models:regression", None, {"weight", "bias"}),
        ("torch", "torch_models:ready", None, {"0.weight", "0.bias"}),
        (
            "jax",
            "flax_models:Net(classes=3)",
            None,
            {f"layers.{i}.{name}" for i in (0, 1) for name in ("kernel", "bias")}
            | {f"norm.{name}" for name in ("scale", "bias", "mean", "var")},
        ),
        ("torch", "torch_models:Tokens", "4", {"embed.weight", "out.weight", "out.bias"}),
        ("jax", "flax_models:Tokens", "4", {"embed.embedding", "out.kernel", "out.bias"}),
        ("jax", "equinox_models:Tokens", "4", {"embed.weight", "out.weight", "out.bias"}),
        (
            "jax",
            "equinox_models:Net",
            None,
            {f"layers.{i}.{name}" for i in (0, 1) for name in ("weight", "bias")},
        ),
    ],
)
def test_a_drafted_reference_is_sound_and_errs_under_noise(
    here: Path, command: Compare, framework: str, model: str, shape: str | None, names: set[str]
) -> None:
    run = command("--init", framework, model, *(["--input", shape] if shape else []))
    assert run.status == 0, run.stderr
    recipe, port = (here / name.rstrip(",") for name in run.stdout.split()[1:3])
    check_style(port)
    experiment = prepare(f"{recipe}", "float32", steps=2)
    assert experiment.weights.keys() == names
    inputs = Store(here / "arrays").inputs(experiment, "cpu", 1)
    sys.modules.pop(model.partition(":")[0], None)  # it may be that of another folder
    loaded = contract.load(inputs.reference, inputs.net)
    native = Native(loaded, inputs, "float64")
    ran = reference.run(loaded, inputs)
    soundness.check(native, ran)  # it repeats itself, and depends on its weights
    assert all(value.dtype == "float64" for value in ran.path[2].values())
    held = floors.measure(loaded, inputs, ran, lambda message: None)
    native = Native(loaded, inputs, "float32")
    with native.err(np.random.default_rng(99)):  # as no run of those that were measured
        erring = {
            (rung, name): value
            for rung, tensors in reference.rungs(native, inputs.weights, 0)
            for name, value in tensors.items()
        }
    for (rung, name), value in erring.items():
        off = np.abs(value - ran.expected[rung, 0][name])
        assert (off <= LIMIT * held.expected[rung, 0][name]).all(), (rung, name)
    assert np.abs(erring["forward", "outputs"] - ran.expected["forward", 0]["outputs"]).max() > 0


@pytest.mark.parametrize("name", ["ready", "tokens"])  # made while the module is imported
def test_a_drafted_reference_in_keras_agrees_with_itself(
    here: Path, command: Compare, name: str
) -> None:
    assert command("--init", "keras", f"keras_models:{name}").status == 0
    run = command(f"{name}.toml", "--dtype", "float32", "--steps", 1)
    assert run.status == 0, run.stdout + run.stderr


def test_no_file_is_overwritten_and_nothing_half_written(here: Path, command: Compare) -> None:
    (here / "ready.npz").write_text("mine")
    before = {path.name for path in here.iterdir()}
    run = command("--init", "torch", "torch_models:ready")
    assert run.status == 2
    assert run.stderr == (
        "compare.py: ready.npz is there already, and is not overwritten: move it away first\n"
    )
    assert {path.name for path in here.iterdir()} == before
    assert (here / "ready.npz").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("torch",), "--init takes FRAMEWORK MODULE:NAME, such as torch my_model:Net"),
        (("torsh", "m:Net"), "there is no framework 'torsh': did you mean torch?"),
        (("numpy", "m:Net"), "there is no framework 'numpy'"),
        (("torch", "Net"), "'Net' names no model: write MODULE:NAME"),
        (("torch", "m:Net", "--input", "3 32"), "--input is '3 32': write the shape"),
        (("torch", "m:Net", "--input", "3x0"), "--input is '3x0': write the shape"),
        (("torch", "m:Net", "--input", "9999x9999"), "numbers at most"),
        (
            ("torch", "torch_models:Pair"),
            "it returns a value of type tuple, where one array is expected",
        ),
        (
            ("torch", "torch_models:Raising"),
            "torch_models:Raising, called on rows of shape 2, raised RuntimeError: no such luck "
            "(torch_models.py:",
        ),
        (
            ("torch", "torch_models:tables"),
            "it is a value of type dict, where a torch.nn.Module is expected",
        ),
        (("torch", "torch_models:Pair", "--timeout", "0.01"), "hung: it gave no answer in 0.01 s"),
    ],
)
def test_what_cannot_be_drafted_is_refused_in_a_sentence(
    here: Path, command: Compare, arguments: tuple[str, ...], said: str
) -> None:
    before = {path.name for path in here.iterdir()}
    run = command("--init", *arguments)
    assert run.status == 2
    assert said in run.stderr
    assert run.stderr.count("\n") == 1
    assert {path.name for path in here.iterdir()} == before


def test_input_is_of_no_use_without_init(command: Compare) -> None:
    run = command("planar", "--input", "3")
    assert run.status == 2
    assert "--input is the shape that --init asks for" in run.stderr


def test_lockstep_init_is_the_option(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from lockstep.__main__ import main

    monkeypatch.setattr(sys, "argv", ["lockstep", "init", "torch"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert capsys.readouterr().err.startswith("lockstep: --init takes FRAMEWORK MODULE:NAME")


# The page


def test_the_page_shows_what_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Compare
) -> None:
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", SECTION, re.DOTALL | re.MULTILINE)
    ((_, model), *sessions) = blocks
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_model.py").write_text(model)
    for _, session in sessions:
        asked, *due = session.splitlines()
        run = command(*asked.removeprefix("$ python compare.py ").split())
        assert run.status == 0, run.stderr
        shown = [line.split()[:3] for line in run.stdout.splitlines()]
        assert shown[:-1] == [line.split()[:3] for line in due][:-1]
