"""TensorFlow 1's tutorial, live, and its port to TensorFlow 2 train alike."""

import subprocess
import sys
from pathlib import Path

from tests.running import ROOT

LOSSES = """
import sys
from importlib import import_module
from pathlib import Path

import numpy as np

from shared.experiment import prepare

experiment = prepare("mnist-tutorial", "float32", data_dir=Path(sys.argv[1]))
losses = {}
for framework in ("numpy", "tensorflow", "tensorflow_v1"):
    runtime, net = (import_module(f"impls.{framework}.{name}") for name in ("runtime", "mnist"))
    runtime.configure("float32", "cpu", 1)
    model = net.build({k: runtime.to_native(w) for k, w in experiment.weights.items()})
    x, y = runtime.to_native(experiment.x), runtime.to_native(experiment.y)
    _, values = net.train(model, x, y, experiment.schedule, experiment.learning_rate)
    losses[framework] = runtime.to_numpy(values).astype(np.float64)
for framework in ("tensorflow", "tensorflow_v1"):
    distance = np.abs(losses[framework] - losses["numpy"])
    print(len(distance), distance.max())
"""


def test_the_losses_of_the_whole_tutorial_are_those_of_numpy(mnist_dir: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOSSES, mnist_dir],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [int(count) for count, _ in lines] == [4_000, 4_000]
    # Losses fall from 16, of which half a unit in the last place in float32 is 5e-7.
    assert all(0 < float(distance) <= 5e-6 for _, distance in lines)
