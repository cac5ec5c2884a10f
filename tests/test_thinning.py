"""Curves with fewer points: no spike is lost, and the page stays small."""

import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import default_rng

from parity.reports.html import to_html
from parity.reports.plot_data.drawn import free_ratios
from parity.reports.plot_data.thinning import kept
from parity.reports.run import FinishedRun
from parity.results import STEPWISE, Curves, PortResult, Ratio, RungResult, Trial
from parity.sessions.settings import Settings
from parity.standard.place import Place
from shared.recipes import RECIPES

PORTS = ("numpy", "jax", "tensorflow", "torch", "mine.py")
LARGEST = 6_000_000  # bytes


@given(
    length=st.integers(1, 20_000),
    number=st.integers(1, 3),
    stretches=st.integers(1, 200),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_largest_value_is_always_kept(
    length: int, number: int, stretches: int, seed: int
) -> None:
    random = default_rng(seed)
    series = [random.standard_cauchy(length) for _ in range(number)]
    series[0][random.random(length) < 0.1] = np.nan
    found = kept(series, stretches)
    assert len(found) <= number * stretches + 2
    assert found[0] == 0
    assert found[-1] == length - 1
    assert (np.diff(found) > 0).all()
    for values in series:
        if np.isfinite(values).any():
            assert np.nanmax(values[found]) == np.nanmax(values)


def test_each_stretch_keeps_its_own_largest() -> None:
    values = np.zeros(10_000)
    spikes = [11, 95, 812, 4_321, 9_000]
    values[spikes] = [1, 2, 3, 4, 5]
    assert set(spikes) <= set(kept([values], 50).tolist())


def test_a_loss_that_is_no_number_has_an_infinite_ratio() -> None:
    losses = np.array([1.0, np.nan, np.inf, 1.5], np.float32)
    ratios = free_ratios(Curves(losses, {}, np.ones(4), np.full(4, 0.25)))
    assert ratios.tolist() == [0, np.inf, np.inf, 2]


@pytest.fixture(scope="module")
def run() -> FinishedRun:
    """All recipes at full length, with five ports whose numbers are as long as numbers can be."""
    random = default_rng(0)
    trials = Settings(data="digits").trials(list(RECIPES))
    results = []
    for trial in trials:
        experiment = trial.experiment
        steps = experiment.steps
        for port in PORTS:
            losses = random.random(steps)
            curves = Curves(
                losses,
                {name: random.random(w.shape) for name, w in experiment.weights.items()},
                losses + 1e-7 * random.random(steps),
                np.full(steps, 1e-7),
            )
            results.append(result(trial, port, curves if steps else None))
    return FinishedRun(results, 80.0)


def result(trial: Trial, port: str, curves: Curves | None) -> PortResult:
    random = default_rng(len(trial.experiment.recipe.name + port))
    steps = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 9999)
    rungs: Any = [
        RungResult(rung, "agree", 0.123456, 1e-7, 1e-6, Place(rung, 5, "W1"), 999)
        for rung in STEPWISE
    ]
    return PortResult(
        trial=trial,
        port=port,
        framework=port,
        device="cpu",
        mode="eager",
        data={"stand_in": None},
        verdict="agree",
        error=None,
        rungs=(*rungs, *rungs),
        divergence=None,
        diagnosis=None,
        not_provided=(),
        loss={"first": 1.0, "last": 0.5},
        accuracy={"train": 0.5, "test": 0.5},
        seconds={"import": 1.0, "first_step": 1.0, "train": 1.0},
        told_apart=10_000,
        ratios=tuple(
            Ratio(Place(rung, step, "W1"), random.random(), 1e-7, 1e-6)
            for rung in STEPWISE
            for step in steps
        ),
        curves=curves,
    )


def test_a_page_with_everything_stays_small(run: FinishedRun) -> None:
    assert max(len(r.curves.losses) for r in run.results if r.curves) == 10_000
    size = len(to_html(run).encode())
    assert size < LARGEST


def test_a_spike_of_one_step_is_on_the_page(run: FinishedRun) -> None:
    number = next(i for i, r in enumerate(run.results) if r.recipe == "planar")
    planar = run.results[number]
    assert planar.curves
    losses = planar.curves.losses.copy()
    losses[6_543] = planar.curves.reference[6_543] + 77.7 * planar.curves.floors[6_543]
    spiked = replace(planar, curves=replace(planar.curves, losses=losses))
    page = to_html(replace(run, results=[spiked]))
    found = re.search(r'id="data">(.*?)</script>', page, re.S)
    assert found
    data = json.loads(found[1])
    [spec] = [chart for chart in data["charts"] if chart["kind"] == "ratio"]
    curve = spec["curves"][0]
    points = dict(zip(data["arrays"][curve["x"]], data["arrays"][curve["y"]], strict=True))
    assert points[6_543] == 77.7
    assert "Worst ratio 78, numpy, step 6,543, over the limit of 8." in page
