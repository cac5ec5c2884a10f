"""Data sets and batch order: what they are made of, and that nobody changes what all share."""

import errno
import gzip
import hashlib
import os
import tracemalloc
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris

from parity.sessions.settings import QUICK_ROWS, QUICK_STEPS, Settings
from shared import mnist_files
from shared.datasets import digits, iris, mnist, rounded
from shared.errors import InputError
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


LABELS = "t10k-labels-idx1-ubyte.gz"


def labels(monkeypatch: pytest.MonkeyPatch, folder: Path, value: int) -> Path:
    """Write a file of labels that are all the same, which is from now on the original."""
    content = np.array([2049, 10_000], ">i4").tobytes() + bytes([value]) * 10_000
    packed = gzip.compress(content, mtime=0)
    monkeypatch.setitem(mnist_files.SHA256, LABELS, hashlib.sha256(packed).hexdigest())
    (folder / LABELS).write_bytes(packed)
    return folder / LABELS


def read(path: Path) -> np.ndarray[Any, Any]:
    return mnist_files._read_idx(path, 2049, (10_000,))


def test_what_is_unpacked_is_what_was_hashed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = labels(monkeypatch, tmp_path, 3)
    sha256 = hashlib.sha256

    def swap(content: bytes) -> object:
        path.write_bytes(b"another file")
        return sha256(content)

    monkeypatch.setattr(hashlib, "sha256", swap)
    assert (read(path) == 3).all()


@pytest.mark.parametrize("packed", [4_000_000, 60_000_000])
def test_no_file_unpacks_to_more_than_is_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, packed: int
) -> None:
    header = np.array([2049, 10_000], ">i4").tobytes()
    compressor = zlib.compressobj(9, wbits=31)
    pieces = [compressor.compress(header)]
    pieces += [compressor.compress(bytes(1_000_000)) for _ in range(packed // 1_000_000)]
    (tmp_path / LABELS).write_bytes(b"".join([*pieces, compressor.flush()]))
    tracemalloc.start()
    with pytest.raises(InputError, match=r"says 10,000 values but has more|more than 4,542 bytes"):
        read(tmp_path / LABELS)
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_nobody_waits_for_a_fifo(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / LABELS)
    with pytest.raises(InputError, match="is a FIFO, where a file is expected: fetch the file"):
        read(tmp_path / LABELS)


def test_a_fifo_that_takes_a_files_place_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = labels(monkeypatch, tmp_path, 3)
    found = path.stat()
    path.unlink()
    os.mkfifo(path)
    monkeypatch.setattr(Path, "stat", lambda self, **how: found)
    with pytest.raises(InputError, match="is a FIFO, where a file is expected"):
        read(path)


@pytest.mark.parametrize("home", ["x" * 300, "loop", "file"])
def test_a_home_that_cannot_be_used_is_no_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, home: str
) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    monkeypatch.setattr(mnist_files, "MIRRORS", ())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / home))
    monkeypatch.delenv("LOCKSTEP_DATA", raising=False)
    found = mnist.__wrapped__("auto", None)
    assert found.name == "digits"
    assert "MNIST could not be " in (found.notice or "")
    with pytest.raises(InputError, match="--data mnist refuses the stand-in"):
        mnist.__wrapped__("mnist", None)


def test_a_home_that_may_not_be_searched_is_no_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(self: Path, **how: object) -> os.stat_result:
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.delenv("LOCKSTEP_DATA", raising=False)
    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(mnist_files.NotToBeHadError, match=r"kept in .* \(Permission denied\)"):
        mnist_files.find(None)
    with pytest.raises(InputError, match=r"\(--data-dir\) cannot be searched \(Permission denied"):
        mnist_files.find(tmp_path)


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
