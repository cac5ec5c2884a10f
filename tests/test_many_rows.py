"""A user's net is given some rows at a time: what its layers make of all may take gigabytes."""

from pathlib import Path

import numpy as np

from parity.standard.inputs import ROWS_AT_ONCE
from tests.running import Compare

ROWS = 2 * ROWS_AT_ONCE + 300
REFERENCE = f"""
import numpy as np

FRAMEWORK = "numpy"
buffer = np.empty(({ROWS_AT_ONCE}, 3))


def forward(weights, x):
    assert len(x) <= {ROWS_AT_ONCE}
    return x @ weights["W"]


def accuracy(weights, x, y):
    return np.mean(forward(weights, x).argmax(1) == y)


def train(weights, x, y, schedule, learning_rate):
    losses = []
    for rows in schedule:
        outputs = forward(weights, x[rows])
        losses.append((outputs**2).mean())
        weights["W"] -= learning_rate * x[rows].T @ outputs
    return weights, np.stack(losses)


def build(weights):
    return {{name: value.copy() for name, value in weights.items()}}


def export(weights):
    return weights
"""
# Arrays of a user's own kind, which nobody else knows how to cut into parts.
BOXED = """

class Box:
    def __init__(self, array):
        self.array = array


def configure(dtype, device, threads):
    pass


def to_native(array):
    return Box(array.copy())


def to_numpy(value):
    return getattr(value, "array", value)


def _unboxed(function):
    def run(model, *arguments):
        model = {name: to_numpy(value) for name, value in model.items()}
        return function(model, *map(to_numpy, arguments))

    return run


forward, accuracy, train, build = map(_unboxed, (forward, accuracy, train, build))
"""
PORTS = {
    "reused": ('return x @ weights["W"]', 'return np.matmul(x, weights["W"], buffer[: len(x)])'),
    "missed": ("return np.mean(", f"return (len(x) == {ROWS_AT_ONCE} or 299 / 300) * np.mean("),
    "narrow": ('return x @ weights["W"]', "return (x @ weights['W'])[:, : 2 + (len(x) != 300)]"),
}


def test_all_rows_are_judged_some_at_a_time(compare: Compare, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x, weights = random.standard_normal((ROWS, 5)), random.standard_normal((5, 3))
    np.savez(tmp_path / "data.npz", x=x, y=(x @ weights).argmax(1))
    np.savez(tmp_path / "weights.npz", W=weights)
    (tmp_path / "net.py").write_text(REFERENCE)
    for name, (right, other) in PORTS.items():
        assert REFERENCE.count(right) == 1
        (tmp_path / f"{name}.py").write_text(REFERENCE.replace(right, other))
    (tmp_path / "boxed.py").write_text(REFERENCE.replace('FRAMEWORK = "numpy"', "") + BOXED)
    recipe = tmp_path / "net.toml"
    recipe.write_text(
        'reference = "net.py"\nweights = "weights.npz"\ndata = "data.npz"\n'
        "batch = 10\nsteps = 2\nlearning_rate = 1e-5\n"
    )
    files = [f"--with={tmp_path / name}.py" for name in ("boxed", *PORTS)]
    run = compare(recipe, "--dtype", "float64", *files)
    assert run.status == 3, run.stderr
    for name in ("net.py", "boxed.py"):
        assert run.result(name, "float64")["verdict"] == "agree"
    # It writes into what it returned of the rows before.
    assert run.result("reused.py", "float64")["verdict"] == "agree"
    for name, verdict in (("missed.py", "disagree"), ("narrow.py", "error")):
        result = run.result(name, "float64")
        assert result["verdict"] == verdict
        assert result["divergence"]["rung"] == "accuracy"
