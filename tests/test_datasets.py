"""Data sets and batch order: what they are made of, and that nobody changes what all share."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris

from parity.sessions.settings import QUICK_ROWS, QUICK_STEPS, Settings
from shared.datasets import digits, iris, rounded
from shared.experiment import prepare


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_pixels_are_divided_in_float64_and_then_rounded(dtype: str) -> None:
    pixels = np.arange(256, dtype=np.uint8)
    assert rounded(pixels, dtype).dtype == dtype
    assert rounded(pixels, dtype).tobytes() == (pixels / 255).astype(dtype).tobytes()


def test_classes_stay_whole_numbers() -> None:
    assert rounded(np.array([3, 1]), "float32").dtype == np.int64


def test_iris_is_scikit_learns() -> None:
    features, species = load_iris(return_X_y=True)
    found = iris("auto", None)
    assert found.x.tobytes() == ((features - features.mean(0)) / features.std(0)).tobytes()
    assert found.y.tobytes() == np.eye(3)[species].tobytes()


def test_the_stand_in_is_scikit_learns_digits() -> None:
    images, labels = load_digits(return_X_y=True)
    found = digits()
    assert found.x_test is not None
    assert found.y_test is not None
    assert [*found.y, *found.y_test] == [*labels]
    scaled = np.concatenate([found.x, found.x_test]).reshape(-1, 28, 28)
    assert (scaled[:, ::27, ::27] == images.reshape(-1, 8, 8)[:, ::7, ::7] / 16).all()  # corners
    assert (scaled.min(), scaled.max()) == (0, 1)


@pytest.mark.parametrize("content", [None, "150,4\nsetosa\n", "150,4\n1,2,0\n3,4,1\n"])
def test_where_scikit_learns_files_are_others_its_loaders_are_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    if content:
        (tmp_path / "datasets" / "data").mkdir(parents=True)
        for name in ("iris.csv", "digits.csv.gz"):
            (tmp_path / "datasets" / "data" / name).write_text(content)
    by_file = [iris("auto", None), digits()]
    elsewhere = SimpleNamespace(origin=f"{tmp_path / '__init__.py'}")
    monkeypatch.setattr("shared.datasets.find_spec", lambda name: elsewhere)
    by_loader = [iris.__wrapped__("auto", None), digits()]
    for one, other in zip(by_file, by_loader, strict=True):
        assert one.sha256 == other.sha256
        for name in ("x", "y"):
            mine, theirs = getattr(one, name), getattr(other, name)
            assert (mine.dtype, mine.tobytes()) == (theirs.dtype, theirs.tobytes())


def test_who_writes_into_a_batch_order_changes_no_other() -> None:
    one, other = (prepare("mnist", dtype, choice="digits") for dtype in ("float32", "float64"))
    assert isinstance(one.schedule, np.ndarray)
    assert np.array_equal(one.schedule, other.schedule)
    one.schedule[0] += 1
    later = prepare("mnist", "float32", choice="digits")
    assert np.array_equal(later.schedule, other.schedule)
    assert not np.array_equal(later.schedule, one.schedule)


def test_a_quick_run_sees_few_rows_unless_it_is_told_how_many_steps(mnist_dir: Path) -> None:
    quick = Settings(quick=True, data_dir=mnist_dir).trials(["mnist"])[0].experiment
    told = Settings(quick=True, steps=30, data_dir=mnist_dir).trials(["mnist"])[0].experiment
    for experiment, train, test, steps in (
        (quick, QUICK_ROWS, QUICK_ROWS, QUICK_STEPS),
        (told, 55_000, 10_000, 30),
    ):
        assert experiment.x_test is not None
        assert experiment.y_test is not None
        assert len(experiment.x) == len(experiment.y) == train
        assert len(experiment.x_test) == len(experiment.y_test) == test
        assert experiment.steps == steps
        assert isinstance(experiment.schedule, np.ndarray)
        assert experiment.schedule.max() < train
    assert quick.x.tobytes() == told.x[:QUICK_ROWS].tobytes()
