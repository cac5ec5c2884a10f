"""The examples: their ports agree with their references, and mistakes in them are caught."""

import importlib.util
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.running import Compare
from traps.catalogue import load_examples, plant
from traps.small import EXAMPLES, ROWS, Arrays, module, written

NEEDS = {"jax": "optax", "keras_fit": "keras"}  # of ports, in place of their framework
TRAINED = ("jax", "numpy")
OTHERS = ("flax", "tensorflow", "keras", "keras_fit")
UNTRAINED = 'functions = ["build", "forward", "loss", "gradients"]\n'


def _convnet_weights() -> Arrays:
    random = np.random.default_rng(0)
    return {
        name: value.astype(np.float64) + random.normal(0, 0.1, value.shape)
        for name, value in load_file(EXAMPLES / "convnet" / "weights.safetensors").items()
    }


def _gpt_weights() -> Arrays:
    random, width = np.random.default_rng(0), 32
    norm = {"weight": (width,), "bias": (width,)}
    block = {
        **{f"norm1.{name}": shape for name, shape in norm.items()},
        "attention.qkv.weight": (3 * width, width),
        "attention.out.weight": (width, width),
        **{f"norm2.{name}": shape for name, shape in norm.items()},
        "up.weight": (4 * width, width),
        "up.bias": (4 * width,),
        "down.weight": (width, 4 * width),
        "down.bias": (width,),
    }
    shapes = {
        "tokens.weight": (12, width),
        "positions.weight": (8, width),
        **{f"blocks.{i}.{name}": shape for i in range(2) for name, shape in block.items()},
        **{f"norm.{name}": shape for name, shape in norm.items()},
    }
    return {
        name: random.normal(name.endswith(("norm.weight", "1.weight", "2.weight")), 0.3, shape)
        for name, shape in shapes.items()
    }


def _gru_weights() -> Arrays:
    random, units = np.random.default_rng(0), 32
    shapes = {
        "embed.weight": (8, 8),
        "gru.weight_ih_l0": (3 * units, 8),
        "gru.weight_hh_l0": (3 * units, units),
        "gru.bias_ih_l0": (3 * units,),
        "gru.bias_hh_l0": (3 * units,),
        "fc.weight": (8, units),
        "fc.bias": (8,),
    }
    return {name: random.normal(0, 0.3, shape) for name, shape in shapes.items()}


WEIGHTS: dict[str, Callable[[], Arrays]] = {
    "convnet": _convnet_weights,
    "gpt": _gpt_weights,
    "gru": _gru_weights,
}
# Bugs of the catalogue, planted in the NumPy port; tests/test_example_mistakes.py plants GRU's.
PLANTED = {
    "convnet": (
        *("kernel-flipped", "channels-flattened-last"),
        *("running-variance-over-n", "epsilon-of-adam-from-keras"),
    ),
    "gpt": (
        *("sees-the-next-token", "head-without-gradient"),
        *("token-counted-once", "all-weights-decay"),
    ),
    "gru": (),
}


def ports(name: str, kinds: Iterable[str]) -> list[Path]:
    """Return some ports, if all that they need is installed."""
    return [
        EXAMPLES / name / f"{name}_{kind}.py"
        for kind in kinds
        if importlib.util.find_spec(NEEDS.get(kind, kind))
    ]


@pytest.mark.parametrize("name", PLANTED)
def test_ports_of_an_example_agree_and_mistakes_in_one_are_caught(
    compare: Compare, tmp_path: Path, name: str
) -> None:
    bugs = [
        bug
        for bug in load_examples().bugs
        if bug.example == f"{name}_numpy.py" and bug.name in PLANTED[name]
    ]
    assert len(bugs) == len(PLANTED[name])
    files = [*ports(name, TRAINED), *(plant(bug, tmp_path) for bug in bugs)]
    recipe = written(name, tmp_path)
    run = compare(recipe, "--dtype", "float64", *(f"--with={file}" for file in files))
    assert run.status == (1 if bugs else 0), run.stdout + run.stderr
    for port in ports(name, TRAINED):
        result = run.result(port.name, "float64")
        assert result["verdict"] == "agree", port.name
        agreed = {rung["rung"] for rung in result["rungs"] if rung["verdict"] == "agree"}
        assert {"forward", "loss", "gradients", "update", "trajectory"} <= agreed
        assert ("accuracy" in agreed) == (name != "gpt")
    for bug in bugs:
        result = run.result(bug.file, "float64")
        assert result["verdict"] == "disagree", bug.name
        assert result["divergence"]["rung"] == bug.rung, bug.name


@pytest.mark.parametrize("name", WEIGHTS)
def test_all_other_ports_give_its_loss_and_gradients(
    compare: Compare, tmp_path: Path, name: str
) -> None:
    recipe = written(name, tmp_path)
    recipe.write_text(UNTRAINED + recipe.read_text())
    files = [f"--with={file}" for file in ports(name, OTHERS)]
    run = compare(recipe, "--dtype", "float64", "--frameworks", "", *files)
    assert run.status == 0, run.stdout + run.stderr


@pytest.mark.parametrize("name", WEIGHTS)
def test_derived_gradients_are_those_of_finite_differences(name: str) -> None:
    net, weights = module(EXAMPLES / name / f"{name}_numpy.py"), WEIGHTS[name]()
    rows, random = ROWS[name](4), np.random.default_rng(1)
    x, y = rows["x"], rows["y"]
    derived = net.gradients(weights, x, y)
    assert derived.keys() == {each for each in weights if "running" not in each}
    h = np.cbrt(np.finfo(np.float64).eps)  # balances rounding (eps / h) against h^2
    for each, gradient in derived.items():
        assert gradient.shape == weights[each].shape
        direction = random.standard_normal(gradient.shape)
        direction /= np.linalg.norm(direction)
        ahead, behind = (
            net.loss({**weights, each: weights[each] + sign * h * direction}, x, y)
            for sign in (1, -1)
        )
        size = np.abs(gradient * direction).sum()
        difference = (ahead - behind) / (2 * h)
        assert size > 0
        assert abs(np.sum(gradient * direction) - difference) <= 100 * h**2 * max(size, 1), each


def test_a_port_trains_by_itself_and_prints_its_log(tmp_path: Path) -> None:
    pytest.importorskip("torch")  # the reference, which draws the weights
    done = subprocess.run(
        [sys.executable, EXAMPLES / "gru" / "gru_numpy.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    last = done.stdout.splitlines()[-1]
    assert last.startswith("test accuracy ")
    assert float(last.split()[-1]) > 0.95
