"""Ports on a GPU agree with the reference on the CPU, and TF32 there is told; only run on one."""

import importlib.util
import shutil
from itertools import product
from pathlib import Path

import pytest

from parity.contract import DTYPES
from parity.processes import devices
from shared.errors import InputError
from tests.running import ROOT, Compare, Run

EXAMPLES = ROOT / "examples"
ON = {  # what each framework's users write for TF32
    "jax": 'jax.config.update("jax_default_matmul_precision", "default")',
    "torch": 'torch.set_float32_matmul_precision("high"); torch.backends.cudnn.allow_tf32 = True',
    "tensorflow": "tf.config.experimental.enable_tensor_float_32_execution(True)",
}
SWITCHED = """
built = build


def build(weights):
    {on}
    return built(weights)


FRAMEWORK = "{framework}"
"""


def _has_gpu() -> bool:
    try:
        devices.check("cuda")
    except InputError:
        return False
    return True


pytestmark = pytest.mark.skipif(not _has_gpu(), reason="this machine has no GPU")
FRAMEWORKS = [name for name in ON if importlib.util.find_spec(name)]


def on_gpu(run: Run) -> list[str]:
    """Return the verdicts of those that ran on the GPU, of which there must be some."""
    verdicts = [one["verdict"] for one in run.report["results"] if one["device"] == "cuda"]
    assert verdicts
    return verdicts


@pytest.mark.parametrize("recipe", ["iris", "planar", "mnist", "people", "activations"])
def test_our_ports_agree_on_a_gpu(recipe: str, compare: Compare) -> None:
    run = compare(recipe, f"--frameworks=numpy,{','.join(FRAMEWORKS)}", "--device=cuda", "--quick")
    assert run.status == 0, run.stdout
    assert set(on_gpu(run)) == {"agree"}


@pytest.mark.parametrize("name", ["convnet", "gpt"])
def test_ports_of_networks_with_layers_agree_on_a_gpu(name: str, compare: Compare) -> None:
    files = [EXAMPLES / name / f"{name}_{port}.py" for port in FRAMEWORKS]
    given = [f"--with={file}" for file in files]
    run = compare(EXAMPLES / name / "recipe.toml", *given, "--device=cuda", "--quick")
    assert run.status == 0, run.stdout
    assert set(on_gpu(run)) == {"agree"}


def test_recurrent_layers_round_as_float32_does_but_for_cudnn(
    compare: Compare, tmp_path: Path
) -> None:
    folder = shutil.copytree(EXAMPLES / "gru", tmp_path / "gru")
    own = folder / "gru_without_cudnn.py"
    off = "    torch.backends.cudnn.enabled = False\n    model = "
    own.write_text((folder / "gru_torch.py").read_text().replace("    model = ", off, 1))
    given = f"--with={own}", f"--with={folder / 'gru_jax.py'}"
    run = compare(folder / "recipe.toml", *given, "--device=cuda", "--quick")
    assert len(on_gpu(run)) > len(given)
    for port, dtype in product([own.name, "gru_jax.py"], DTYPES):
        assert run.result(port, dtype)["verdict"] == "agree", run.stdout
    assert run.result("gru_torch.py", "float64")["verdict"] == "agree", run.stdout


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_tf32_on_a_gpu_is_told(framework: str, compare: Compare, tmp_path: Path) -> None:
    source = (ROOT / "impls" / framework / "mnist.py").read_text()
    own = tmp_path / "own.py"
    own.write_text(source + SWITCHED.format(on=ON[framework], framework=framework))
    run = compare("mnist", "--frameworks=numpy", f"--with={own}", "--device=cuda", "--quick")
    single, double = run.result("own.py", "float32"), run.result("own.py", "float64")
    assert (single["verdict"], double["verdict"]) == ("disagree", "agree"), run.stdout
    if framework == "jax" or single["diagnosis"]:  # of others, it may not be named
        assert single["diagnosis"]["cause"] == "float16 or TF32 precision"
