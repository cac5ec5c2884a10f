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
GPT = ROOT / "examples" / "gpt"
NEEDS = {"flax": ("flax", "optax"), "jax": ("optax",)}  # of ports, besides their framework
# In the NumPy ports: what is right, what is put in its place, where that first shows.
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
GPT_MISTAKES = {
    "sees_the_next.py": ("np.tri(T, dtype", "np.tri(T, k=1, dtype", "forward"),
    "untied.py": ("dembedding += np.tensordot", "np.tensordot", "gradients"),
    "counted_once.py": (
        "np.add.at(dembedding, tokens, dx)",
        "dembedding[tokens] += dx",
        "gradients",
    ),
    "all_decay.py": ("if weight.ndim == 2", "if True", "update"),
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


def written_gpt(folder: Path) -> Path:
    """Write the recipe for a few sums, in so small batches that it is cheap."""
    data = module(GPT / "data.py").data()
    np.savez(folder / "data.npz", x=data["x"][:4], y=data["y"][:4])
    said = tomllib.loads((GPT / "recipe.toml").read_text())
    said |= {"reference": str(GPT / said["reference"]), "data": "data.npz", "batch": 2, "steps": 2}
    recipe = folder / "gpt.toml"
    recipe.write_text("".join(f"{key} = {value!r}\n" for key, value in said.items()))
    return recipe


def module(file: Path) -> Any:
    """Return what a file of an example defines."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def ports(folder: Path) -> list[Path]:
    """Return the ports of an example of which all that they need is installed."""
    return [
        path
        for path in sorted(folder.glob(f"{folder.name}_*.py"))
        if all(map(importlib.util.find_spec, NEEDS.get(path.stem.split("_", 1)[1], ())))
    ]


def check_examples(
    compare: Compare,
    folder: Path,
    recipe: Path,
    mistakes: dict[str, tuple[str, str, str]],
    rungs: set[str],
) -> None:
    """Check that all ports agree, on these rungs, and mistakes in the NumPy port are caught."""
    source = (folder / f"{folder.name}_numpy.py").read_text()
    for name, (right, wrong, _) in mistakes.items():
        assert source.count(right) == 1
        (recipe.parent / name).write_text(source.replace(right, wrong))
    files = [*ports(folder), *(recipe.parent / name for name in mistakes)]
    run = compare(recipe, "--dtype", "float64", *(f"--with={file}" for file in files))
    assert run.status == 1, run.stdout + run.stderr
    for port in ports(folder):
        result = run.result(port.name, "float64")
        assert result["verdict"] == "agree", port.name
        agreed = {rung["rung"] for rung in result["rungs"] if rung["verdict"] == "agree"}
        assert rungs <= agreed
    for name, (*_, rung) in mistakes.items():
        result = run.result(name, "float64")
        assert result["verdict"] == "disagree", name
        assert result["divergence"]["rung"] == rung, name


def check_gradients(
    net: Any, weights: dict[str, NDArray[np.float64]], x: NDArray[Any], y: NDArray[np.int64]
) -> None:
    """Check a NumPy port's gradients against finite differences along random directions."""
    random = np.random.default_rng(1)
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


def test_every_port_of_the_convnet_agrees_and_its_mistakes_are_caught(
    compare: Compare, tmp_path: Path
) -> None:
    rungs = {"forward", "loss", "gradients", "update", "trajectory", "accuracy"}
    check_examples(compare, CONVNET, written(tmp_path), MISTAKES, rungs)


def test_every_port_of_the_gpt_agrees_and_its_mistakes_are_caught(
    compare: Compare, tmp_path: Path
) -> None:
    rungs = {"forward", "loss", "gradients", "update", "trajectory"}
    check_examples(compare, GPT, written_gpt(tmp_path), GPT_MISTAKES, rungs)


def test_the_gradients_derived_for_the_convnet_are_those_of_finite_differences() -> None:
    random = np.random.default_rng(0)
    weights: dict[str, NDArray[np.float64]] = {
        name: value.astype(np.float64) + random.normal(0, 0.1, value.shape)
        for name, value in load_file(CONVNET / "weights.safetensors").items()
    }
    x, y = random.uniform(0, 1, (5, 784)), random.integers(0, 10, 5)
    check_gradients(module(CONVNET / "convnet_numpy.py"), weights, x, y)


def test_the_gradients_derived_for_the_gpt_are_those_of_finite_differences() -> None:
    random = np.random.default_rng(0)
    torch = module(GPT / "gpt_torch.py")
    weights: dict[str, NDArray[np.float64]] = {
        name: random.normal(name.endswith("norm.weight"), 0.3, tuple(value.shape))
        for name, value in torch.export(torch.build(None)).items()
    }
    data = module(GPT / "data.py").data()
    check_gradients(module(GPT / "gpt_numpy.py"), weights, data["x"][:5], data["y"][:5])
