"""Every port runs by itself, and compiles once, however many models it is given."""

import re
import subprocess
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import pytest

from parity.contract import FRAMEWORKS
from parity.processes.quiet_import import is_banner
from parity.processes.worker import QUIET
from shared.recipes import is_spread
from tests.running import ROOT
from tests.test_contract import NETS as ALL_NETS
from tests.test_contract import PORTS as ALL_PORTS
from tests.test_contract import due

# Those over workers need a group: tests/test_workers.py runs them.
NETS = [net for net in ALL_NETS if not is_spread(net)]
PORTS = [(framework, net) for framework, net in ALL_PORTS if not is_spread(net)]
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
MARK = "=== "
# A framework is imported once, and each port is run as `python -m` runs it; then what compiles is
# trained in two precisions, three models each.
SCRIPT = """
import importlib, runpy, sys
framework, count, *nets = sys.argv[1:]
for net in nets:
    print("=== run", net)
    runpy.run_module(f"impls.{framework}.{net}", run_name="__main__", alter_sys=True)
from shared.experiment import prepare
from shared.recipes import RECIPES
runtime = importlib.import_module(f"impls.{framework}.runtime")
recipes = {recipe.net: recipe for recipe in reversed(RECIPES.values())}
for net in nets if count else ():
    port = importlib.import_module(f"impls.{framework}.{net}")
    if "train" not in recipes[net].functions:
        continue
    for dtype in ("float32", "float64", "float32"):
        runtime.configure(dtype, "cpu", 1)
        experiment = prepare(recipes[net].name, dtype, steps=7, choice="digits")
        x, y = runtime.to_native(experiment.x), runtime.to_native(experiment.y)
        for rate in (0.1, 0.2, 0.3):
            weights = {name: runtime.to_native(w + w.dtype.type(rate))
                       for name, w in experiment.weights.items()}
            port.train(port.build(weights), x, y, experiment.schedule, rate)
    print("=== traces", net)
    print(eval(count))
"""
COUNTS = {
    "tensorflow": "port.descend.experimental_get_tracing_count()",
    "jax": "port.train._cache_size()",
}


class Printed(NamedTuple):
    """What a framework's ports print, by what was done, and what they leave on standard error."""

    stdout: dict[str, str]
    stderr: str


@pytest.fixture(scope="module")
def printed(environment: dict[str, str]) -> Callable[[str], Printed]:
    """Run all ports of a framework in one process, once."""

    @lru_cache
    def run(framework: str) -> Printed:
        nets = [net for each, net in PORTS if each == framework]
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, framework, COUNTS.get(framework, ""), *nets],
            cwd=ROOT,
            env={**environment, **QUIET},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        parts = (part.partition("\n") for part in done.stdout.split(MARK)[1:])
        return Printed({what: text for what, _, text in parts}, done.stderr)

    return run


@pytest.mark.parametrize(("framework", "net"), PORTS)
def test_a_port_runs_by_itself(printed: Callable[[str], Printed], framework: str, net: str) -> None:
    text = printed(framework).stdout[f"run {net}"]
    lines = text.splitlines()
    assert re.match(rf"{net}(-and)?: ", lines[0])
    assert lines[-1].startswith(LAST[net])
    assert ("STAND-IN DATA" in text) == (net == "mnist")


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_ports_print_nothing_but_their_logs(
    printed: Callable[[str], Printed], framework: str
) -> None:
    # TensorFlow greets before it has read any log level; nothing else may be said.
    said = printed(framework).stderr.splitlines()
    assert [line for line in said if not is_banner(line)] == []


@pytest.mark.parametrize("framework", COUNTS)
@pytest.mark.parametrize("net", [net for net in NETS if "train" in due(net)])
def test_a_compiled_port_is_traced_once_per_precision(
    printed: Callable[[str], Printed], framework: str, net: str
) -> None:
    assert printed(framework).stdout[f"traces {net}"].strip() == "2"
