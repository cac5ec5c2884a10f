"""Data sets, the same arrays for every port: iris, the planar flower, MNIST and its stand-in."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from shared import mnist_files
from shared.errors import InputError

Source = Callable[[str, Path | None], "Dataset"]


@dataclass(frozen=True)
class Dataset:
    """Rows to train on and, where there are any, rows to test on.

    x, x_test: inputs (n, inputs), float64. y, y_test: targets; classes (n,) int64, or float64
    (n, outputs). notice: what every output must say of this data, or None. sha256: of the arrays,
    or of the files they were read from.
    """

    name: str
    title: str
    x: NDArray[np.float64]
    y: NDArray[np.float64] | NDArray[np.int64]
    x_test: NDArray[np.float64] | None
    y_test: NDArray[np.float64] | NDArray[np.int64] | None
    sha256: str
    notice: str | None = None


def _sha256(*arrays: NDArray[np.generic]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


@lru_cache
def iris(choice: str, data_dir: Path | None) -> Dataset:
    """Return Fisher's iris: x (150, 4) standardised with ddof 0, y one-hot (150, 3)."""
    from sklearn.datasets import load_iris  # takes a second to import

    features, species = load_iris(return_X_y=True)
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


def digits(notice: str | None = None) -> Dataset:
    """Return scikit-learn's 1,797 scanned 8x8 digits scaled to 28x28, in MNIST's form.

    1,400 rows to train on and 397 to test on, in the file's order; pixels from 0 to 1.
    """
    from scipy.ndimage import zoom
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    scaled = zoom(images.reshape(-1, 8, 8) / 16, (1, 3.5, 3.5), order=1)  # (1797, 28, 28)
    x, y = scaled.reshape(-1, 784), labels.astype(np.int64)
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
        images[5000:] / 255,
        labels[5000:].astype(np.int64),
        test_images / 255,
        test_labels.astype(np.int64),
        mnist_files.SHA256_OF_ALL,
    )
