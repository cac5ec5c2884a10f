"""Every port runs by itself, and compiles once, however many models it is given."""

import re
import subprocess
import sys

import pytest

from parity.processes.quiet_import import is_banner
from parity.processes.worker import QUIET
from shared.recipes import RECIPES
from tests.running import ROOT
from tests.test_contract import NETS, PORTS, due

LAST = {
    "activations": "",
    "descent": "step 39  loss  0.000000  then w is -1.000000",
    "gates": "accuracy 1.0000",
    "iris": "step  4999  loss 0.089789  accuracy 0.8467",
    "mnist": "step   139  mean loss ",
    "people": "Emily 0.946788  Frank 0.039759",
    "perceptron": "step 199  mean loss 0.000000  accuracy 1.0000",
    "planar": "step  9999  loss 0.217",
    "signals": "outputs ",
}


@pytest.mark.parametrize(("framework", "net"), PORTS)
def test_a_port_runs_by_itself(environment: dict[str, str], framework: str, net: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"impls.{framework}.{net}"],
        cwd=ROOT,
        env={**environment, **QUIET},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # TensorFlow greets before it has read any log level; nothing else may be said.
    assert [line for line in done.stderr.splitlines() if not is_banner(line)] == []
    lines = done.stdout.splitlines()
    assert re.match(rf"{net}(-and)?: ", lines[0])
    assert lines[-1].startswith(LAST[net])
    assert ("STAND-IN DATA" in done.stdout) == (net == "mnist")


COUNTS = {
    "tensorflow": "port.descend.experimental_get_tracing_count()",
    "jax": "port.train._cache_size()",
}
TRACES = """
from impls.{framework} import {net} as port, runtime
from shared.experiment import prepare
for dtype in ("float32", "float64", "float32"):
    runtime.configure(dtype, "cpu", 1)
    experiment = prepare("{recipe}", dtype, steps=7, choice="digits")
    x, y = runtime.to_native(experiment.x), runtime.to_native(experiment.y)
    for rate in (0.1, 0.2, 0.3):
        weights = {{name: runtime.to_native(w + w.dtype.type(rate))
                   for name, w in experiment.weights.items()}}
        port.train(port.build(weights), x, y, experiment.schedule, rate)
print({count})
"""


@pytest.mark.parametrize("framework", COUNTS)
@pytest.mark.parametrize("net", [net for net in NETS if "train" in due(net)])
def test_a_compiled_port_is_traced_once_per_precision(
    environment: dict[str, str], framework: str, net: str
) -> None:
    recipe = next(recipe.name for recipe in RECIPES.values() if recipe.net == net)
    script = TRACES.format(framework=framework, net=net, recipe=recipe, count=COUNTS[framework])
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "2", done.stderr
