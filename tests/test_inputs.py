"""What worker processes are given: each array once, and never another one in its place."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from parity.standard.inputs import Store
from shared.experiment import Experiment, prepare


@pytest.fixture
def iris() -> Experiment:
    return prepare("iris", "float32", 5)


def test_an_array_is_written_once(iris: Experiment, tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = store.inputs(iris, "cpu", 1)
    assert store.inputs(replace(iris, x=iris.x.copy()), "cpu", 1).files == first.files
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("change", ["order", "bit", "shape"])
def test_arrays_of_one_name_and_other_content_are_kept_apart(
    iris: Experiment, tmp_path: Path, change: str
) -> None:
    x = np.zeros_like(iris.x)
    other = {"order": iris.x[::-1], "bit": -x, "shape": x[:, :3]}[change]
    store = Store(tmp_path)
    experiments = [replace(iris, x=array) for array in (x, other, iris.x)]
    inputs = [store.inputs(experiment, "cpu", 1) for experiment in experiments]
    assert len({each.files["x"] for each in inputs}) == 3
    assert len({each.files["y"] for each in inputs}) == 1
    for experiment, each in zip(experiments, inputs, strict=True):
        kept = each.array("x")
        assert kept.shape == experiment.x.shape
        assert kept.tobytes() == experiment.x.tobytes()


@pytest.mark.parametrize("recipe", ["iris", "signals", "gates", "activations"])
def test_what_nobody_has_written_to_is_untouched(recipe: str, tmp_path: Path) -> None:
    store, experiment = Store(tmp_path), prepare(recipe, "float32")
    assert store.untouched(store.inputs(experiment, "cpu", 1), experiment)


@pytest.mark.parametrize("how", ["written", "set back", "replaced", "removed"])
def test_arrays_that_somebody_has_written_to_are_told(
    iris: Experiment, tmp_path: Path, how: str
) -> None:
    store = Store(tmp_path)
    inputs = store.inputs(iris, "cpu", 1)
    path = inputs.files["x"]
    path.chmod(0o644)
    before = path.read_bytes()
    if how in ("replaced", "removed"):
        path.unlink()
    if how != "removed":
        path.write_bytes(before[:-1] + b"\1" if how == "written" else before)
    assert not store.untouched(inputs, iris)


def test_what_is_written_to_a_mapped_file_is_told_where_no_time_is_kept(
    iris: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("parity.standard.inputs._stamp", lambda path: (0,))
    store = Store(tmp_path)
    inputs = store.inputs(iris, "cpu", 1)
    assert store.untouched(inputs, iris)
    inputs.files["x"].chmod(0o644)
    mapped = np.load(inputs.files["x"], mmap_mode="r+")
    mapped[-1, -1] *= 2
    mapped.flush()
    assert not store.untouched(inputs, iris)
