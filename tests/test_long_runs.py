"""Runs beyond a recipe's budget: noise runs end where they tell no more, and memory is bounded."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from parity import contract
from parity.contract import Port, PortName
from parity.standard import floors, reference
from parity.standard.floors import NoiseFloors
from parity.standard.inputs import Inputs, Store
from parity.standard.reference import Reference
from shared.experiment import prepare

STEPS, BUDGET = 200, 20
Measured = Callable[[], tuple[Inputs, Reference, NoiseFloors, list[str]]]


@pytest.fixture
def measured(tmp_path: Path) -> Measured:
    """Measure a run of ten times the budget, and what was said meanwhile."""
    inputs = Store(tmp_path).inputs(prepare("iris", "float32", steps=STEPS), "cpu", 1)
    inputs = replace(inputs, budget=BUDGET)
    port: Port = contract.load(PortName("numpy"), "iris")

    def measure() -> tuple[Inputs, Reference, NoiseFloors, list[str]]:
        known = reference.run(port, inputs)
        said: list[str] = []
        return inputs, known, floors.measure(port, inputs, known, said.append), said

    return measure


def test_a_run_is_told_apart_to_its_end_where_rounding_is_not_amplified(measured: Measured) -> None:
    _, known, found, _ = measured()
    assert found.told_apart == STEPS
    assert found.losses.max() < 1e-3 * known.losses.min()


def test_where_rounding_decides_no_more_is_held_to_the_reference(
    measured: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, before, _ = measured()
    monkeypatch.setattr(floors, "AMPLIFIED", 0.0)
    _, known, found, _ = measured()
    assert found.told_apart == BUDGET
    assert np.array_equal(found.losses[:BUDGET], before.losses[:BUDGET])
    assert found.path[BUDGET] == before.path[BUDGET]
    assert found.losses[BUDGET:].min() >= known.losses.max()
    for name, value in known.path[BUDGET].items():
        assert found.path[STEPS][name] >= np.abs(value).max()


def test_floors_that_have_settled_are_held(
    measured: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(floors, "GROWTH", np.inf)
    _, known, found, _ = measured()
    after = [floor for stop, floor in found.path.items() if stop > BUDGET]
    for name, value in known.path[STEPS].items():
        unit = np.spacing(np.abs(value).max().astype(np.float32))
        assert all(floor[name] <= max(found.path[BUDGET][name], unit) for floor in after)
    assert found.told_apart == STEPS
