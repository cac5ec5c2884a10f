"""Data sets, the same arrays for every port: iris, the planar flower, MNIST and its stand-in."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from shared import mnist_files
from shared.errors import InputError
from shared.rows import Array, Rows

Loader = Callable[[str, Path | None], "Dataset"]
Table = Sequence[Sequence[float]]


@dataclass(frozen=True)
class Dataset:
    """Rows to train on and, where there are any, rows to test on.

    x, x_test: inputs (n, inputs), float64, or the bytes of pixels, of which `rounded` makes numbers
    from 0 to 1. y, y_test: targets; classes (n,) int64, or float64 (n, outputs), (n, 0) where there
    are none. Of users' own data, each has any shape (n, ...), or is several arrays by name. notice:
    what every output must say of this data, or None. sha256: of the arrays, or of the files they
    were read from.
    """

    name: str
    title: str
    x: Rows
    y: Rows
    x_test: Rows
    y_test: Rows
    sha256: str
    notice: str | None = None


def rounded(array: Array, dtype: str) -> Array:
    """Return inputs or targets as ports get them, real numbers in `dtype`: "float32" or "float64".

    The shape stays. Pixels are divided by 255; classes stay as they are.
    """
    if array.dtype == np.uint8:
        return np.divide(array, 255, dtype=dtype)
    return array.astype(dtype, copy=False) if array.dtype.kind == "f" else array


def _sha256(*arrays: NDArray[np.generic]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _of_sklearn(name: str, file: str, header: int, shape: tuple[int, int]) -> tuple[Array, Array]:
    """Return features, float64, and classes, int64, of one of scikit-learn's own data sets.

    Its public loader gives the same arrays, but importing it is 0.8 s of the 1.8 s that
    `compare.py iris --quick --frameworks numpy` then takes. So its file is read where there is one
    with a table of the shape known, and the loader is asked elsewhere.
    """
    package = find_spec("sklearn")
    folder = Path(package.origin).with_name("datasets") if package and package.origin else Path()
    try:
        table = np.loadtxt(folder / "data" / file, delimiter=",", skiprows=header)
    except (OSError, ValueError):
        table = np.empty((0, 0))
    if table.shape != shape:
        from sklearn import datasets

        features, classes = getattr(datasets, f"load_{name}")(return_X_y=True)
        return features, classes.astype(np.int64)
    return table[:, :-1], table[:, -1].astype(np.int64)


@lru_cache
def iris(choice: str, data_dir: Path | None) -> Dataset:
    """Return Fisher's iris: x (150, 4) standardised with ddof 0, y one-hot (150, 3)."""
    features, species = _of_sklearn("iris", "iris.csv", header=1, shape=(150, 5))
    x = (features - features.mean(axis=0)) / features.std(axis=0)
    y = np.eye(3)[species]
    return Dataset("iris", "Fisher's iris, 150 rows", x, y, None, None, _sha256(x, y))


@lru_cache
def planar(choice: str, data_dir: Path | None) -> Dataset:
    """Return the two-petal flower: 400 points of the plane, targets (400, 1) in {0, 1}.

    Source: `load_planar_dataset` of the course Neural Networks and Deep Learning (deeplearning.ai).
    """
    random = RandomState(1)
    points = []
    for petal in range(2):
        angle = np.linspace(3.12 * petal, 3.12 * (petal + 1), 200) + 0.2 * random.randn(200)
        radius = 4 * np.sin(4 * angle) + 0.2 * random.randn(200)
        points.append(np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1))
    x = np.concatenate(points)
    y = np.repeat([0.0, 1.0], 200)[:, None]
    return Dataset("planar", "the planar flower, 400 points", x, y, None, None, _sha256(x, y))


@lru_cache
def iris_flower(choice: str, data_dir: Path | None) -> Dataset:
    """Return one flower in centimetres, x (1, 4), of the first species, y one-hot (1, 3).

    Source: the first forward pass of Artificial Intelligence Practice: TensorFlow Notes (Peking
    University).
    """
    return _small("iris-flower", "one iris, unscaled", [[5.8, 4.0, 1.2, 0.2]], [[1, 0, 0]])


@lru_cache
def parabola(choice: str, data_dir: Path | None) -> Dataset:
    """Return the one row with which (w x - y)^2 is (w + 1)^2: x = 1 (1, 1), y = -1 (1, 1)."""
    return _small("parabola", "one row, x = 1 and y = -1", [[1]], [[-1]])


