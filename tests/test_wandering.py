"""A run that rounding leads over a kink is right; one that errs where all is smooth is not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from parity import contract
from parity.standard import floors, reference, wandering
from parity.standard.comparison import LIMIT
from parity.standard.inputs import Store
from parity.standard.native import Native
from shared.experiment import prepare
from tests.running import Compare

NEAR, FAR = 5e-7, 1.0  # how far the run passes by a place with another slope; floors are 1e-7
REFERENCE = """
import numpy as np

FRAMEWORK = "numpy"
STEEP = float(np.float32(1.1)) * (1 - 2e-5) ** 3 + {near} + 5e-6  # in the middle of it


def build(weights):
    return {{"w": weights["w"].copy()}}


def loss(model, x, y):
    return (0.01 * (x @ model["w"]) ** 2).mean()


def train(model, x, y, schedule, learning_rate):
    losses = []
    for rows in schedule:
        z = x[rows] @ model["w"]
        losses.append(loss(model, x[rows], y[rows]))
        slope = 0.02 * z + np.where(np.abs(z - STEEP) < 5e-6, {steep}, 0.0).astype(z.dtype)
        model["w"] = model["w"] - learning_rate * (x[rows].T @ slope) / len(rows)
    return model, np.stack(losses)


def export(model):
    return model
"""
RECIPE = """
name = "kink"
summary = "a slope that jumps beside where the run is after three steps"
reference = "kink.py"
weights = "weights.npz"
data = "rows.npz"
batch = 2
steps = 6
learning_rate = 0.001
"""


def written(folder: Path, near: float, steep: str = "100.0") -> Path:
    """Write the recipe; return its path."""
    np.savez(folder / "weights.npz", w=np.array([1.1], np.float32))
    np.savez(folder / "rows.npz", x=np.ones((4, 1), np.float32), y=np.zeros(4, np.float32))
    (folder / "kink.py").write_text(REFERENCE.format(near=near, steep=steep))
    (folder / "kink.toml").write_text(RECIPE)
    return folder / "kink.toml"


class Measured:
    """The reference, measured, and how far it goes once its weights are moved."""

    def __init__(self, folder: Path, near: float, steep: str = "100.0") -> None:
        experiment = prepare(f"{written(folder, near, steep)}", "float32")
        self.inputs = Store(folder / "arrays").inputs(experiment, "cpu", 1)
        self.port = contract.load(self.inputs.reference, self.inputs.net)
        self.ran = reference.run(self.port, self.inputs)
        self.floors = floors.measure(self.port, self.inputs, self.ran, lambda message: None)

    def off(self, by: float) -> tuple[dict[str, float], NDArray[Any]]:
        """Return how far off a run ends, weights and losses, that begins so far off."""
        native = Native(self.port, self.inputs, "float64")
        begin = {"w": self.inputs.weights["w"].astype(float) + by}
        schedule, rate = self.inputs.schedule, self.inputs.learning_rate
        weights, losses = native.export(*native.train(native.build(begin), schedule, rate))
        due = self.ran.path[self.inputs.steps]["w"]
        return {"w": float(np.abs(weights["w"] - due).max())}, np.abs(losses - self.ran.losses)

    def wander(self, weights: dict[str, float], losses: NDArray[Any]) -> floors.NoiseFloors | None:
        """Return wider floors, if there is a kink that explains so much."""
        held = self.port, self.inputs, self.ran, self.floors
        return wandering.wander(*held, weights, losses)


def test_a_kink_explains_how_far_a_run_goes_and_no_more(tmp_path: Path) -> None:
    measured = Measured(tmp_path, NEAR)
    narrow = measured.floors.path[6]["w"]
    weights, losses = measured.off(1.5 * NEAR)
    assert 1e5 * narrow < weights["w"] < 1
    assert LIMIT * narrow > NEAR  # a correct port may get there
    wide = measured.wander(weights, losses)
    assert wide is not None
    assert weights["w"] <= LIMIT * wide.path[6]["w"] <= 2.01 * weights["w"]
    assert (losses <= LIMIT * wide.losses).all()
    assert wide.expected == measured.floors.expected
    assert measured.wander({"w": 3 * weights["w"]}, losses) is None
    assert measured.wander(weights, 3 * losses) is None


@pytest.mark.parametrize("times", [1.1, 100.0])
def test_nothing_is_explained_where_all_is_smooth(tmp_path: Path, times: float) -> None:
    measured = Measured(tmp_path, FAR)
    weights = {"w": times * LIMIT * measured.floors.path[6]["w"]}
    assert measured.wander(weights, np.zeros(6)) is None


@pytest.mark.parametrize("steep", ["np.inf", "np.nan"])
def test_runs_that_leave_all_numbers_explain_nothing(tmp_path: Path, steep: str) -> None:
    measured = Measured(tmp_path, NEAR, steep)
    with np.errstate(all="ignore"):
        weights, _ = measured.off(1.5 * NEAR)
        assert not np.isfinite(weights["w"])  # where a correct port may get
        assert measured.wander({"w": 0.5}, np.zeros(6)) is None
        assert measured.wander({"w": 0.0}, np.repeat([0.0, 0.5], [4, 2])) is None


def test_a_port_that_is_led_over_a_kink_agrees(compare: Compare, tmp_path: Path) -> None:
    recipe = written(tmp_path, NEAR)
    source = (tmp_path / "kink.py").read_text()
    led = source.replace("/ len(rows)", f"/ len(rows) + {0.7 * NEAR}")  # at each step
    wrong = led.replace("100.0", "300.0")
    for name, port in {"led.py": led, "wrong.py": wrong}.items():
        assert source != led != wrong
        (tmp_path / name).write_text(port)
    ports = [f"--with={tmp_path / name}" for name in ("led.py", "wrong.py")]
    run = compare(recipe, "--dtype=float32", *ports)
    assert run.result("led.py", "float32")["verdict"] == "agree"
    found = run.result("wrong.py", "float32")["divergence"]
    assert (found["rung"], found["step"]) == ("trajectory", 4)


def test_in_float64_nothing_is_widened(compare: Compare, tmp_path: Path) -> None:
    near = NEAR / 2**29
    recipe = written(tmp_path, near)
    source = (tmp_path / "kink.py").read_text()
    (tmp_path / "led.py").write_text(source.replace("/ len(rows)", f"/ len(rows) + {0.7 * near}"))
    run = compare(recipe, "--dtype=float64", f"--with={tmp_path / 'led.py'}")
    assert run.result("led.py", "float64")["divergence"]["rung"] == "trajectory"
