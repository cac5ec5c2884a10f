"""The examples: their ports agree with their references, and mistakes in them are caught."""

import importlib.util
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from shared.datasets import digits
from tests.running import ROOT, Compare

CONVNET = ROOT / "examples" / "convnet"
NEEDS = {"jax": ("optax",)}  # of ports, besides their framework
# In the NumPy port: what is right, what is put in its place, where that first shows.
MISTAKES = {
    "flipped.py": ("(seen, kernel,", "(seen, kernel[:, :, ::-1, ::-1],", "forward"),
    "channels_last.py": (
        'flat = values["pool2"].reshape',
        'flat = values["pool2"].transpose(0, 2, 3, 1).reshape',
        "forward",
    ),
    "biased.py": (", ddof=1", "", "update"),
    "epsilon.py": ("1e-8", "1e-7", "update"),
}


def written(folder: Path) -> Path:
    """Write the recipe for a few scanned digits, in so small batches that it is cheap."""
    data = digits()
    np.savez(folder / "data.npz", x=data.x[:4], y=data.y[:4], x_test=data.x[:2], y_test=data.y[:2])
    said = tomllib.loads((CONVNET / "recipe.toml").read_text())
    said |= {key: str(CONVNET / said[key]) for key in ("reference", "weights")}
    said |= {"data": "data.npz", "batch": 2, "steps": 2}
    recipe = folder / "convnet.toml"
    recipe.write_text("".join(f"{key} = {value!r}\n" for key, value in said.items()))
    return recipe


def ports() -> list[Path]:
    """Return two ports of the example, if all that they need is installed; all take minutes."""
    return [
        path
        for path in (CONVNET / f"convnet_{name}.py" for name in ("jax", "numpy"))
        if all(map(importlib.util.find_spec, NEEDS.get(path.stem.removeprefix("convnet_"), ())))
    ]


def test_every_port_of_the_convnet_agrees_and_its_mistakes_are_caught(
    compare: Compare, tmp_path: Path
) -> None:
    source = (CONVNET / "convnet_numpy.py").read_text()
    for name, (right, wrong, _) in MISTAKES.items():
        assert source.count(right) == 1
        (tmp_path / name).write_text(source.replace(right, wrong))
    files = [*ports(), *(tmp_path / name for name in MISTAKES)]
    run = compare(written(tmp_path), "--dtype", "float64", *(f"--with={file}" for file in files))
    assert run.status == 1, run.stdout + run.stderr
    for port in ports():
        result = run.result(port.name, "float64")
        assert result["verdict"] == "agree", port.name
        agreed = {rung["rung"] for rung in result["rungs"] if rung["verdict"] == "agree"}
        assert {"forward", "loss", "gradients", "update", "trajectory", "accuracy"} <= agreed
    for name, (*_, rung) in MISTAKES.items():
        result = run.result(name, "float64")
        assert result["verdict"] == "disagree", name
        assert result["divergence"]["rung"] == rung, name


def test_the_gradients_derived_for_the_convnet_are_those_of_finite_differences() -> None:
    spec = importlib.util.spec_from_file_location("convnet", CONVNET / "convnet_numpy.py")
    assert spec is not None
    assert spec.loader is not None
    net: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(net)
    random = np.random.default_rng(0)
    weights: dict[str, NDArray[np.float64]] = {
        name: value.astype(np.float64) + random.normal(0, 0.1, value.shape)
        for name, value in load_file(CONVNET / "weights.safetensors").items()
    }
    x, y = random.uniform(0, 1, (5, 784)), random.integers(0, 10, 5)
    derived = net.gradients(weights, x, y)
    assert derived.keys() == {name for name in weights if "running" not in name}
    h = np.cbrt(np.finfo(np.float64).eps)  # balances rounding (eps / h) against h^2
    for name, gradient in derived.items():
        assert gradient.shape == weights[name].shape
        direction = random.standard_normal(gradient.shape)
        direction /= np.linalg.norm(direction)
        ahead, behind = (
            net.loss({**weights, name: weights[name] + sign * h * direction}, x, y)
            for sign in (1, -1)
        )
        size = np.abs(gradient * direction).sum()
        difference = (ahead - behind) / (2 * h)
        assert size > 0
        assert abs(np.sum(gradient * direction) - difference) <= 100 * h**2 * max(size, 1), name