@lru_cache
def people(choice: str, data_dir: Path | None) -> Dataset:
    """Return four people to train on, and two to predict.

    x (n, 2): weight - 135 in pounds, height - 66 in inches. y (n, 1): 1 for women, 0 for men.
    Source: V. Zhou, "Machine Learning for Beginners: An Introduction to Neural Networks".
    """
    x = [[-2, -1], [25, 6], [17, 4], [-15, -6]]  # Alice, Bob, Charlie, Diana
    x_test = [[-7, -3], [20, 2]]  # Emily, Frank
    return _small("people", "four people", x, [[1], [0], [0], [1]], x_test, [[1], [0]])


GATES = {"and": (0, 0, 0, 1), "or": (0, 1, 1, 1), "nand": (1, 1, 1, 0), "xor": (0, 1, 1, 0)}


@lru_cache
def truth_table(gate: str, choice: str, data_dir: Path | None) -> Dataset:
    """Return a gate's truth table: x (4, 2), all pairs of 0 and 1, and y (4, 1)."""
    x = [[0, 0], [0, 1], [1, 0], [1, 1]]
    return _small(gate, f"the truth table of {gate.upper()}", x, [[y] for y in GATES[gate]])


@lru_cache
def signals(choice: str, data_dir: Path | None) -> Dataset:
    """Return the one input of the net whose signals are followed, x (1, 2); it has no target."""
    return _small("signals", "one row", [[1.0, 0.5]])


@lru_cache
def activations(choice: str, data_dir: Path | None) -> Dataset:
    """Return numbers to apply activations to, x (44, 3); they have no targets.

    Three rows whose softmax others printed; then the line from -6 to 6, for the curves; then
    numbers at which what is written carelessly overflows, and 0, at which ReLU has no derivative.
    """
    printed: list[list[float]] = [[0.3, 2.9, 4.0], [1010, 1000, 990], [0.03, 29, 0.4]]
    line = np.linspace(-6, 6, 120).reshape(-1, 3)
    x: list[list[float]] = [*printed, *line.tolist(), [-1000, 0, 1000]]
    return _small("activations", "numbers, most from -6 to 6", x)


def _small(
    name: str,
    title: str,
    x: Table,
    y: Table | None = None,
    x_test: Table | None = None,
    y_test: Table | None = None,
) -> Dataset:
    """Return rows that are written out here; without targets, y is (n, 0)."""
    inputs = np.array(x, np.float64)
    targets = np.array(y, np.float64) if y else np.empty((len(x), 0))
    if x_test is None:
        return Dataset(name, title, inputs, targets, None, None, _sha256(inputs, targets))
    tests = np.array(x_test, np.float64), np.array(y_test, np.float64)
    return Dataset(name, title, inputs, targets, *tests, _sha256(inputs, targets, *tests))


def digits(notice: str | None = None) -> Dataset:
    """Return scikit-learn's 1,797 scanned 8x8 digits scaled to 28x28, in MNIST's form.

    1,400 rows to train on and 397 to test on, in the file's order; pixels from 0 to 1.
    """
    from scipy.ndimage import zoom

    images, labels = _of_sklearn("digits", "digits.csv.gz", header=0, shape=(1797, 65))
    scaled = zoom(images.reshape(-1, 8, 8) / 16, (1, 3.5, 3.5), order=1)  # (1797, 28, 28)
    x, y = scaled.reshape(-1, 784), labels
    title = "scikit-learn's 8x8 digits scaled to 28x28 (not MNIST), 1,400 rows"
    return Dataset("digits", title, x[:1400], y[:1400], x[1400:], y[1400:], _sha256(x, y), notice)


@lru_cache
def mnist(choice: str, data_dir: Path | None) -> Dataset:
    """Return MNIST, or its stand-in where it may and must stand in.

    55,000 rows to train on: the first 5,000 images are held out for validation, as the TensorFlow 1
    tutorial did. 10,000 rows to test on. Pixels / 255.

    Args:
        choice: "auto" for MNIST and, without a network, the stand-in; "mnist" to refuse the
            stand-in; "digits" to ask for it.
        data_dir: the folder of the four files, or None to look for them.

    Raises:
        InputError: the files are missing, or are not MNIST's.
    """
    if choice == "digits":
        return digits("asked for with --data digits; the figures are not MNIST's")
    try:
        folder = mnist_files.find(data_dir)
    except mnist_files.NotToBeHadError as error:
        if choice == "mnist":
            raise InputError(f"{error}, and --data mnist refuses the stand-in") from error
        return digits(f"{error}; the figures are not MNIST's")
    images, labels = mnist_files.read(folder, "train")
    test_images, test_labels = mnist_files.read(folder, "t10k")
    return Dataset(
        "mnist",
        "MNIST, 55,000 rows",
        images[5000:],
        labels[5000:].astype(np.int64),
        test_images,
        test_labels.astype(np.int64),
        mnist_files.SHA256_OF_ALL,
    )
